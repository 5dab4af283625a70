/**
 * Holds the limit of a sandbox, five requests a minute, over minutes of real time: a hundred requests at once on two
 * instances, then a steady stream over both. Ends with 1 when more than five pass in any minute, by the times at which
 * they were sent or by those at which they were answered, or when tokens that have come back are withheld.
 *
 *   npm run soak:ratelimit -- [--minutes 5] [--rate 4]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { printTable } from "../scripts/table.ts";
import { type Instance, startInstance } from "../test/support/instance.ts";
import { newTenant, openDeps } from "../test/support/tenant.ts";
import { mostInAWindow } from "./ratelimit/simulate.ts";

const LIMIT = 5;
const WINDOW_MS = 60_000;
const CROWD = 100;

/** A request, in ms since the first. */
interface Sent {
  sent: number;
  answered: number;
  status: number;
  retryAfter: number;
}

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, rate: { type: "string", default: "4" } },
});
const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
const interrupted = interruption();
const suite = await startSuite({ profile: "demo", clock: false, signal: interrupted });
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  await suite.stop();
}

async function soak(): Promise<boolean> {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  const start = () => startInstance("projects", { RATE_SANDBOX: String(LIMIT) });
  const instances = await Promise.all([start(), start()]);
  try {
    const tiny = await newTenant(deps, { organization: { name: "Tiny", plan: "sandbox" } });

    const began = performance.now();
    const requests = await crowd(instances, tiny.key, began);
    const streaming: Promise<Sent>[] = [];
    for (let n = 0; performance.now() - began < minutes * WINDOW_MS; n++) {
      streaming.push(send(instances[n % 2] as Instance, tiny.key, began));
      await sleep(1000 / rate, undefined, { signal: interrupted });
    }
    requests.push(...(await Promise.all(streaming)));
    return judge(requests, instances);
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
  }
}

function crowd(instances: readonly Instance[], key: string, began: number): Promise<Sent[]> {
  return Promise.all(Array.from({ length: CROWD }, (_, n) => send(instances[n % 2] as Instance, key, began)));
}

/** A key may not ask for organizations, which costs nothing more: what is not 429 is 403. */
async function send({ api }: Instance, token: string, began: number): Promise<Sent> {
  const sent = performance.now() - began;
  const { status, headers } = await api("GET", "/v1/organizations", { token });
  const answered = performance.now() - began;
  return { sent, answered, status, retryAfter: Number(headers.get("retry-after") ?? Number.NaN) };
}

function judge(requests: readonly Sent[], instances: readonly Instance[]): boolean {
  const passed = requests.filter(({ status }) => status !== 429);
  const row = printTable([
    { title: "minute", width: 6, right: true, look: "bold" },
    { title: "requests", width: 8, right: true },
    { title: "passed", width: 6, right: true },
    { title: "sent at, s", width: 40 },
  ]);
  for (let minute = 0; minute < minutes; minute++) {
    const during = (some: readonly Sent[]) =>
      some.filter(({ sent }) => Math.floor(sent / WINDOW_MS) === minute);
    const times = during(passed).map(({ sent }) => (sent / 1000).toFixed(1));
    row([String(minute + 1), String(during(requests).length), String(times.length), times.join(" ")], true);
  }
  console.log();
  let good = true;
  const say = (fine: boolean, what: string): void => {
    good &&= fine;
    console.log(`${fine ? "ok  " : "FAIL"}  ${what}`);
  };
  const most = { sent: mostIn(passed, "sent"), answered: mostIn(passed, "answered") };
  say(most.sent <= LIMIT, `at most ${most.sent} passed of those sent in any ${WINDOW_MS / 1000} s`);
  say(
    most.answered <= LIMIT,
    `at most ${most.answered} passed of those answered in any ${WINDOW_MS / 1000} s`,
  );
  const allowed = LIMIT * minutes;
  say(
    passed.length >= allowed - 1,
    `${passed.length} passed of the ${allowed} that ${minutes} minutes allow`,
  );
  const others = requests.filter(({ status }) => status !== 403 && status !== 429);
  say(others.length === 0, `${requests.length} were answered 403 or 429, ${others.length} otherwise`);
  const early = requests.filter(
    ({ status, retryAfter }) => status === 429 && !(retryAfter >= 1 && retryAfter <= 60),
  );
  say(early.length === 0, "every 429 says when to come back, in 1 to 60 s");
  const alone = instances.some((instance) => instance.output().includes("by this instance alone"));
  if (alone) console.log("      The machine was slow: an instance has limited by itself at times.");
  return good;
}

/** The most in any window. */
function mostIn(passed: readonly Sent[], by: "sent" | "answered"): number {
  return mostInAWindow(
    passed.map((one) => one[by]).sort((a, b) => a - b),
    WINDOW_MS,
  );
}
