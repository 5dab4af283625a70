import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { summarizeScans } from "../../domain/scan/summarizeScans.ts";
import { rangeQuery, readRange } from "../../http/range.ts";
import { defineRoute } from "../../http/route.ts";
import { time, toTime } from "../fields.ts";

const bucket = z.enum(["hour", "day"]);
const count = z.int().min(0);

export const scanSummary = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/scans/summary",
  operationId: "scanSummary",
  fn: "analytics",
  summary: "Count identifications by hour or day",
  description:
    "How identifications ended, those at terminals included, hour by hour (a range of at most 48 hours) or day by " +
    "day (at most 31 days). Buckets begin with the hour or the day of UTC and are there when they are empty; only " +
    "what lies in the range is counted.",
  auth: ["firebase", "apiKey"],
  scope: "project",
  query: z.strictObject({ ...rangeQuery, bucket }),
  response: z
    .strictObject({
      bucket,
      from: time,
      to: time,
      buckets: z.array(z.strictObject({ start: time, identified: count, no_match: count, total: count })),
    })
    .meta({ id: "ScanSummary" }),
  errors: [],
  async handle(ctx: Ctx<"scans">, { project, query }) {
    const range = readRange(query, ctx.now());
    const counts = await summarizeScans(ctx, { project, range, bucket: query.bucket });
    return {
      bucket: query.bucket,
      from: toTime(range.from),
      to: toTime(range.to),
      buckets: counts.map(({ start, ...counted }) => ({ start: toTime(start), ...counted })),
    };
  },
});
