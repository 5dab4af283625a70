import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { findUser } from "../user/findUser.ts";
import type { User } from "../user/user.ts";
import { findNewAdmin } from "./findNewAdmin.ts";
import { effectOn, type Organization } from "./organization.ts";

/**
 * Makes a user an admin of an organization, or removes one; it takes effect on the next request.
 * @param input.user the user's id or e-mail address; a new admin's address must be verified
 * @param input.announce called with the user before the first write
 * @returns the organization, and whether that changed it.
 * @throws DomainError `not_found` for an unknown organization or user, `conflict` for an address that is not verified.
 */
export async function setAdmin(
  ctx: Ctx<"organizations" | "users" | "commit">,
  input: { organization_id: string; user: string; admin: boolean; announce?: (user: User) => void },
): Promise<{ organization: Organization; changed: boolean }> {
  const read = () => ctx.organizations.get(input.organization_id);
  const found = await read();
  if (!found) throw notFound(`organization ${input.organization_id}`);
  const id = await findId(ctx, input, found.value);
  return changeStored(ctx, found, read, async (was) => {
    const { admins } = was.value;
    if (admins.includes(id) === input.admin) return { organization: was.value, changed: false };
    const others = admins.filter((admin) => admin !== id);
    const now = { ...was.value, admins: input.admin ? [...others, id] : others };
    const outcome = await ctx.commit([ctx.organizations.replace(was, now)], effectOn(now));
    return outcome === "committed" ? { organization: now, changed: true } : AGAIN;
  });
}

async function findId(
  ctx: Ctx<"users">,
  { user: who, admin, announce }: Parameters<typeof setAdmin>[1],
  { admins }: Organization,
): Promise<string> {
  // An admin may have been deleted in Auth; the id is enough to remove them.
  const isNamedById = admins.includes(who);
  if (isNamedById && admin) return who;
  const user = isNamedById ? await ctx.users.find(who) : await (admin ? findNewAdmin : findUser)(ctx, who);
  const id = user?.id ?? who;
  if (user && admins.includes(id) !== admin) announce?.(user);
  return id;
}
