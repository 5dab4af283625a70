import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { newKey } from "../credential/key.ts";
import type { Stored } from "../store.ts";
import type { Device } from "./device.ts";

/**
 * A new key in place of the device's, which nothing opens any more; `device_key` is in this answer only.
 * @throws DomainError `not_found` when the device was deleted meanwhile.
 */
export function rotateDeviceKey(
  ctx: Ctx<"devices" | "commit">,
  input: { device: Stored<Device> },
): Promise<{ device_key: string }> {
  const { id } = input.device.value;
  const read = () => ctx.devices.get(id);
  const { key: device_key, secret_hash } = newKey("pd", id);
  return changeStored(ctx, input.device, read, async (was) => {
    const now = { ...was.value, secret_hash, unclaimed_key: null };
    const result = { device_key };
    const outcome = await ctx.commit([ctx.devices.replace(was, now)], {
      target: { type: "device", id },
      result,
    });
    return outcome === "committed" ? result : AGAIN;
  });
}
