/**
 * What every route asks of Firestore and Storage, in operations and in round trips that wait for each other, on a suite
 * of its own. Prints a table; exits with 1 when a route, or a guard rail, takes
 * more rounds than it may.
 *
 *   node bench/cost.ts [--write | --check]
 *
 * `--write` writes docs/costs.md, `--check` says whether it is what would be written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { healthDeps } from "../functions/src/deps.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { ROOT } from "../scripts/profiles.ts";
import { printTable } from "../scripts/table.ts";
import { openDeps } from "../test/support/tenant.ts";
import { brokenGuards, type Guard, measureGuards } from "./cost/guards.ts";
import { broken, type Cost, measureAll } from "./cost/measure.ts";
import { renderPage } from "./cost/page.ts";

const PAGE = join(ROOT, "docs/costs.md");

const interrupted = interruption();
try {
  const { values } = parseArgs({ options: { write: { type: "boolean" }, check: { type: "boolean" } } });
  const { costs, guards } = await measured();
  print(costs);
  const page = renderPage(costs, guards);
  if (values.write) writeFileSync(PAGE, page);
  const faults = [...broken(costs), ...brokenGuards(guards)];
  if (values.check && readFileSync(PAGE, "utf8") !== page) {
    faults.push("docs/costs.md is not what is measured: npm run bench:cost -- --write");
  }
  if (faults.length > 0) throw new Error(faults.join("\n      "));
  console.log(`\n${costs.length} requests measured; every route and every guard rail keeps to its rounds`);
} catch (error) {
  console.error(
    `cost: ${interrupted.aborted ? "interrupted" : error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
}

async function measured(): Promise<{ costs: Cost[]; guards: Guard[] }> {
  const suite = await startSuite({ profile: "demo", clock: false, signal: interrupted });
  try {
    Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
    const deps = { ...(await openDeps()), checks: (await healthDeps()).checks };
    return { costs: await measureAll(deps), guards: await measureGuards(deps) };
  } finally {
    await suite.stop();
  }
}

function print(costs: readonly Cost[]): void {
  const figures = [
    "reads",
    "writes",
    "deletes",
    "classA",
    "classB",
    "pipeline",
    "handler",
    "rounds",
  ] as const;
  const line = printTable([
    { title: "request", width: 52 },
    { title: "credential", width: 10 },
    ...figures.map((title) => ({ title, width: 8, right: true })),
  ]);
  for (const cost of costs) {
    const { operation, which, credential } = cost;
    const name = which ? `${operation}, ${which}` : operation;
    line([name, credential, ...figures.map((figure) => String(cost[figure]))], true);
  }
}
