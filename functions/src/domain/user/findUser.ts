import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { User } from "./user.ts";

/**
 * The console user of an e-mail address or id.
 * @throws DomainError `not_found`
 */
export async function findUser(ctx: Ctx<"users">, who: string): Promise<User> {
  const user = await ctx.users.find(who);
  if (!user) throw notFound(`user ${who}`);
  return user;
}
