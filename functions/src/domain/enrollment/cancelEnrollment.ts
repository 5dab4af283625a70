import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Device } from "../device/device.ts";
import { notFound } from "../errors.ts";
import type { Stored } from "../store.ts";
import { findSession } from "./findSession.ts";
import { advance, asOf, isActive } from "./session.ts";

export type CancelCtx = Ctx<"commit" | "devices" | "sessions">;

/**
 * Cancels this session of a device, and no other. One that is cancelled already stays so.
 * @throws DomainError `not_found` when it is not active.
 */
export function cancelEnrollment(
  ctx: CancelCtx,
  input: { device: Stored<Device>; session_id: string },
): Promise<void> {
  const { session_id: id } = input;
  const device_id = input.device.value.id;
  const read = () => ctx.devices.get(device_id);
  return changeStored(ctx, input.device, read, async (was) => {
    const found = await findSession(ctx, was.value, id);
    const now = ctx.now();
    const session = found && asOf(found, now);
    if (session?.status === "cancelled") return;
    if (!session || !isActive(session)) throw notFound();
    const cancelled = { ...was.value, session: advance(session, "cancel", "caller", now) };
    const outcome = await ctx.commit([ctx.devices.replace(was, cancelled)], {
      target: { type: "session", id },
    });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
