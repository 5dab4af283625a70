import type { Actor, Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import { administeredBy, type Organization } from "./organization.ts";

/** The organizations that a console user administers. */
export async function listOrganizations(
  ctx: Ctx<"organizations">,
  input: { actor: Actor },
): Promise<Organization[]> {
  return newestFirst(await administeredBy(ctx, input.actor));
}
