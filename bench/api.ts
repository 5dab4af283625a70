/**
 * What the house costs around the work: four operations of the built functions beside a floor (bench/api/floor.ts) that
 * reads and writes the same documents in as many rounds and searches the same palms, with nothing around. Both are
 * instances of functions-framework, asked in turns: each request of the one is followed by the same one of the other.
 *
 *   npm run bench:api -- [--rounds 8] [--requests 250] [--warm-up 300] [--palms 100] [--in-flight 1] [--only identify]
 *
 * Requests go to several organizations of the plan enterprise. Ends with 1 when a ratio is over its limit, or when both
 * have not read and written as much. Before it measures, their answers are compared.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../functions/src/domain/palm/enrollPalm.ts";
import { bundle } from "../scripts/build.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { ROOT } from "../scripts/profiles.ts";
import { printTable } from "../scripts/table.ts";
import { type Instance, startInstance } from "../test/support/instance.ts";
import { encodePng, newSample, syntheticPalm } from "../test/support/palms.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps } from "../test/support/tenant.ts";
import { type Estimate, estimate, estimateRatios } from "./api/compare.ts";
import type { Counts } from "./api/count.ts";

const ORGANIZATIONS = 4;
const PER_PAGE = 50;
const PROBES = 20;

/** Times the floor's. */
const LIMITS = { p50: 1.3, p95: 1.5 };
/** By how many documents a request both may differ: takes of tokens go by the clock. */
const TOLERANCE = 0.05;

const SIDES = ["palmgate", "floor"] as const;
type Side = (typeof SIDES)[number];
type Both<T> = Record<Side, T>;

/** A customer, whom both serve by a key of their own. */
interface Place {
  project_id: string;
  member_ids: string[];
  /** A project that nothing is listed of: it gets the new members. */
  other_id: string;
  tokens: Both<string>;
}

interface Ask {
  path: string;
  body?: string;
}

interface Operation {
  name: string;
  fn: "members" | "identify";
  status: number;
  /** The n-th request. */
  ask(place: Place, n: number): Ask;
  /** What no two answers have in common. */
  own: readonly string[];
}

interface Measured {
  ms: Both<number[]>;
  counts: Both<Counts>;
}

const probes = Array.from({ length: PROBES }, (_, seed) =>
  JSON.stringify({ image: Buffer.from(encodePng(syntheticPalm({ seed, sample: 5 }))).toString("base64") }),
);

