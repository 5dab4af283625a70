/**
 * Long polls: how long a started session takes to its terminal, of many that wait at one instance of `terminal` (the
 * built bundle, as the platform runs it, with the contract's limits), and what a terminal costs that waits for nothing.
 *
 *   npm run bench:polls -- [--terminals 200] [--rounds 2] [--rate 10]
 *
 * Sessions are started by the verb, `rate` a second, `rounds` on each terminal, then one on each of them at once; times
 * are from when the commit is sent to when the terminal has its answer. Ends with 1 when the 99th percentile of those that start
 * one after the other is over a second. Beside that one terminal polls an application in this process for over a
 * minute, with a meter under its clients.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, parseEnv } from "node:util";
import { routes } from "../functions/src/api/terminal/routes.ts";
import { terminalDeps } from "../functions/src/deps.ts";
import { cancelEnrollment } from "../functions/src/domain/enrollment/cancelEnrollment.ts";
import { startEnrollment } from "../functions/src/domain/enrollment/startEnrollment.ts";
import { createMember } from "../functions/src/domain/member/createMember.ts";
import { createApp } from "../functions/src/http/app.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { ROOT } from "../scripts/profiles.ts";
import { printTable } from "../scripts/table.ts";
import { type Client, createClient } from "../test/support/client.ts";
import { startInstance } from "../test/support/instance.ts";
import { POLICIES } from "../test/support/limits.ts";
import { newDeviceWithKey, store } from "../test/support/rows.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../test/support/tenant.ts";
import { summary } from "./cost/measure.ts";
import { installMeter, Meter } from "./cost/meter.ts";
import { percentile } from "./percentile.ts";

/** Of the 99th percentile, ms. */
const LIMIT_MS = 1000;
const WAIT_S = 25;
/** Polls of the terminal that waits for nothing: over a minute, so that one of them is a heartbeat. */
const IDLE_POLLS = 3;

const { values } = parseArgs({
  options: {
    terminals: { type: "string", default: "200" },
    rounds: { type: "string", default: "2" },
    rate: { type: "string", default: "10" },
  },
});
const [count, rounds, rate] = [values.terminals, values.rounds, values.rate].map(Number) as [
  number,
  number,
  number,
];

/** A terminal that polls with the pair it knows until it is told to stop. */
interface Terminal {
  id: string;
  member_id: string;
  polls: number;
  /** Settled when the terminal has been told of the session. */
  told: Map<string, PromiseWithResolvers<number>>;
  /** Settled when it has been told that there is none. */
  free: PromiseWithResolvers<void>;
}

const interrupted = interruption();
const suite = await startSuite({ profile: "demo", clock: false, signal: interrupted });
try {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  process.exitCode = (await measure(deps, await newTenant(deps))) ? 0 : 1;
} finally {
  await suite.stop();
}

async function measure(deps: Deps, tenant: Tenant): Promise<boolean> {
  // The demo's parameters are the contract's limits.
  const limits = parseEnv(readFileSync(join(ROOT, "functions/.env.demo-palmgate"), "utf8"));
  // Node takes half of a small container for its heap: 512 MiB here.
  const instance = await startInstance("terminal", { ...limits, NODE_OPTIONS: "--max-old-space-size=256" });
  const stop = new AbortController();
  try {
    const { terminals, polling } = await startTerminals(deps, tenant, instance.api, stop.signal);
    const idle = measureIdle(deps, tenant);
    // Every terminal is on the line, and the emulator has seen each of them: it is slow at first.
    const coming = performance.now();
    await Promise.all(terminals.map((terminal) => enrol(deps, tenant, terminal)));
    const warm_s = (performance.now() - coming) / 1000;
    const began = Date.now();
    const before = total(terminals);
    const paced: Promise<number>[] = [];
    for (let n = 0; n < count * rounds; n++) {
      paced.push(enrol(deps, tenant, terminals[n % count] as Terminal));
      await sleep(1000 / rate);
    }
    const ms = await Promise.all(paced);
    const polls = total(terminals) - before;
    const seconds = (Date.now() - began) / 1000;
    const burst = await Promise.all(terminals.map((terminal) => enrol(deps, tenant, terminal)));
    print({ [`${rate} a second`]: ms, "all at once": burst });
    console.log(
      `\n${count} terminals, ${ms.length} sessions in ${seconds.toFixed(0)} s: ${polls} polls, ` +
        `${(polls / ms.length).toFixed(2)} a session; the instance has ${instance.resident().toFixed(0)} MiB. ` +
        `All of them at once at a cold instance took ${warm_s.toFixed(1)} s.`,
    );
    const { minutes, reads, writes } = await idle;
    const each = (number: number) => (number / minutes).toFixed(1);
    console.log(
      `A terminal that waits for nothing: ${IDLE_POLLS} polls in ${(minutes * 60).toFixed(0)} s, ` +
        `${reads} reads and ${writes} writes: ${each(reads)} and ${each(writes)} a minute.`,
    );
    stop.abort();
    await polling;
    return percentile(ms, 99) <= LIMIT_MS;
  } finally {
    await instance.stop();
  }
}

