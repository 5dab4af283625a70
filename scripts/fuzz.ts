import { parseArgs } from "node:util";
import { type FuzzOptions, fuzz, type Report } from "../test/support/fuzz/fuzz.ts";
import { openDeps } from "../test/support/tenant.ts";
import { interruption, startSuite } from "./emulators.ts";
import { printTable } from "./table.ts";

/*
 * Sends requests of all kinds to every operation of openapi.json, and holds each answer to it, on a suite of its own.
 *
 *   npm run fuzz -- [--requests N] [--seed N] [--only OPERATION [--path PATH]] [--keep-going]
 */

const REQUESTS = 20_000;
/** What no request brings about while all is well. */
const NEVER = ["internal", "unavailable"];

const interrupted = interruption();
try {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: String(REQUESTS) },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      only: { type: "string" },
      path: { type: "string" },
      "keep-going": { type: "boolean" },
    },
  });
  const { only, path, "keep-going": keepGoing } = values;
  const started = Date.now();
  const progress = (requests: number) => {
    const seconds = Math.round((Date.now() - started) / 1000);
    if (requests % 2000 === 0) console.error(`${requests} requests after ${seconds} s`);
  };
  const options = { requests: wholeOf("requests"), seed: wholeOf("seed"), only, path, keepGoing, progress };
  console.log(`seed ${options.seed}\n`);
  const report = await onSuite(options);
  print(report);
  // Here a 5xx is one, whatever its cause.
  const faults = [...report.faults, ...report.stalls];
  for (const fault of faults) console.error(`\n${fault}`);
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`\n${report.requests} requests in ${seconds} s, seed ${options.seed}: ${faults.length} faults`);
  if (faults.length > 0) process.exitCode = 1;

  function wholeOf(name: "requests" | "seed"): number {
    const number = Number(values[name]);
    if (!Number.isSafeInteger(number) || number < 1)
      throw new Error(`--${name} ${values[name]}: no whole number`);
    return number;
  }
} catch (error) {
  console.error(
    `fuzz: ${interrupted.aborted ? "interrupted" : error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
}

async function onSuite(options: FuzzOptions): Promise<Report> {
  const suite = await startSuite({ profile: "test", clock: false, signal: interrupted });
  try {
    Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
    return await fuzz(await openDeps(), options);
  } finally {
    await suite.stop();
  }
}

function print({ rows }: Report): void {
  const line = printTable([
    { title: "operation", width: 26 },
    { title: "requests", width: 8, right: true },
    { title: "right", width: 6, right: true },
    { title: "of them succeed", width: 15, right: true },
    { title: "by status", width: 100 },
  ]);
  for (const { operation, requests, right, succeeded, statuses } of rows) {
    const share = right === 0 ? "" : `${((100 * succeeded) / right).toFixed(0)} %`;
    const counts = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
    line([operation, String(requests), String(right), share, counts.join("  ")], true);
  }
  const unseen = rows.flatMap(({ operation, unseen }) => {
    const codes = unseen.filter((code) => !NEVER.includes(code));
    return codes.length === 0 ? [] : [`  ${operation}: ${codes.join(", ")}`];
  });
  if (unseen.length > 0) console.log(`\nDocumented, and not seen:\n${unseen.join("\n")}`);
}
