const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

/** No zone has changed its offset twice within this time. */
const STEP_MS = 3 * HOUR_MS;
/** Longer than any day of any zone: a date line that moved has made days of 48 hours. */
const LOOK_BACK_MS = 3 * DAY_MS;

/** A time in which a zone's offset from UTC is the same; all in ms. */
interface Segment {
  start: number;
  end: number;
  offset: number;
}

/** A time zone, as far as calendars need it. */
export interface TimeZone {
  /** How far local time is ahead of UTC at a moment, in ms. */
  offsetAt(ms: number): number;
}

/**
 * The time zone of an IANA name, in any case.
 * @returns `undefined` for a name that is not one
 */
export function findTimeZone(name: string): TimeZone | undefined {
  // Intl takes offsets, too: "+05:30" is not a name, and has no daylight saving time.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch {
    return undefined;
  }
  return { offsetAt: (ms) => readOffset(format.format(ms)) };
}

/** The offset at the end of a text like `11/24/2026, GMT-03:30`; before standard time they have seconds. */
function readOffset(text: string): number {
  const [, sign, hours, minutes, seconds = "0"] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (hours === undefined) return 0;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND_MS;
  return sign === "-" ? -ms : ms;
}

/**
 * The moments at which the days or hours of a zone begin, from the last one that is not after `from` to the last one
 * before `to`. A day begins at its first moment, which need not be midnight. Where clocks go back, the hour that comes
 * twice is two hours, each with its own beginning; a day that begins twice has one beginning, the first.
 */
export function startsOf(zone: TimeZone, unit: "hour" | "day", from: number, to: number): number[] {
  const segments = segmentsOf(zone, from - LOOK_BACK_MS, to);
  const starts = unit === "hour" ? hoursOf(segments) : daysOf(segments);
  return starts.filter((start, i) => start < to && (starts[i + 1] ?? Number.POSITIVE_INFINITY) > from);
}

function segmentsOf(zone: TimeZone, from: number, to: number): Segment[] {
  const segments: Segment[] = [];
  let current = { start: from, offset: zone.offsetAt(from) };
  for (let at = from; at < to; ) {
    const next = Math.min(at + STEP_MS, to);
    const offset = zone.offsetAt(next);
    if (offset !== current.offset) {
      const start = changeBetween(zone, at, next);
      segments.push({ ...current, end: start });
      current = { start, offset };
    }
    at = next;
  }
  return [...segments, { ...current, end: to }];
}

/** The first moment with the later offset, of two moments with different ones. */
function changeBetween(zone: TimeZone, before: number, after: number): number {
  const later = zone.offsetAt(after);
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(middle) === later) high = middle;
    else low = middle;
  }
  return high;
}

/** Each full hour of local time, and each change of the offset. */
const hoursOf = (segments: readonly Segment[]): number[] => [
  ...new Set(
    segments.flatMap((segment, i) => [...(i === 0 ? [] : [segment.start]), ...multiplesIn(segment, HOUR_MS)]),
  ),
];

/** The first moment of each local date; a date that comes again after a later one has begun already. */
function daysOf(segments: readonly Segment[]): number[] {
  const starts: number[] = [];
  let latest = dateOf(segments[0] as Segment, (segments[0] as Segment).start);
  for (const segment of segments) {
    for (const start of [segment.start, ...multiplesIn(segment, DAY_MS)]) {
      const date = dateOf(segment, start);
      if (date <= latest) continue;
      starts.push(start);
      latest = date;
    }
  }
  return starts;
}

/** Days since 1970 of the local date. */
const dateOf = ({ offset }: Segment, ms: number): number => Math.floor((ms + offset) / DAY_MS);

/** The moments of a segment whose local time is a multiple of a length. */
function multiplesIn({ start, end, offset }: Segment, length: number): number[] {
  const first = Math.ceil((start + offset) / length) * length - offset;
  return first >= end
    ? []
    : Array.from({ length: Math.ceil((end - first) / length) }, (_, i) => first + i * length);
}
