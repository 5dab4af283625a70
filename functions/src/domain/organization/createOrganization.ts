import type { Ctx } from "../context.ts";
import { unavailable } from "../errors.ts";
import { findUser } from "../user/findUser.ts";
import { effectOn, type Organization } from "./organization.ts";

/**
 * A new customer. `admins` are e-mail addresses or ids of console users.
 * @throws DomainError `not_found` for a user who is nobody.
 */
export async function createOrganization(
  ctx: Ctx<"organizations" | "users" | "commit">,
  input: Pick<Organization, "name" | "plan" | "admins">,
): Promise<Organization> {
  const users = await Promise.all(input.admins.map((who) => findUser(ctx, who)));
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
