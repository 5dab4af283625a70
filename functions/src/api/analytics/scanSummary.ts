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
    "day (at most 31 days). Buckets begin with the hours or the days of `time_zone`, of UTC unless it is given, and are " +
    "there when they are empty; only what lies in the range is counted. Where clocks change, a day has 23 or 25 hours, " +
    "and an hour that comes twice is two buckets.",
  auth: ["firebase", "apiKey"],
  permission: "scans:read",
  scope: "project",
  query: z.strictObject({
    ...rangeQuery,
    bucket,
    time_zone: z
      .string()
      .max(100)
      .optional()
      .meta({ description: "An IANA name such as `Europe/Berlin`; `UTC` unless given." }),
  }),
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
    const { bucket, time_zone = "UTC" } = query;
    const counts = await summarizeScans(ctx, { project, range, bucket, time_zone });
    return {
      bucket,
      from: toTime(range.from),
      to: toTime(range.to),
      buckets: counts.map(({ start, ...counted }) => ({ start: toTime(start), ...counted })),
    };
  },
});
