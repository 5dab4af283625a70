import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Organization } from "../organization/organization.ts";
import type { Stored, Write } from "../store.ts";

type QuotaCtx = Ctx<"devices" | "organizations" | "projects">;

/**
 * Counts one device more or less. Every registration and deletion changes the organization's document in its own batch,
 * under the version that was read, so that the count is exact however many of them run concurrently.
 * @param organization as it was read before anything else of the attempt
 * @param limit how many devices there may be afterwards
 * @throws DomainError `limit_reached` when there would be more
 */
export async function countDevice(
  ctx: QuotaCtx,
  organization: Stored<Organization>,
  change: 1 | -1,
  limit = Number.POSITIVE_INFINITY,
): Promise<Write> {
  const device_count = Math.max(0, (await readDeviceCount(ctx, organization.value)) + change);
  if (change > 0 && device_count > limit) {
    throw new DomainError("limit_reached", `The organization's plan allows ${limit} devices.`);
  }
  return ctx.organizations.replace(organization, { ...organization.value, device_count });
}

/** The stored count; the devices themselves are counted for an organization from before there was one. */
async function readDeviceCount(ctx: QuotaCtx, { id, device_count }: Organization): Promise<number> {
  if (device_count !== undefined) return device_count;
  const projects = await ctx.projects.ofOrganizations([id]);
  const counts = await Promise.all(projects.map((project) => ctx.devices.ofProject(project.id).count()));
  return counts.reduce((sum, count) => sum + count, 0);
}
