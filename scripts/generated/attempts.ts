import {
  DELAYS_MS,
  JITTERS,
  MAX_ATTEMPTS,
  STRETCH,
  WINDOW_MS,
} from "../../functions/src/domain/delivery/schedule.ts";
import { markdownTable } from "./markdown.ts";

const UNITS = [
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** In the largest unit that leaves one decimal at most: `30 min`, `1.2 h`, `315.6 h`. */
function duration(ms: number): string {
  const [name, size] = UNITS.find(([, size]) => ms >= size) ?? ["s", 1000];
  return `${Number((ms / size).toFixed(1))} ${name}`;
}

interface Row {
  first: number;
  last: number;
  delay: number;
  /** From the event until the last of them. */
  total: number;
}

/** Attempts one after the other that wait equally long are one row. */
function rows(): Row[] {
  const rows: Row[] = [];
  let total = 0;
  for (const [index, delay] of DELAYS_MS.entries()) {
    const attempt = index + 1;
    total += delay;
    const before = rows.at(-1);
    if (before?.delay === delay) Object.assign(before, { last: attempt, total });
    else rows.push({ first: attempt, last: attempt, delay, total });
  }
  return rows;
}

function cells({ first, last, delay, total }: Row): string[] {
  const attempt = first === last ? `${first}` : `${first} to ${last}`;
  if (delay === 0) return [attempt, "at once", "", "", ""];
  const { share = 0 } = JITTERS.find(({ up_to_ms }) => delay <= up_to_ms) ?? {};
  const most = Math.min(delay * STRETCH.times, STRETCH.most_ms);
  return [
    attempt,
    duration(delay) + (first === last ? "" : " each"),
    `± ${share * 100} %`,
    most > delay ? duration(most) : "–",
    duration(total),
  ];
}

/** When a webhook is sent again. */
export const attempts = (): string => `${markdownTable(
  ["--attempt", "--waits", "--give or take", "--with `Retry-After` up to", "--after the event"],
  rows().map(cells),
)}

At most ${MAX_ATTEMPTS} attempts, within ${WINDOW_MS / 86_400_000} days of the event.`;
