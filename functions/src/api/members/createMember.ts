import type { Ctx } from "../../domain/context.ts";
import * as members from "../../domain/member/createMember.ts";
import { withoutPersonalData } from "../../domain/member/member.ts";
import { defineRoute } from "../../http/route.ts";
import { CreateMemberBody, MemberShape, toMember } from "./schemas.ts";

export const createMember = defineRoute({
  method: "POST",
  path: "/v1/project/{project_id}/members",
  operationId: "createMember",
  fn: "members",
  summary: "Create a member",
  description:
    "A person as you know them; every field may be left out. `external_id` is unique in the project, upper and " +
    "lower case being different. When another member has it, listMembers with `external_id` finds that member. " +
    "After the member is deleted, a replay by `Idempotency-Key` answers without the person's data: `name`, " +
    "`external_id`, `email` and `phone_number` are `null`, `metadata` is `{}`.",
  auth: ["firebase", "apiKey"],
  permission: "members:write",
  scope: "tenant",
  idempotent: true,
  audits: "member",
  body: CreateMemberBody,
  status: 201,
  response: MemberShape,
  errors: ["conflict"],
  answers: toMember,
  async redacts(ctx: Ctx<"members" | "commit">, member) {
    const current = await ctx.members.get(member.project_id, member.id);
    return current ? undefined : withoutPersonalData(member);
  },
  async handle(ctx: Ctx<"members" | "commit">, { project, body }) {
    const fields = {
      name: body.name ?? null,
      external_id: body.external_id ?? null,
      email: body.email ?? null,
      phone_number: body.phone_number ?? null,
      metadata: body.metadata ?? {},
    };
    return members.createMember(ctx, { project_id: project.id, fields });
  },
});
