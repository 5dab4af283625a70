import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { findUser } from "../user/findUser.ts";
import type { User } from "../user/user.ts";

/**
 * Finds the user who will administer an organization.
 * @param who a user id, or an e-mail address that its user has verified: anybody can sign up with the address of
 * somebody else
 * @throws DomainError `not_found`, or `conflict` for an address that is not verified.
 */
export async function findNewAdmin(ctx: Ctx<"users">, who: string): Promise<User> {
  const user = await findUser(ctx, who);
  if (who === user.id || user.email_verified) return user;
  throw new DomainError(
    "conflict",
    `The e-mail address ${who} is not verified. Its account was created at ${user.created_at.toISOString()}, maybe by ` +
      `somebody who does not own the address. Check with the owner, then pass the user id ${user.id} instead.`,
  );
}
