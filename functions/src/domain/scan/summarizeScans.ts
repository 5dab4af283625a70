import type { Ctx } from "../context.ts";
import { invalid } from "../errors.ts";
import type { Range } from "../list.ts";
import type { Project } from "../project/project.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a bucket is, and how long a range it may divide, in ms. */
const BUCKETS = {
  hour: { length: HOUR_MS, most: 48 * HOUR_MS, said: "48 hours" },
  day: { length: DAY_MS, most: 31 * DAY_MS, said: "31 days" },
};

export type Bucket = keyof typeof BUCKETS;

/** How identifications that began in an hour or a day (UTC) ended; only those in the range are counted. */
export interface ScanCount {
  start: Date;
  identified: number;
  no_match: number;
  total: number;
}

/**
 * How many identifications there were, hour by hour or day by day.
 * @throws DomainError `invalid_request` for more than 31 days by day, 48 hours by hour.
 */
export async function summarizeScans(
  ctx: Ctx<"scans">,
  input: { project: Project; range: Range; bucket: Bucket },
): Promise<ScanCount[]> {
  const { from, to } = input.range;
  const { length, most, said } = BUCKETS[input.bucket];
  if (to.getTime() - from.getTime() > most) {
    throw invalid("from", `is more than ${said} before to, which is the most by ${input.bucket}`);
  }
  const first = Math.floor(from.getTime() / length) * length;
  const starts = Array.from(
    { length: Math.ceil((to.getTime() - first) / length) },
    (_, i) => first + i * length,
  );
  return Promise.all(
    starts.map(async (start) => {
      const part = {
        from: new Date(Math.max(start, from.getTime())),
        to: new Date(Math.min(start + length, to.getTime())),
      };
      const [identified, no_match] = await Promise.all([
        ctx.scans.countIdentify(input.project.id, "identified", part),
        ctx.scans.countIdentify(input.project.id, "no_match", part),
      ]);
      return { start: new Date(start), identified, no_match, total: identified + no_match };
    }),
  );
}
