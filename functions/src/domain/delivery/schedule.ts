const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after the attempt before it each attempt is made, in ms: 20 attempts, the last after 315.6 hours. */
export const DELAYS_MS: readonly number[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  ...Array<number>(11).fill(24 * HOUR),
];

/** Attempts that the schedule makes; a customer's own retries come on top. */
export const MAX_ATTEMPTS = DELAYS_MS.length;

/** How long after it was created a delivery is attempted at all, in ms. */
export const WINDOW_MS = 14 * 24 * HOUR;

/** How far chance moves a delay, to either side. */
export const JITTERS: readonly { up_to_ms: number; share: number }[] = [
  { up_to_ms: 5 * HOUR, share: 0.2 },
  { up_to_ms: Number.POSITIVE_INFINITY, share: 0.05 },
];

/** How far an endpoint's `Retry-After` may stretch a delay: so many times, and to no more than so many ms. */
export const STRETCH = { times: 2, most_ms: 24 * HOUR };

/**
 * When a delivery is attempted next; `undefined` when it was attempted for the last time. What would come after the
 * window is made at its end instead, and is the last.
 * @param input.made attempts of the schedule made so far, from 1
 * @param input.retry_after the last response's `Retry-After` as it came; what is no whole seconds and no HTTP date, or
 * asks for less than the schedule does, changes nothing
 * @param input.random in [0, 1)
 * @param input.scale shortens every delay and the window, for tests; 1 without it
 */
export function nextAttempt(input: {
  created_at: Date;
  made: number;
  now: Date;
  retry_after: string | null;
  random: number;
  scale?: number;
}): { at: Date } | undefined {
  const { made, now, scale = 1 } = input;
  const base = DELAYS_MS[made];
  const end = input.created_at.getTime() + WINDOW_MS * scale;
  if (base === undefined || now.getTime() >= end) return undefined;

  const share = JITTERS.find(({ up_to_ms }) => base <= up_to_ms)?.share ?? 0;
  const planned = base * scale * (1 + share * (2 * input.random - 1));
  // Chance never makes an attempt come sooner than the endpoint asked for.
  const most = Math.min(base * STRETCH.times, STRETCH.most_ms) * scale;
  const asked = Math.min(parseRetryAfter(input.retry_after ?? "", now) ?? 0, most);
  const at = now.getTime() + Math.round(Math.max(planned, asked));
  return { at: new Date(Math.min(at, end)) };
}

const TIME = String.raw`(?<time>\d\d:\d\d:\d\d)`;

/** The three forms of an HTTP date: IMF-fixdate, RFC 850, asctime. */
const DATES = [
  RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`),
  RegExp(String.raw`^[A-Z][a-z]+day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) ${TIME} GMT$`),
  RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/** `Retry-After` (RFC 9110, 10.2.3) as ms from now, negative for the past; `undefined` for what is none. */
function parseRetryAfter(value: string, now: Date): number | undefined {
  if (/^\d+$/.test(value)) return Number(value) * SECOND;
  const date = DATES.map((form) => form.exec(value)?.groups).find((groups) => groups !== undefined);
  if (date === undefined) return undefined;
  const { day, month, year = "", time } = date;
  const at = Date.parse(`${day} ${month} ${fullYear(year, now)} ${time} GMT`);
  return Number.isNaN(at) ? undefined : at - now.getTime();
}

/** A year of two digits that seems to be more than 50 years ahead is one of the past (RFC 9110, 5.6.7). */
function fullYear(digits: string, now: Date): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = now.getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}

/** The schedule as verbs use it, and how long a lost task is waited for. */
export interface Schedule {
  /** Until when what is created now is tried. */
  end(created_at: Date): Date;
  /** When it is tried next, after so many scheduled attempts; `undefined` when it was the last. */
  next(after: {
    created_at: Date;
    scheduled: number;
    now: Date;
    retry_after: string | null;
    random: number;
  }): Date | undefined;
  /** How long after an attempt was due its task is taken to be lost, in ms. */
  grace_ms: number;
}

/** @param scale shortens the schedule, for tests; 1 without it */
export function createSchedule({ grace_ms, scale = 1 }: { grace_ms: number; scale?: number }): Schedule {
  return {
    end: (created_at) => new Date(created_at.getTime() + WINDOW_MS * scale),
    next: ({ scheduled: made, ...input }) => nextAttempt({ ...input, made, scale })?.at,
    grace_ms,
  };
}
