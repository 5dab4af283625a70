import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Member } from "./member.ts";

/** @throws DomainError `not_found` for a member that is missing or another project's. */
export async function getMember(
  ctx: Ctx<"members">,
  input: { project_id: string; member_id: string },
): Promise<Member> {
  const stored = await ctx.members.get(input.project_id, input.member_id);
  if (!stored) throw notFound();
  return stored.value;
}
