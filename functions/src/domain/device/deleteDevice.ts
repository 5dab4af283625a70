import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Project } from "../project/project.ts";
import type { Stored } from "../store.ts";
import type { Device } from "./device.ts";
import { countDevice } from "./quota.ts";

/**
 * Deletes a device, and with it its key and its session; what it has scanned stays.
 * @throws DomainError `not_found` when another request deleted it first.
 */
export function deleteDevice(
  ctx: Ctx<"devices" | "organizations" | "projects" | "commit">,
  input: { device: Stored<Device>; project: Project },
): Promise<void> {
  const { id } = input.device.value;
  const read = () => ctx.devices.get(id);
  return changeStored(ctx, input.device, read, async (was) => {
    const organization = await ctx.organizations.get(input.project.organization_id);
    const counted = organization ? [await countDevice(ctx, organization, -1)] : [];
    const writes = [ctx.devices.remove(was), ...counted];
    const outcome = await ctx.commit(writes, { target: { type: "device", id } });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
