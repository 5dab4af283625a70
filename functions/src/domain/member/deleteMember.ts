import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { type EraseCtx, erasePalms } from "../palm/erasePalms.ts";
import type { Stored } from "../store.ts";
import type { Member } from "./member.ts";

/**
 * Deletes a member and erases its palms, in one batch: no request that begins after it matches them, on any
 * instance. Scans and transactions stay. The sealed templates in Storage go by the garbage list.
 * @throws DomainError `not_found` when somebody else was first.
 */
export function deleteMember(
  ctx: EraseCtx & Ctx<"members">,
  input: { environment: Environment; member: Stored<Member> },
): Promise<void> {
  const { id, project_id } = input.member.value;
  const read = () => ctx.members.get(project_id, id);
  return changeStored(ctx, input.member, read, async (was) => {
    const { external_id, palm_ids } = was.value;
    const writes = [
      ctx.members.remove(was),
      ...(external_id === null ? [] : [ctx.members.releaseExternalId(project_id, external_id)]),
      ...(await erasePalms(ctx, input.environment.id, palm_ids)),
    ];
    const outcome = await ctx.commit(writes, { target: { type: "member", id } });
    return outcome === "committed" ? undefined : AGAIN;
  });
}
