import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Effect } from "../store.ts";
import { hasOtherForms } from "./externalId.ts";
import type { Member, MemberFields } from "./member.ts";

/**
 * A new member of a project.
 * @throws DomainError `conflict` when the project has a member with that `external_id`.
 */
export async function createMember(
  ctx: Ctx<"members" | "commit">,
  input: { project_id: string; fields: MemberFields },
): Promise<Member> {
  const now = ctx.now();
  const member: Member = {
    id: ctx.id(),
    project_id: input.project_id,
    ...input.fields,
    palm_ids: [],
    last_session_id: null,
    created_at: now,
    updated_at: now,
  };
  const { external_id } = member;
  const claim = external_id === null ? [] : [ctx.members.claimExternalId(member, external_id)];
  if (external_id !== null && hasOtherForms(external_id)) {
    // No new member is given an id in another form, so one read before the commit is enough.
    const holder = await ctx.members.withExternalId(member.project_id, external_id);
    if (holder !== undefined) throw externalIdTaken();
  }
  const effect: Effect = { target: { type: "member", id: member.id }, result: member };
  return change(ctx, async () => {
    const outcome = await ctx.commit([ctx.members.create(member), ...claim], effect);
    if (outcome === "committed") return member;
    const [holder, own] = await Promise.all([
      external_id === null ? undefined : ctx.members.withExternalId(member.project_id, external_id),
      ctx.members.get(member.project_id, member.id),
    ]);
    // Our own commit may have taken effect unheard, and met itself.
    if (own) return member;
    if (holder !== undefined) throw externalIdTaken();
    return AGAIN;
  });
}

export const externalIdTaken = (): DomainError =>
  new DomainError(
    "conflict",
    "Another member of the project has this external_id: " +
      "GET /v1/project/{project_id}/members?external_id=… answers with that member.",
  );