const OPERATIONS: readonly Operation[] = [
  {
    ...{ name: "createMember", fn: "members", status: 201, own: ["id", "created_at", "updated_at"] },
    ask: ({ other_id }, n) => ({
      path: `/v1/project/${other_id}/members`,
      body: JSON.stringify({ name: "Noa Levy", email: `noa${n}@example.com`, metadata: { tier: "gold" } }),
    }),
  },
  {
    ...{ name: "getMember", fn: "members", status: 200, own: [] },
    ask: ({ project_id, member_ids }, n) => ({
      path: `/v1/project/${project_id}/members/${member_ids[n % member_ids.length]}`,
    }),
  },
  {
    ...{ name: "listMembers", fn: "members", status: 200, own: [] },
    ask: ({ project_id }) => ({ path: `/v1/project/${project_id}/members?per_page=${PER_PAGE}` }),
  },
  {
    ...{ name: "identify", fn: "identify", status: 200, own: ["scan_id", "took_ms"] },
    ask: ({ project_id }, n) => ({
      path: `/v1/project/${project_id}/identify`,
      body: probes[n % PROBES] as string,
    }),
  },
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    requests: { type: "string", default: "250" },
    "warm-up": { type: "string", default: "300" },
    palms: { type: "string", default: "100" },
    "in-flight": { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const [rounds, requests, warmUp, palms, inFlight] = (
  ["rounds", "requests", "warm-up", "palms", "in-flight"] as const
).map((name) => Number(values[name])) as [number, number, number, number, number];
const operations = OPERATIONS.filter(({ name }) => values.only === undefined || name === values.only);

const agent = new Agent({ keepAlive: true });
const suite = await startSuite({ profile: "demo", clock: false, signal: interruption() });
const floor = mkdtempSync(join(tmpdir(), "palmgate-floor-"));
const started: Instance[] = [];
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  for (const instance of started) await instance.stop();
  rmSync(floor, { recursive: true });
  await suite.stop();
  agent.destroy();
}

async function measure(): Promise<boolean> {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none", NODE_ENV: "production" });
  const deps = await openDeps();
  const places = await Promise.all(Array.from({ length: ORGANIZATIONS }, () => newPlace(deps)));
  await buildFloor();
  const instances = { members: await startBoth("members"), identify: await startBoth("identify") };
  const results = new Map(
    operations.map((operation): [Operation, Measured] => {
      const none = { reads: 0, writes: 0, budgetReads: 0, budgetWrites: 0, cpu_ms: 0 };
      return [
        operation,
        { ms: { palmgate: [], floor: [] }, counts: { palmgate: { ...none }, floor: { ...none } } },
      ];
    }),
  );
  for (const operation of operations) {
    await ask(operation, places, instances[operation.fn], warmUp, (texts) => {
      assert.deepEqual(common(operation, texts.palmgate), common(operation, texts.floor));
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [operation, { ms, counts }] of results) {
      const both = instances[operation.fn];
      await countsOf(both);
      const took = await ask(operation, places, both, requests);
      const counted = await countsOf(both);
      for (const side of SIDES) {
        ms[side].push(...took[side]);
        for (const what of Object.keys(counts[side]) as (keyof Counts)[])
          counts[side][what] += counted[side][what];
      }
    }
  }
  const fast = printTimes(results);
  console.log();
  return printCounts(results) && fast;
}

/** An organization with as many members as palms, which list and gallery are made of. */
async function newPlace(deps: Deps): Promise<Place> {
  const tenant = await newTenant(deps, { organization: { plan: "enterprise" } });
  const { organization, project, key } = tenant;
  const other = { ...project, id: randomUUID() };
  await deps.commit([deps.projects.create(other)]);
  const { record } = await newApiKey(deps, { organization_id: organization.id, project_ids: null });
  const member_ids: string[] = [];
  for (let seed = 0; seed < palms; seed++) {
    const { id } = await createMember(deps, {
      project_id: project.id,
      fields: { ...NOBODY, name: `Member ${seed}` },
    });
    const image = encodePng(syntheticPalm({ seed }));
    await enrollPalm(deps, { ...tenant, member_id: id, samples: [newSample(image)] });
    member_ids.push(id);
  }
  return {
    project_id: project.id,
    member_ids,
    other_id: other.id,
    tokens: { palmgate: key, floor: record.id },
  };
}

/** The floor, bundled as the functions are. */
async function buildFloor(): Promise<void> {
  symlinkSync(join(ROOT, "functions/node_modules"), join(floor, "node_modules"));
  writeFileSync(join(floor, "package.json"), '{ "type": "module", "main": "lib/floor.js" }');
  await bundle({ floor: join(ROOT, "bench/api/floor.ts") }, join(floor, "lib"));
}

async function startBoth(fn: Operation["fn"]): Promise<Both<Instance>> {
  // The demo's parameters are the contract's limits.
  const limits = parseEnv(readFileSync(join(ROOT, "functions/.env.demo-palmgate"), "utf8")) as Record<
    string,
    string
  >;
  const first = new URL("api/count.ts", import.meta.url).href;
  const palmgate = await startInstance(fn, limits, { first });
  started.push(palmgate);
  const bare = await startInstance(fn, limits, { first, source: floor });
  started.push(bare);
  return { palmgate, floor: bare };
}

/** Sends so many requests to both, each in turn the first; how long each took, in ms. */
async function ask(
  operation: Operation,
  places: readonly Place[],
  instances: Both<Instance>,
  many: number,
  look?: (texts: Both<string>) => void,
): Promise<Both<number[]>> {
  const ms: Both<number[]> = { palmgate: new Array(many), floor: new Array(many) };
  let next = 0;
  const worker = async () => {
    while (next < many) {
      const n = next++;
      const place = places[n % places.length] as Place;
      const texts = { palmgate: "", floor: "" };
      for (const side of n % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const answer = await send(
          instances[side].baseUrl,
          place.tokens[side],
          operation,
          operation.ask(place, n),
        );
        ms[side][n] = answer.ms;
        texts[side] = answer.text;
      }
      look?.(texts);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return ms;
}

/** One request, which must succeed. */
function send(
  url: string,
  token: string,
  { name, status }: Operation,
  { path, body }: Ask,
): Promise<{ ms: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
      }),
    };
    const started = performance.now();
    request(url + path, { agent, method: body === undefined ? "GET" : "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        const ms = performance.now() - started;
        if (response.statusCode === status) resolve({ ms, text });
        else reject(new Error(`${name} answered ${response.statusCode}: ${text}`));
      });
    })
      .on("error", reject)
      .end(body);
  });
}

