import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import type { Device } from "./device.ts";

/**
 * Deletes a device, and with it its key and its session; what it has scanned stays.
 * @throws DomainError `not_found` when somebody else was first.
 */
export function deleteDevice(
  ctx: Ctx<"devices" | "commit">,
  input: { device: Stored<Device> },
): Promise<void> {
  const { id } = input.device.value;
  const read = () => ctx.devices.get(id);
  return changeStored(ctx, input.device, read, async (was) => {
    const outcome = await ctx.commit([ctx.devices.remove(was)], { target: { type: "device", id } });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
