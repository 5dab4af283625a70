import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { findUser } from "../user/findUser.ts";
import { effectOn, type Organization } from "./organization.ts";

/**
 * Makes a user, by e-mail address or id, an admin of an organization, or one no more: from the very next request on.
 * @returns the organization, and whether that changed it.
 * @throws DomainError `not_found` for an organization or a user that is none.
 */
export function setAdmin(
  ctx: Ctx<"organizations" | "users" | "commit">,
  input: { organization_id: string; user: string; admin: boolean },
): Promise<{ organization: Organization; changed: boolean }> {
  return change(ctx, async () => {
    const was = await ctx.organizations.get(input.organization_id);
    if (!was) throw notFound(`organization ${input.organization_id}`);
    const { admins } = was.value;
    // An admin may have been deleted in Auth: by their id they can still be taken off.
    const id = admins.includes(input.user) ? input.user : (await findUser(ctx, input.user)).id;
    if (admins.includes(id) === input.admin) return { organization: was.value, changed: false };
    const others = admins.filter((admin) => admin !== id);
    const now = { ...was.value, admins: input.admin ? [...others, id] : others };
    const outcome = await ctx.commit([ctx.organizations.replace(was, now)], effectOn(now));
    return outcome === "committed" ? { organization: now, changed: true } : AGAIN;
  });
}