function common({ own }: Operation, text: string): object {
  return Object.fromEntries(Object.entries(JSON.parse(text)).filter(([name]) => !own.includes(name)));
}

async function countsOf({ palmgate, floor }: Both<Instance>): Promise<Both<Counts>> {
  const [mine, other] = await Promise.all([palmgate.ask(), floor.ask()]);
  return { palmgate: mine as Counts, floor: other as Counts };
}

function figure({ value, from, to }: Estimate): string {
  return `${value.toFixed(2)} (${from.toFixed(2)}–${to.toFixed(2)})`;
}

function printTimes(results: ReadonlyMap<Operation, Measured>): boolean {
  const line = printTable([
    { title: "", width: 12, look: "bold" },
    { title: "", width: 3 },
    { title: "ms (95 %)", width: 22, right: true },
    { title: "floor's ms (95 %)", width: 22, right: true },
    { title: "ratio (95 %)", width: 18, right: true },
    { title: "limit", width: 5, right: true },
    { title: "", width: 4, look: "verdict" },
  ]);
  let good = true;
  for (const [{ name }, { ms }] of results) {
    const ratios = estimateRatios(ms.palmgate, ms.floor, [50, 95, 99]);
    for (const [i, p] of [50, 95, 99].entries()) {
      const ratio = ratios[i] as Estimate;
      const limit = LIMITS[`p${p}` as keyof typeof LIMITS];
      const fine = ratio.value <= (limit ?? Number.POSITIVE_INFINITY);
      good &&= fine;
      const [mine, other] = SIDES.map((side) => figure(estimate(ms[side], p))) as [string, string];
      const verdict = limit === undefined ? "" : fine ? "ok" : "over";
      line(
        [i === 0 ? name : "", `p${p}`, mine, other, figure(ratio), limit?.toFixed(1) ?? "", verdict],
        fine,
      );
    }
  }
  return good;
}

/** What a request read and wrote, the limiter's part in brackets, and what processor time it took its function. */
function printCounts(results: ReadonlyMap<Operation, Measured>): boolean {
  const line = printTable([
    { title: "a request", width: 12, look: "bold" },
    { title: "reads", width: 15, right: true },
    { title: "floor's", width: 15, right: true },
    { title: "writes", width: 13, right: true },
    { title: "floor's", width: 13, right: true },
    { title: "CPU ms", width: 7, right: true },
    { title: "floor's", width: 7, right: true },
    { title: "", width: 6, look: "verdict" },
  ]);
  let good = true;
  for (const [{ name }, { ms, counts }] of results) {
    const each = (side: Side, what: keyof Counts) => counts[side][what] / ms[side].length;
    const cell = (side: Side, what: "reads" | "writes") => {
      const budgets = what === "reads" ? "budgetReads" : "budgetWrites";
      return `${each(side, what).toFixed(3)} (${each(side, budgets).toFixed(3)})`;
    };
    const fine = (["reads", "writes"] as const).every(
      (what) => Math.abs(each("palmgate", what) - each("floor", what)) <= TOLERANCE,
    );
    good &&= fine;
    const cells = (["reads", "writes"] as const).flatMap((what) => SIDES.map((side) => cell(side, what)));
    const cpu = SIDES.map((side) => each(side, "cpu_ms").toFixed(2));
    line([name, ...cells, ...cpu, fine ? "ok" : "differ"], fine);
  }
  console.log(`\nIn brackets the limiter's; both may differ by ${TOLERANCE} documents a request.`);
  return good;
}