async function startTerminals(deps: Deps, { project }: Tenant, api: Client, signal: AbortSignal) {
  const members = await Promise.all(
    Array.from({ length: count }, () => createMember(deps, { project_id: project.id, fields: NOBODY })),
  );
  const made = members.map((member) => newTerminal(project.id, member.id));
  await store(
    deps,
    deps.devices,
    made.map(({ device }) => device),
  );
  const polling = Promise.all(made.map(({ terminal, key }) => run(terminal, key, api, signal)));
  polling.catch((error) => {
    console.error(error);
    process.exit(1);
  });
  return { terminals: made.map(({ terminal }) => terminal), polling };
}

function newTerminal(project_id: string, member_id: string) {
  const { key, device } = newDeviceWithKey({ project_id, last_seen_at: new Date() });
  const { id } = device;
  const terminal: Terminal = { id, member_id, polls: 0, told: new Map(), free: Promise.withResolvers() };
  return { key, terminal, device };
}

async function run(terminal: Terminal, token: string, api: Client, signal: AbortSignal): Promise<void> {
  let known: object = {};
  while (!signal.aborted) {
    terminal.polls++;
    const answer = await Promise.race([
      api("POST", "/v1/terminal/poll", { token, body: { wait: WAIT_S, ...known } }),
      aborted(signal),
    ]);
    if (!answer) return;
    if (answer.status !== 200) throw new Error(`a poll was answered ${answer.status}: ${answer.text}`);
    const { session } = answer.body;
    known = session ? { session_id: session.session_id, session_version: session.version } : {};
    if (session) promiseOf(terminal, session.session_id).resolve(performance.now());
    else terminal.free.resolve();
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
}

function promiseOf(terminal: Terminal, session_id: string): PromiseWithResolvers<number> {
  const known = terminal.told.get(session_id) ?? Promise.withResolvers<number>();
  terminal.told.set(session_id, known);
  return known;
}

/** Starts a session, and cancels it when its terminal has it; how long that took, in ms. */
async function enrol(deps: Deps, { environment }: Tenant, terminal: Terminal): Promise<number> {
  const read = async () => {
    const device = await deps.devices.get(terminal.id);
    if (!device) throw new Error("a terminal is gone");
    return device;
  };
  let sent = Number.NaN;
  const ctx: Deps = {
    ...deps,
    commit(writes, effect) {
      sent = performance.now();
      return deps.commit(writes, effect);
    },
  };
  const { id: session_id } = await startEnrollment(ctx, {
    ...{ device: await read(), environment, member_id: terminal.member_id },
    ...{ hand: "unknown", samples_required: 3, expires_in_ms: 600_000 },
  });
  const ms = (await promiseOf(terminal, session_id).promise) - sent;
  terminal.free = Promise.withResolvers();
  await cancelEnrollment(deps, { device: await read(), session_id });
  await terminal.free.promise;
  return ms;
}

/** What a terminal asks of Firestore that is told nothing; its instance is warm. */
async function measureIdle(deps: Deps, { project }: Tenant) {
  installMeter();
  const { key: token, device } = newTerminal(project.id, "");
  await deps.commit([deps.devices.create(device)]);
  const app = createApp(routes, { ...(await terminalDeps()), policies: POLICIES });
  const client = createClient((request) => app.fetch(request));
  await client("POST", "/v1/terminal/poll", { token });
  const meter = new Meter();
  const began = Date.now();
  await meter.run(async () => {
    for (let n = 0; n < IDLE_POLLS; n++)
      await client("POST", "/v1/terminal/poll", { token, body: { wait: WAIT_S } });
  });
  return { ...summary(meter.operations), minutes: (Date.now() - began) / 60_000 };
}

function total(terminals: readonly Terminal[]): number {
  return terminals.reduce((sum, { polls }) => sum + polls, 0);
}

function print(phases: Record<string, readonly number[]>): void {
  const line = printTable([
    { title: "sessions started", width: 18, look: "bold" },
    ...["sessions", "p50 ms", "p95 ms", "p99 ms", "max ms"].map((title) => ({
      title,
      width: 9,
      right: true,
    })),
  ]);
  for (const [name, ms] of Object.entries(phases)) {
    const figures = [50, 95, 99, 100].map((p) => percentile(ms, p).toFixed(0));
    line([name, String(ms.length), ...figures], percentile(ms, 99) <= LIMIT_MS);
  }
}
