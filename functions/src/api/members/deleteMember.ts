import * as members from "../../domain/member/deleteMember.ts";
import { defineRoute } from "../../http/route.ts";

export const deleteMember = defineRoute({
  method: "DELETE",
  path: "/v1/project/{project_id}/members/{member_id}",
  operationId: "deleteMember",
  fn: "members",
  summary: "Delete a member and erase its palms",
  description:
    "No request that begins after this answer matches its palms, on any instance; every stored copy of them is gone " +
    "within 24 hours. A running enrolment session is cancelled. Scans and transactions stay. Twice is 404.",
  auth: ["firebase", "apiKey"],
  permission: "members:write",
  scope: "tenant",
  audits: "member",
  finds: (ctx: members.DeleteCtx, { project_id, member_id }) => ctx.members.get(project_id, member_id),
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: members.DeleteCtx, { environment, found }) {
    await members.deleteMember(ctx, { environment, member: found });
  },
});
