import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { invalid } from "../../domain/errors.ts";
import { listOf } from "../../domain/list.ts";
import { findMember } from "../../domain/member/findMember.ts";
import { asksForPage, pageQuery, pageShape, readPage } from "../../http/page.ts";
import { defineRoute } from "../../http/route.ts";
import { streamArray } from "../../http/stream.ts";
import { searchText } from "../fields.ts";
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
    "`page` or `cursor` one page of them. With `external_id` a page of the one member that has this id, or of none.",
  auth: ["firebase", "apiKey"],
  permission: "members:read",
  scope: "tenant",
  query: z.strictObject({
    ...pageQuery(MAX_PER_PAGE),
    external_id: searchText(200).optional().meta({
      description:
        "The whole id, upper and lower case being different; Unicode's forms of it are the same id. Not with `cursor`.",
    }),
  }),
  response: z.union([z.array(MemberShape), pageShape(MemberShape).meta({ id: "MemberPage" })]),
  errors: [],
  async handle(ctx: Ctx<"members">, { project, query }) {
    const { external_id } = query;
    if (external_id !== undefined) {
      if (query.cursor) throw invalid("cursor", "must not be given with external_id");
      const member = await findMember(ctx, { project_id: project.id, external_id });
      return readPage(listOf(member ? [member] : []), query, toMember);
    }
    const members = ctx.members.ofProject(project.id);
    return asksForPage(query)
      ? readPage(members, query, toMember)
      : streamArray(MemberShape, members.stream(), toMember);
  },
});
