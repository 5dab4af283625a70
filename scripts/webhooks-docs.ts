import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DELAYS_MS,
  JITTERS,
  MAX_ATTEMPTS,
  STRETCH,
  WINDOW_MS,
} from "../functions/src/domain/delivery/schedule.ts";
import { ROOT } from "./profiles.ts";

/*
 * The table of attempts in docs/webhooks.md: `--write` writes what the schedule says, `--check` compares it.
 */

const PAGE = join(ROOT, "docs", "webhooks.md");
const BEGIN = "<!-- Written by node scripts/webhooks-docs.ts --write -->\n";
const END = "<!-- As far as here -->\n";

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

const table = [
  ["attempt", "waits", "give or take", "with `Retry-After` up to", "after the event"],
  ["--:", "--:", "--:", "--:", "--:"],
  ...rows().map(cells),
]
  .map((row) => `| ${row.join(" | ")} |`)
  .join("\n");

const generated = `${BEGIN}
${table}

At most ${MAX_ATTEMPTS} attempts, within ${WINDOW_MS / 86_400_000} days of the event.

`;

const page = readFileSync(PAGE, "utf8");
const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
if (from < 0 || to < from)
  throw new Error("docs/webhooks.md has lost the marks around its table of attempts");
const wanted = page.slice(0, from) + generated + page.slice(to);

if (process.argv.includes("--write")) {
  writeFileSync(PAGE, wanted);
} else if (process.argv.includes("--check")) {
  if (page !== wanted) {
    console.error("docs/webhooks.md is not what the schedule says: node scripts/webhooks-docs.ts --write");
    process.exitCode = 1;
  }
} else {
  console.error("usage: node scripts/webhooks-docs.ts --write|--check");
  process.exitCode = 1;
}
