import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Stored } from "../store.ts";
import type { Device } from "./device.ts";

/**
 * Forgets the sealed key of a device that has just used it: nobody else may fetch it from now on. Where that fails the
 * next use does it.
 */
export async function forgetKey(ctx: Ctx<"commit" | "devices">, device: Stored<Device>): Promise<void> {
  if (!device.value.unclaimed_key) return;
  const read = () => ctx.devices.get(device.value.id);
  try {
    await changeStored(ctx, device, read, async (was) => {
      if (!was.value.unclaimed_key || was.value.secret_hash !== device.value.secret_hash) return;
      const now = { ...was.value, unclaimed_key: null };
      return (await ctx.commit([ctx.devices.replace(was, now)])) === "committed" ? undefined : AGAIN;
    });
  } catch (error) {
    if (error instanceof DomainError && error.code === "not_found") return;
    ctx.log.warn("a key that was used is still kept", { device_id: device.value.id, error: String(error) });
  }
}
