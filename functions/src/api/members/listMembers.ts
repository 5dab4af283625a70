import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { asksForPage, pageQuery, pageShape, readPage } from "../../http/page.ts";
import { defineRoute } from "../../http/route.ts";
import { streamArray } from "../../http/stream.ts";
import { MemberShape, toMember } from "./schemas.ts";

const MAX_PER_PAGE = 1000;

export const listMembers = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/members",
  operationId: "listMembers",
  fn: "members",
  summary: "List members",
  description:
    "All members, newest first, as an array that is streamed: without its `]` it is incomplete. With `per_page`, " +
    "`page` or `cursor` one page of them.",
  auth: ["firebase", "apiKey"],
  scope: "tenant",
  query: z.strictObject(pageQuery(MAX_PER_PAGE)),
  response: z.union([z.array(MemberShape), pageShape(MemberShape).meta({ id: "MemberPage" })]),
  errors: [],
  async handle(ctx: Ctx<"members">, { project, query }) {
    const members = ctx.members.ofProject(project.id);
    return asksForPage(query)
      ? readPage(members, query, toMember)
      : streamArray(MemberShape, members.stream(), toMember);
  },
});
