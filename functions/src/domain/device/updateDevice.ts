import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import { type Device, endSession } from "./device.ts";

/** What a customer says of a device; what is absent stays. */
export type DeviceChanges = { [K in "name" | "enabled" | "mode"]?: Device[K] | undefined };

/**
 * Changes what is named of a device; what it reports of itself meanwhile is kept. Disabling it ends its session.
 * @throws DomainError `not_found` when it was deleted meanwhile.
 */
export function updateDevice(
  ctx: Ctx<"devices" | "commit">,
  input: { device: Stored<Device>; changes: DeviceChanges },
): Promise<Device> {
  const read = () => ctx.devices.get(input.device.value.id);
  return changeStored(ctx, input.device, read, async (was) => {
    const changed = { ...was.value, ...input.changes } as Device;
    const now = changed.enabled ? changed : endSession(changed, ctx.now());
    const outcome = await ctx.commit([ctx.devices.replace(was, now)], {
      target: { type: "device", id: now.id },
    });
    return outcome === "committed" ? now : AGAIN;
  });
}
