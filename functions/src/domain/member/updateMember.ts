import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Stored, Write } from "../store.ts";
import { externalIdTaken } from "./createMember.ts";
import { hasOtherForms } from "./externalId.ts";
import type { Member, MemberFields } from "./member.ts";

/** What changes of a member; what is absent stays. */
export type MemberChanges = { [K in keyof MemberFields]?: MemberFields[K] | undefined };

/**
 * Merges fields into a member: those that are not named stay, metadata is replaced whole.
 * @throws DomainError `conflict` when another member of the project has that `external_id`, `not_found` when
 * the member was deleted meanwhile.
 */
export async function updateMember(
  ctx: Ctx<"members" | "commit">,
  input: { member: Stored<Member>; fields: MemberChanges },
): Promise<Member> {
  let was = input.member;
  await refuseOtherForm(ctx, was.value, input.fields.external_id ?? null);
  return change(ctx, async () => {
    const now = { ...was.value, ...input.fields, updated_at: ctx.now() } as Member;
    const outcome = await ctx.commit(
      [ctx.members.replace(was, now), ...moveExternalId(ctx, was.value, now.external_id)],
      { target: { type: "member", id: now.id } },
    );
    if (outcome === "committed") return now;
    const { id, project_id } = now;
    const [current, holder] = await Promise.all([
      ctx.members.get(project_id, id),
      now.external_id === null ? undefined : ctx.members.withExternalId(project_id, now.external_id),
    ]);
    if (!current) throw notFound();
    if (holder !== undefined && holder !== id) throw externalIdTaken();
    was = current;
    return AGAIN;
  });
}

/** No new member is given an id in another form, so one read before the commit is enough. */
async function refuseOtherForm(ctx: Ctx<"members">, member: Member, to: string | null): Promise<void> {
  if (to === null || to === member.external_id || !hasOtherForms(to)) return;
  const holder = await ctx.members.withExternalId(member.project_id, to);
  if (holder !== undefined && holder !== member.id) throw externalIdTaken();
}

function moveExternalId(ctx: Ctx<"members">, member: Member, to: string | null): Write[] {
  const from = member.external_id;
  if (from === to) return [];
  return [
    ...(from === null ? [] : [ctx.members.releaseExternalId(member.project_id, from)]),
    ...(to === null ? [] : [ctx.members.claimExternalId(member, to)]),
  ];
}
