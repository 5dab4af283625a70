import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { endSessions } from "../enrollment/endSessions.ts";
import type { Environment } from "../environment/environment.ts";
import { type EraseCtx, erasePalms } from "../palm/erasePalms.ts";
import type { Stored } from "../store.ts";
import type { Member } from "./member.ts";

export type DeleteCtx = EraseCtx & Ctx<"devices" | "members">;

/**
 * Deletes a member, erases its palms and cancels its running session, in one batch: no request that begins after it
 * matches them, on any instance. Scans and transactions stay. The sealed templates in Storage go by the garbage list.
 * @throws DomainError `not_found` when somebody else was first.
 */
export function deleteMember(
  ctx: DeleteCtx,
  input: { environment: Environment; member: Stored<Member> },
): Promise<void> {
  const { id, project_id } = input.member.value;
  const read = () => ctx.members.get(project_id, id);
  return changeStored(ctx, input.member, read, async (was) => {
    const { external_id, palm_ids } = was.value;
    const [erasure, end] = await Promise.all([
      erasePalms(ctx, input.environment.id, palm_ids),
      endSessions(ctx, was.value),
    ]);
    const writes = [
      ctx.members.remove(was),
      ...(external_id === null ? [] : [ctx.members.releaseExternalId(project_id, external_id)]),
      ...erasure,
      ...end,
    ];
    const outcome = await ctx.commit(writes, { target: { type: "member", id } });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
