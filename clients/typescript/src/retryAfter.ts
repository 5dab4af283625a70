const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const TIME = String.raw`(?<time>\d\d:\d\d:\d\d)`;

/** The three forms of an HTTP date (RFC 9110, 5.6.7): IMF-fixdate, RFC 850, asctime; all of them are in GMT. */
const DATES = [
  new RegExp(String.raw`^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^\w+day, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/**
 * How many seconds an answer asks to wait, from `Retry-After` as seconds or as a date; `undefined` for neither.
 * A date is compared with the answer's own `Date`, since the clock of this machine may be wrong.
 */
export function retryAfterOf(headers: Headers, now = Date.now()): number | undefined {
  const value = (headers.get("retry-after") ?? "").trim();
  if (/^\d+$/.test(value)) return Number(value);
  const at = readDate(value, now);
  if (at === undefined) return undefined;
  const sent = readDate((headers.get("date") ?? "").trim(), now) ?? now;
  return Math.max(0, Math.ceil((at - sent) / 1000));
}

function readDate(value: string, now: number): number | undefined {
  const { day, month, year, time } = DATES.map((form) => form.exec(value)?.groups).find(Boolean) ?? {};
  const number = MONTHS.indexOf(month ?? "-") / 3 + 1;
  if (!day || !year || !Number.isInteger(number) || number < 1) return undefined;
  const date = `${fullYear(year, now)}-${`${number}`.padStart(2, "0")}-${day.trim().padStart(2, "0")}`;
  const at = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** A year of two digits that seems to be more than 50 years ahead is one of the past (RFC 9110, 5.6.7). */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
