import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as palms from "../../domain/palm/listPalms.ts";
import { defineRoute } from "../../http/route.ts";
import { PalmShape, toPalm } from "../palms.ts";

export const listPalms = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/members/{member_id}/palms",
  operationId: "listPalms",
  fn: "members",
  summary: "List a member's palms",
  description: "The enrolled palms of a member, newest first; never their templates.",
  auth: ["firebase", "apiKey"],
  permission: "palms:read",
  scope: "tenant",
  finds: (ctx: Ctx<"members" | "palms">, { project_id, member_id }) => ctx.members.get(project_id, member_id),
  response: z.array(PalmShape),
  errors: [],
  async handle(ctx: Ctx<"members" | "palms">, { environment, found }) {
    return (await palms.listPalms(ctx, { environment, member: found.value })).map(toPalm);
  },
});
