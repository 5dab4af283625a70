import { AGAIN, changeStored } from "../change.ts";
import { endSessions } from "../enrollment/endSessions.ts";
import type { Environment } from "../environment/environment.ts";
import { notFound } from "../errors.ts";
import type { DeleteCtx } from "../member/deleteMember.ts";
import type { Member } from "../member/member.ts";
import type { Stored } from "../store.ts";
import { erasePalms } from "./erasePalms.ts";

/**
 * Erases one palm of a member and cancels the member's running session, in one batch: no request that begins after it
 * matches the palm, and none that began before brings it back.
 * @throws DomainError `not_found` when the member has no such palm (any more).
 */
export function deletePalm(
  ctx: DeleteCtx,
  input: { environment: Environment; member: Stored<Member>; palm_id: string },
): Promise<void> {
  const { id, project_id } = input.member.value;
  const read = () => ctx.members.get(project_id, id);
  return changeStored(ctx, input.member, read, async (was) => {
    if (!was.value.palm_ids.includes(input.palm_id)) throw notFound();
    const palm_ids = was.value.palm_ids.filter((one) => one !== input.palm_id);
    const [erasure, end] = await Promise.all([
      erasePalms(ctx, input.environment.id, [input.palm_id]),
      endSessions(ctx, was.value),
    ]);
    const writes = [
      ctx.members.replace(was, { ...was.value, palm_ids, updated_at: ctx.now() }),
      ...erasure,
      ...end,
    ];
    const outcome = await ctx.commit(writes, { target: { type: "palm", id: input.palm_id } });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
