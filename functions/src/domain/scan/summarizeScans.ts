import type { Ctx } from "../context.ts";
import { invalid } from "../errors.ts";
import type { Range } from "../list.ts";
import type { Project } from "../project/project.ts";
import { findTimeZone, startsOf, type TimeZone } from "./timeZone.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a range may be, in ms. */
const BUCKETS = {
  hour: { most: 48 * HOUR_MS, said: "48 hours" },
  day: { most: 31 * DAY_MS, said: "31 days" },
};

export type Bucket = keyof typeof BUCKETS;

/** How identifications that began in an hour or a day ended; only those in the range are counted. */
export interface ScanCount {
  start: Date;
  identified: number;
  no_match: number;
  total: number;
}

/**
 * How many identifications there were, hour by hour or day by day of a time zone.
 * @param input.time_zone an IANA name
 * @throws DomainError `invalid_request` for more than 31 days by day, 48 hours by hour, and for an unknown zone
 */
export async function summarizeScans(
  ctx: Ctx<"scans">,
  input: { project: Project; range: Range; bucket: Bucket; time_zone: string },
): Promise<ScanCount[]> {
  const [from, to] = [input.range.from.getTime(), input.range.to.getTime()];
  const { most, said } = BUCKETS[input.bucket];
  const zone = findTimeZone(input.time_zone);
  if (!zone) throw invalid("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin");
  if (lengthOf(zone, from, to) > most) {
    throw invalid("from", `is more than ${said} before to, which is the most by ${input.bucket}`);
  }
  const starts = startsOf(zone, input.bucket, from, to);
  return Promise.all(
    starts.map(async (start, i) => {
      const part = { from: new Date(Math.max(start, from)), to: new Date(starts[i + 1] ?? to) };
      const [identified, no_match] = await Promise.all([
        ctx.scans.countIdentify(input.project.id, "identified", part),
        ctx.scans.countIdentify(input.project.id, "no_match", part),
      ]);
      return { start: new Date(start), identified, no_match, total: identified + no_match };
    }),
  );
}

/** How long a range is, by the clock of UTC or of the zone, whichever says less: October has 31 days in any zone. */
const lengthOf = (zone: TimeZone, from: number, to: number): number =>
  to - from + Math.min(0, zone.offsetAt(to) - zone.offsetAt(from));
