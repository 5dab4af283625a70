import type { Ctx } from "../../domain/context.ts";
import * as members from "../../domain/member/getMember.ts";
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
  scope: "tenant",
  response: MemberShape,
  errors: ["not_found"],
  async handle(ctx: Ctx<"members">, { project, params }) {
    return toMember(await members.getMember(ctx, { project_id: project.id, member_id: params.member_id }));
  },
});
