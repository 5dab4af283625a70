import type { DeleteCtx } from "../../domain/member/deleteMember.ts";
import * as palms from "../../domain/palm/deletePalm.ts";
import { defineRoute } from "../../http/route.ts";

export const deletePalm = defineRoute({
  method: "DELETE",
  path: "/v1/project/{project_id}/members/{member_id}/palms/{palm_id}",
  operationId: "deletePalm",
  fn: "members",
  summary: "Erase a palm",
  description:
    "No request that begins after this answer matches the palm, on any instance; every stored copy of it is gone " +
    "within 24 hours. A running enrolment session of the member is cancelled. The member stays. Twice is 404.",
  auth: ["firebase", "apiKey"],
  permission: "palms:delete",
  scope: "tenant",
  audits: "palm",
  async finds(ctx: DeleteCtx, { project_id, member_id, palm_id }) {
    const member = await ctx.members.get(project_id, member_id);
    return member?.value.palm_ids.includes(palm_id) ? member : undefined;
  },
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: DeleteCtx, { environment, found, params }) {
    await palms.deletePalm(ctx, { environment, member: found, palm_id: params.palm_id });
  },
});
