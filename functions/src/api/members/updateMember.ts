import type { Ctx } from "../../domain/context.ts";
import * as members from "../../domain/member/updateMember.ts";
import { defineRoute } from "../../http/route.ts";
import { MemberShape, toMember, UpdateMemberBody } from "./schemas.ts";

export const updateMember = defineRoute({
  method: "PATCH",
  path: "/v1/project/{project_id}/members/{member_id}",
  operationId: "updateMember",
  fn: "members",
  summary: "Update a member",
  description:
    "Changes the fields that are named: `null` clears one, `metadata` is replaced whole. `external_id` stays " +
    "unique in the project.",
  auth: ["firebase", "apiKey"],
  permission: "members:write",
  scope: "tenant",
  audits: "member",
  finds: (ctx: Ctx<"members" | "commit">, { project_id, member_id }) =>
    ctx.members.get(project_id, member_id),
  body: UpdateMemberBody,
  response: MemberShape,
  errors: ["conflict"],
  async handle(ctx: Ctx<"members" | "commit">, { found, body: { metadata, ...rest } }) {
    const fields = { ...rest, ...(metadata === undefined ? {} : { metadata: metadata ?? {} }) };
    return toMember(await members.updateMember(ctx, { member: found, fields }));
  },
});
