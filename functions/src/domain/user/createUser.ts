import { randomBytes } from "node:crypto";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { User } from "./user.ts";

/**
 * A new console user; without a password one is made, and is in this answer only. The address counts as verified:
 * only the operator creates users, and hands the password to the address's owner.
 * @throws DomainError `conflict` when the address is somebody's.
 */
export async function createUser(
  ctx: Ctx<"users">,
  input: { email: string; password?: string | undefined },
): Promise<User & { password?: string }> {
  const password = input.password ?? randomBytes(18).toString("base64url");
  const user = await ctx.users.create({ email: input.email, password });
  if (!user) throw new DomainError("conflict", `There is a user ${input.email} already.`);
  return input.password === undefined ? { ...user, password } : user;
}
