import { invalid } from "../domain/errors.ts";
import type { Range } from "../domain/list.ts";
import { moment } from "./time.ts";

const DAY_MS = 24 * 60 * 60_000;
const MAX_DAYS = 366;

const YEAR_1 = Date.parse("0001-01-01T00:00:00.000Z");
const YEAR_9999 = Date.parse("9999-12-31T23:59:59.999Z");

/** Whether stores keep such a moment, and RFC 3339 can write it. */
export const isStorable = (moment: Date): boolean =>
  moment.getTime() >= YEAR_1 && moment.getTime() <= YEAR_9999;

/** The query parameters of what is asked for by time. */
export const rangeQuery = {
  from: moment.optional().meta({ description: "Inclusive; 24 hours before `to` unless given." }),
  to: moment.optional().meta({ description: "Exclusive; now unless given." }),
};

/** What a query asks for by time. A cursor goes on in the range that it was made in. */
interface RangeAsked {
  from?: Date | undefined;
  to?: Date | undefined;
  cursor?: { range: Range | undefined } | undefined;
}

/**
 * The range that is meant.
 * @throws DomainError `invalid_request` for one that is empty, longer than 366 days, beyond the years 1 to 9999,
 * or another than the cursor's.
 */
export function readRange(asked: RangeAsked, now: Date): Range {
  if (asked.cursor) return continued(asked, asked.cursor.range);
  const to = asked.to ?? now;
  const from = asked.from ?? new Date(to.getTime() - DAY_MS);
  const fault = faultOf({ from, to });
  if (fault) throw invalid(asked.from || !asked.to ? "from" : "to", fault);
  return { from, to };
}

/** What is wrong with a range, if anything. */
export function faultOf({ from, to }: Range): string | undefined {
  if (!(from < to)) return "is not before to";
  if (to.getTime() - from.getTime() > MAX_DAYS * DAY_MS) return `is more than ${MAX_DAYS} days before to`;
  if (!isStorable(from) || !isStorable(to)) return "lies beyond the years 1 to 9999";
  return undefined;
}

function continued(asked: RangeAsked, range: Range | undefined): Range {
  if (!range) throw invalid("cursor", "is no cursor of this list");
  for (const name of ["from", "to"] as const) {
    if (asked[name] && asked[name].getTime() !== range[name].getTime()) {
      throw invalid(name, "is another than the cursor's");
    }
  }
  return range;
}
