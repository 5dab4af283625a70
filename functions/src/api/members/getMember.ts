import type { Ctx } from "../../domain/context.ts";
import { defineRoute } from "../../http/route.ts";
import { MemberShape, toMember } from "./schemas.ts";

export const getMember = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/members/{member_id}",
  operationId: "getMember",
  fn: "members",
  summary: "Get a member",
  description: "One member of the project.",
  auth: ["firebase", "apiKey"],
  permission: "members:read",
  scope: "tenant",
  finds: (ctx: Ctx<"members">, { project_id, member_id }) => ctx.members.get(project_id, member_id),
  response: MemberShape,
  errors: [],
  async handle(_ctx, { found }) {
    return toMember(found.value);
  },
});
