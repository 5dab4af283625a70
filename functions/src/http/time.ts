import * as z from "zod";

const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const EXPECTED =
  "must be an RFC 3339 time with seconds and Z or an offset, such as 2026-11-24T08:00:00Z or " +
  "2026-11-24T09:30:00+01:30 (in a URL + is written %2B)";
const NO_DATE = "must be a date that the calendar has";
const NO_LEAP_SECOND = "must have second 60 only at 23:59:60 UTC on the last day of a month";

/** A moment in ms since 1970, or what is wrong with its text. */
function parseTime(text: string): number | string {
  const [, date, hour, minute, second, fraction = "", zone] = RFC_3339.exec(text) ?? [];
  if (date === undefined || zone === undefined) return EXPECTED;
  if (!isDate(date)) return NO_DATE;
  const at = (second: string, fraction = "") =>
    Date.parse(`${date}T${hour}:${minute}:${second}${fraction}${zone.toUpperCase()}`);
  if (second === "60") return lastMillisecond(at("59")) ?? NO_LEAP_SECOND;
  // Times are stored in milliseconds: the first of them that is not before a finer moment.
  return at(second as string, fraction) + (/^\.\d{3}\d*[1-9]/.test(fraction) ? 1 : 0);
}

/** Date.parse takes 30 February for 2 March. */
function isDate(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

/**
 * A leap second as the last millisecond of its minute, so that order and equality of stored times hold.
 * @param before the moment one second before it
 * @see RFC 3339, 5.7: leap seconds come at the end of a month, in UTC
 */
function lastMillisecond(before: number): number | undefined {
  const next = new Date(before + 1000);
  const isMonthsFirst = next.getUTCDate() === 1 && next.getTime() % (24 * 60 * 60_000) === 0;
  return isMonthsFirst ? before + 999 : undefined;
}

/** A moment as a caller writes it: RFC 3339 in any case, leap seconds included. Becomes a Date. */
export const moment = z
  .string({ error: ({ input }) => (input === undefined ? undefined : EXPECTED) })
  .meta({ format: "date-time" })
  .transform((text, context) => {
    const at = parseTime(text);
    if (typeof at === "number") return new Date(at);
    context.addIssue({ code: "custom", message: at });
    return z.NEVER;
  });
