import type { Ctx } from "../../domain/context.ts";
import * as members from "../../domain/member/createMember.ts";
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
    "lower case being different. When another member has it, listMembers with `external_id` finds that member.",
  auth: ["firebase", "apiKey"],
  scope: "tenant",
  idempotent: true,
  audits: "member",
  body: CreateMemberBody,
  status: 201,
  response: MemberShape,
  errors: ["conflict"],
  answers: toMember,
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
