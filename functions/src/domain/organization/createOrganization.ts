import type { Ctx } from "../context.ts";
import { unavailable } from "../errors.ts";
import type { User } from "../user/user.ts";
import { findNewAdmin } from "./findNewAdmin.ts";
import { effectOn, type Organization } from "./organization.ts";

/**
 * A new customer. `admins` are verified e-mail addresses or ids of console users; `announce` is called with each of
 * them before anything is written.
 * @throws DomainError `not_found` for an unknown user, `conflict` for an address that is not verified.
 */
export async function createOrganization(
  ctx: Ctx<"organizations" | "users" | "commit">,
  input: Pick<Organization, "name" | "plan" | "admins"> & { announce?: (admin: User) => void },
): Promise<Organization> {
  const users = await Promise.all(input.admins.map((who) => findNewAdmin(ctx, who)));
  for (const user of users) input.announce?.(user);
  const organization: Organization = {
    id: ctx.id(),
    name: input.name,
    plan: input.plan,
    admins: [...new Set(users.map(({ id }) => id))],
    created_at: ctx.now(),
  };
  const outcome = await ctx.commit([ctx.organizations.create(organization)], effectOn(organization));
  if (outcome === "conflict") throw unavailable();
  return organization;
}
