/**
 * What the guard rails cost in time: getMember with and without limits, createMember with and without an
 * `Idempotency-Key`. Rounds take the ways in turn, so that a busy moment of the machine meets all of them.
 *
 *   npm run bench:guards -- [--rounds 10] [--requests 400]
 *
 * Requests go to several organizations of the plan enterprise, some at a time. Ends with 1 when a median is over its
 * limit. An emulator's round trip is no Firestore's: docs/costs.md has the rounds.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { printTable } from "../scripts/table.ts";
import { NOBODY, newTenant, openDeps } from "../test/support/tenant.ts";

const ORGANIZATIONS = 5;
const IN_FLIGHT = 8;
/** Times the median of the same without: limits cost memory and a take a second, an idempotency key a read and a write. */
const LIMITS = { limits: 1.3, idempotency: 1.8 };

/** One request, which must succeed. */
type Ask = (n: number) => Promise<Response>;

interface Way {
  name: string;
  ask: Ask;
  /** What it is compared to, and how many times that it may take. */
  than?: { name: string; limit: number };
  ms: number[];
  seconds: number;
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "10" }, requests: { type: "string", default: "400" } },
});
const [rounds, requests] = [Number(values.rounds), Number(values.requests)];
const suite = await startSuite({ profile: "demo", clock: false, signal: interruption() });
const servers: ChildProcess[] = [];
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  for (const server of servers) server.kill("SIGKILL");
  await suite.stop();
}

async function measure(): Promise<boolean> {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  const places = await Promise.all(
    Array.from({ length: ORGANIZATIONS }, async () => {
      const { project, key } = await newTenant(deps, { organization: { plan: "enterprise" } });
      const { id } = await createMember(deps, { project_id: project.id, fields: NOBODY });
      return { members: `/v1/project/${project.id}/members`, id, key };
    }),
  );
  const [guarded, open] = await Promise.all([startServer("guarded"), startServer("open")]);
  const placeOf = (n: number) => places[n % ORGANIZATIONS] as (typeof places)[number];
  const get =
    (server: string): Ask =>
    (n) => {
      const { members, id, key } = placeOf(n);
      return fetch(`${server}${members}/${id}`, { headers: { Authorization: `Bearer ${key}` } });
    };
  const create =
    (more: () => Record<string, string>): Ask =>
    (n) => {
      const { members, key } = placeOf(n);
      const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...more() };
      return fetch(`${guarded}${members}`, { method: "POST", headers, body: '{"name":"Ada"}' });
    };
  const way = (name: string, ask: Ask, than?: Way["than"]): Way => ({
    ...{ name, ask, ms: [], seconds: 0 },
    ...(than && { than }),
  });
  const ways = [
    way("getMember, no limits", get(open)),
    way("getMember", get(guarded), { name: "getMember, no limits", limit: LIMITS.limits }),
    way(
      "createMember",
      create(() => ({})),
    ),
    way(
      "createMember, with a key",
      create(() => ({ "Idempotency-Key": randomUUID() })),
      { name: "createMember", limit: LIMITS.idempotency },
    ),
  ];
  for (const { ask } of ways) await round(ask);
  for (let n = 0; n < rounds; n++) {
    for (const one of n % 2 === 0 ? ways : ways.toReversed()) {
      const started = performance.now();
      one.ms.push(...(await round(one.ask)));
      one.seconds += (performance.now() - started) / 1000;
    }
  }
  return judge(ways);
}

async function startServer(which: "guarded" | "open"): Promise<string> {
  const server = fork(fileURLToPath(new URL("guards/server.ts", import.meta.url)), [which]);
  servers.push(server);
  const [port] = await once(server, "message");
  return `http://127.0.0.1:${port}`;
}

/** Sends a round's requests, some at a time; how long each took, in ms. */
async function round(ask: Ask): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < requests) {
      const started = performance.now();
      const response = await ask(next++);
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status}: ${text}`);
      took.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return took;
}

function judge(ways: readonly Way[]): boolean {
  const row = printTable([
    { title: "", width: 25, look: "bold" },
    { title: "requests/s", width: 10, right: true },
    { title: "p50 ms", width: 7, right: true },
    { title: "ratio", width: 6, right: true },
    { title: "limit", width: 6, right: true },
    { title: "", width: 5, look: "verdict" },
  ]);
  let good = true;
  for (const { name, ms, seconds, than } of ways) {
    const base = than && ways.find((one) => one.name === than.name);
    const ratio = base ? median(ms) / median(base.ms) : 1;
    const fine = ratio <= (than?.limit ?? 1);
    good &&= fine;
    row(
      [
        name,
        (ms.length / seconds).toFixed(0),
        median(ms).toFixed(2),
        ratio.toFixed(2),
        than ? than.limit.toFixed(1) : "",
        than ? (fine ? "ok" : "over") : "",
      ],
      fine,
    );
  }
  return good;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
