import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Stored } from "../store.ts";
import type { Device } from "./device.ts";

/** What a customer says of a device; what is absent stays. */
export type DeviceChanges = { [K in "name" | "enabled" | "mode"]?: Device[K] | undefined };

/**
 * Changes what is named of a device; what it reports of itself meanwhile is kept.
 * @throws DomainError `not_found` when it was deleted meanwhile.
 */
export async function updateDevice(
  ctx: Ctx<"devices" | "commit">,
  input: { device: Stored<Device>; changes: DeviceChanges },
): Promise<Device> {
  let was = input.device;
  return change(ctx, async () => {
    const now = { ...was.value, ...input.changes } as Device;
    if ((await ctx.commit([ctx.devices.replace(was, now)])) === "committed") return now;
    const current = await ctx.devices.get(was.value.id);
    if (!current) throw notFound();
    was = current;
    return AGAIN;
  });
}
