/**
 * What it costs to send a list while it is read: CSV and array of many transactions beside a bare stream of the same
 * query, in the function's own process; then what becomes of it when Firestore fails, or the client goes away.
 *
 *   npm run bench:export -- [--rows 200000] [--rounds 3]
 *
 * Each round takes the three ways in turn; ratios are of medians. Ends with 1 when a limit is broken.
 */
import { parseArgs } from "node:util";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { printTable } from "../scripts/table.ts";
import {
  breakOff,
  type Download,
  download,
  FORMATS,
  type Format,
  manyTransactions,
} from "../test/support/exports.ts";
import { Gate } from "../test/support/faults.ts";
import { db } from "../test/support/firestore.ts";
import { startInstance } from "../test/support/instance.ts";
import { storeInBulk } from "../test/support/rows.ts";
import { newTenant, openDeps } from "../test/support/tenant.ts";

const LIMITS = {
  /** Times a bare stream's first row, and its end. */
  firstByte: 1.3,
  total: 2,
  /** MiB beyond what the first export in each form has taken. */
  growth: 80,
  /** Of all bytes, for a download that is broken off early. */
  share: 0.3,
};

const { values } = parseArgs({
  options: { rows: { type: "string", default: "200000" }, rounds: { type: "string", default: "3" } },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const suite = await startSuite({ profile: "demo", clock: false, signal: interruption() });
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  await suite.stop();
}

async function measure(): Promise<boolean> {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  const { project, key } = await newTenant(deps);
  const to = new Date();
  const range = { from: new Date(to.getTime() - 24 * 60 * 60_000), to };
  const started = performance.now();
  await storeInBulk(manyTransactions(project.id, rows, range));
  console.log(`${rows} transactions written in ${seconds(performance.now() - started)} s\n`);

  const instance = await startInstance("analytics");
  const of = { baseUrl: instance.baseUrl, project_id: project.id, range, token: key };
  // The warm-up: V8 gives itself room once, for whatever comes after.
  for (const format of Object.keys(FORMATS) as Format[]) await download(format, of);
  const before = instance.resident();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, instance.resident());
  }, 200);

  const ways = {
    bare: () => bareStream(project.id, range),
    csv: () => download("csv", of),
    array: () => download("array", of),
  };
  const taken: Record<string, Download[]> = { bare: [], csv: [], array: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, take] of Object.entries(ways)) taken[name]?.push(await take());
  }
  clearInterval(look);
  await instance.stop();

  const figure = (way: string, what: "firstByteMs" | "totalMs") =>
    median((taken[way] ?? []).map((one) => one[what]));
  const row = printTable([
    { title: "", width: 8, look: "bold" },
    { title: "first byte s", width: 12, right: true },
    { title: "ratio", width: 6, right: true },
    { title: "total s", width: 8, right: true },
    { title: "ratio", width: 6, right: true },
    { title: "rows/s", width: 8, right: true },
    { title: "", width: 6, look: "verdict" },
  ]);
  let good = true;
  for (const way of Object.keys(ways)) {
    const [first, total] = [figure(way, "firstByteMs"), figure(way, "totalMs")];
    const ratios = [first / figure("bare", "firstByteMs"), total / figure("bare", "totalMs")] as const;
    const all = (taken[way] ?? []).every((one) => one.rows === rows && one.ended && one.whole);
    const fine = all && ratios[0] <= LIMITS.firstByte && ratios[1] <= LIMITS.total;
    good &&= fine;
    row(
      [
        way,
        seconds(first),
        ratios[0].toFixed(2),
        seconds(total),
        ratios[1].toFixed(2),
        String(Math.round((1000 * rows) / total)),
        !all ? "rows!" : fine ? "ok" : "over",
      ],
      fine,
    );
  }
  const say = (fine: boolean, what: string): void => {
    good &&= fine;
    console.log(`${fine ? "ok  " : "FAIL"}  ${what}`);
  };
  console.log();
  say(
    most - before < LIMITS.growth,
    `resident memory grew by ${Math.round(most - before)} MiB beyond ${Math.round(before)} MiB`,
  );

  const gate = await Gate.before(process.env["FIRESTORE_EMULATOR_HOST"] ?? "");
  const gated = await startInstance("analytics", { FIRESTORE_EMULATOR_HOST: gate.host });
  try {
    for (const format of Object.keys(FORMATS) as Format[]) {
      for (const how of ["failure", "leaving"] as const) {
        const { ended, whole, share } = await breakOff(how, format, gate, { ...of, baseUrl: gated.baseUrl });
        const read = `${Math.round(100 * share)} % was read`;
        const event = how === "failure" ? "Firestore fails" : "the client goes away";
        say(!ended && !whole && share < LIMITS.share, `${format} is cut when ${event}: ${read}`);
      }
    }
  } finally {
    await gated.stop();
    await gate.stop();
  }
  return good;
}

/** What Firestore's client alone does with the query, in this process. */
async function bareStream(project_id: string, { from, to }: { from: Date; to: Date }): Promise<Download> {
  const started = performance.now();
  const query = db()
    .collection("projects")
    .doc(project_id)
    .collection("transactions")
    .where("created_at", ">=", from)
    .where("created_at", "<", to)
    .orderBy("created_at", "desc")
    .orderBy("__name__", "asc");
  let [count, firstByteMs] = [0, 0];
  for await (const _ of query.stream()) {
    firstByteMs ||= performance.now() - started;
    count++;
  }
  return {
    status: 200,
    firstByteMs,
    totalMs: performance.now() - started,
    rows: count,
    ended: true,
    whole: true,
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
