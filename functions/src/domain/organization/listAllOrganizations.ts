import type { Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import type { Organization } from "./organization.ts";

/** Every organization, for the operator. */
export async function listAllOrganizations(ctx: Ctx<"organizations">): Promise<Organization[]> {
  return newestFirst(await ctx.organizations.all());
}
