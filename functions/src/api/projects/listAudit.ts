import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { pageQuery, pageShape, readPage } from "../../http/page.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { AuditEntryShape, toAuditEntry } from "./schemas.ts";

export const listAudit = defineRoute({
  method: "GET",
  path: "/v1/organization/{org_id}/audit",
  operationId: "listAudit",
  fn: "projects",
  summary: "List the audit log",
  description:
    "Who changed what in a range, newest first: keys, members, palms, devices and settings, by the API and by the " +
    "operator. An entry is written together with its change, and kept for 400 days.",
  auth: ["firebase"],
  scope: "organization",
  query: z.strictObject({ ...rangeQuery, ...pageQuery(1000) }),
  response: pageShape(AuditEntryShape).meta({ id: "AuditPage" }),
  errors: [],
  async handle(ctx: Ctx<"audit">, { organization, query }) {
    const range = readRange(query, ctx.now());
    return readPage(ctx.audit.ofOrganization(organization.id, range), query, toAuditEntry, range);
  },
});
