import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Registration } from "./registration.ts";

/** What has become of a registration. */
export type Claim =
  | { status: "pending" }
  | { status: "registered"; device_id: string; project_id: string; device_key: string };

/**
 * Tells a terminal whether somebody has entered its code, and who it is then: the same until it uses its key.
 * @throws DomainError `expired` when nobody has in time, or when the key can no longer be fetched: it was used, rotated,
 * deleted or not fetched in time.
 */
export async function claimRegistration(
  ctx: Ctx<"devices" | "deviceKeys">,
  { registration: { registered, expires_at } }: { registration: Registration },
): Promise<Claim> {
  if (!registered) {
    if (ctx.now() >= expires_at) throw new DomainError("expired", "The code was not entered in time.");
    return { status: "pending" };
  }
  const { device_id, project_id } = registered;
  const unclaimed = (await ctx.devices.get(device_id))?.value.unclaimed_key;
  if (!unclaimed || ctx.now() >= unclaimed.until) {
    throw new DomainError("expired", "The device's key can no longer be fetched.");
  }
  return {
    status: "registered",
    device_id,
    project_id,
    device_key: ctx.deviceKeys.open(device_id, unclaimed),
  };
}
