import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { pageQuery, pageShape, readPage } from "../../http/page.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { ScanShape, toScan } from "./schemas.ts";

export const listScans = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/scans",
  operationId: "listScans",
  fn: "analytics",
  summary: "List scans",
  description:
    "Every identification, verification and enrolment of a range, newest first. While new ones come in, `cursor` " +
    "gives each once, and so does `page` with one fixed `to`.",
  auth: ["firebase", "apiKey"],
  permission: "scans:read",
  scope: "project",
  query: z.strictObject({ ...rangeQuery, ...pageQuery(10_000) }),
  response: pageShape(ScanShape).meta({ id: "ScanPage" }),
  errors: [],
  async handle(ctx: Ctx<"scans">, { project, query }) {
    const range = readRange(query, ctx.now());
    return readPage(ctx.scans.ofProject(project.id, range), query, toScan, range);
  },
});
