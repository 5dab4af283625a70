import type { Actor, Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import type { Organization } from "./organization.ts";

/** The organizations that a console user administers. */
export async function listOrganizations(
  ctx: Ctx<"organizations">,
  input: { actor: Actor },
): Promise<Organization[]> {
  return newestFirst(await ctx.organizations.ofAdmin(input.actor.id));
}
