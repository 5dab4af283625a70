import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { parse } from "csv-parse/sync";
import { type Answer, createApi, signIn } from "./api.ts";
import { interruption, type Suite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";
import { TerminalPlay } from "./terminal-play.ts";
import { type Received, type Receiver, startReceiver } from "./webhooks/receiver.ts";
import { startWorld } from "./world-start.ts";

/*
 * The main job, played on a suite of its own by somebody who has nothing but the documentation: HTTP through Hosting,
 * the Auth emulator's sign-in, and the files of emulator-data/.
 */

const DATA = join(ROOT, "emulator-data");
const ORGANIZATION = "aaaaaaaa-0000-4000-8000-000000000001";
const PROJECT = "bbbbbbbb-0000-4000-8000-000000000001";
const KIOSK = "bbbbbbbb-0000-4000-8000-000000000002";

/** Pictures of one palm that nobody in the world has. */
const NEWCOMER = ["enrol-1", "enrol-2", "enrol-3", "fresh-1", "fresh-2"].map((name) =>
  join(DATA, "palms", `newcomer-${name}.png`),
);

interface Step {
  title: string;
  /** As the table shows it. */
  request: string;
  send: () => Promise<Answer>;
  /** The status, 0 where we see none, and the fields of the body that matter. */
  expect: readonly [status: number, fields?: Record<string, unknown>];
  /** What must hold of the body beyond that. */
  holds?: (body: Answer["body"]) => boolean;
  /** What came back, in a few words. */
  tell: (body: Answer["body"]) => string;
}

class Unexpected extends Error {}

const interrupted = interruption();
try {
  console.log("Starting the emulators ...");
  const suite = await startWorld({ profile: "demo", importDir: DATA, signal: interrupted });
  // Somebody's own endpoint, which the webhooks of this play lead to.
  const receiver = await startReceiver();
  const terminal = new TerminalPlay(suite.baseUrl, NEWCOMER);
  try {
    await play(suite, receiver, terminal);
  } finally {
    await Promise.all([receiver.close(), terminal.close()]);
    await suite.stop();
  }
} catch (error) {
  const told = error instanceof Error ? error.message : String(error);
  console.error(error instanceof Unexpected ? told : `demo: ${interrupted.aborted ? "interrupted" : told}`);
  process.exitCode = 1;
}

async function play(suite: Suite, receiver: Receiver, terminal: TerminalPlay): Promise<void> {
  const api = createApi(suite.baseUrl);
  const via = (method: string, path: string, more?: Parameters<typeof api>[2]) => ({
    request: `${method.padEnd(6)} ${path.replaceAll(/([0-9a-f]{4})[0-9a-f]{4}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "$1…")}`,
    send: () => api(method, path, more),
  });
  const inProject = (method: string, path: string, token: string, body?: unknown) =>
    via(method, `/project/${PROJECT}${path}`, { token, body });
  console.log(`\nEvery path below is under ${suite.baseUrl}/v1.\n`);
  const steps = newSteps();

  await steps.play({
    title: "Is everything well?",
    ...via("GET", "/health"),
    expect: [200, { status: "ok" }],
    tell: ({ checks }) => checks.map(({ name }: { name: string }) => name).join(", "),
  });

  const { users, api_keys } = JSON.parse(readFileSync(join(DATA, "credentials.json"), "utf8"));
  const [{ email, password }] = users;
  const { idToken } = await steps.play({
    title: "Sign in to the console",
    request: "POST   (the Auth emulator)",
    send: () => signIn(suite.ports.auth, email, password),
    expect: [200, { email }],
    tell: () => `an ID token of ${email}`,
  });
  await steps.play({
    title: "Which projects are mine?",
    ...via("GET", "/projects", { token: idToken }),
    expect: [200],
    tell: (projects) => projects.map(({ name }: { name: string }) => name).join(", "),
  });
  const keys = `/organization/${ORGANIZATION}/api-keys`;
  const { id: key_id, key } = await steps.play({
    title: "Make an API key",
    ...via("POST", keys, { token: idToken, body: { name: "Demo", project_ids: [PROJECT] } }),
    expect: [201, { name: "Demo", project_ids: [PROJECT], revoked_at: null }],
    tell: ({ prefix }) => `${prefix.slice(0, 9)}…, shown this once`,
  });

  const webhooks = `/project/${PROJECT}/webhooks`;
  const { id: webhook_id, secret } = await steps.play({
    title: "Be told of enrolments",
    ...via("POST", webhooks, {
      token: key,
      body: { url: receiver.url, event_types: ["enrollment.completed"] },
    }),
    expect: [201, { url: receiver.url, enabled: true }],
    tell: ({ secret }) => `${secret.slice(0, 9)}…, shown this once`,
  });
  receiver.trust(secret);
  await steps.play({
    title: "Does it reach us? A test",
    ...via("POST", `${webhooks}/${webhook_id}/test`, { token: key }),
    expect: [202],
    tell: () => "it is on its way",
  });
  await steps.play({
    title: "It does",
    ...arrival(receiver, ({ event_type }) => event_type === "webhook.test"),
    expect: [200, { verified: true }],
    tell: received,
  });

  await steps.play({
    title: "Whose palm is this new one?",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [200, { outcome: "no_match", member_id: null }],
    tell: verdict,
  });
  const creation = via("POST", `/project/${PROJECT}/members`, {
    token: key,
    body: { name: "Noa Levy", external_id: "demo-1" },
    idempotencyKey: "demo-1",
  });
  const { id: member_id } = await steps.play({
    title: "Create a member",
    ...creation,
    expect: [201, { project_id: PROJECT, name: "Noa Levy", external_id: "demo-1", palms: 0 }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  await steps.play({
    title: "The answer got lost: again",
    ...creation,
    expect: [201, { id: member_id }],
    tell: ({ name }) => `${name}, the same one`,
  });
  const samples = [1, 2, 3].map((k) => ({ ...image(`newcomer-enrol-${k}`), hand: "right" }));
  await steps.play({
    title: "Enrol it from three pictures",
    ...inProject("POST", "/enroll", key, { member_id, samples }),
    expect: [201, { member_id, hand: "right", samples: 3 }],
    tell: ({ hand, quality }) => `${hand} palm, quality ${Math.round(quality)} of 100`,
  });
  await steps.play({
    title: "And the webhook?",
    ...arrival(receiver, ({ event_type }) => event_type === "enrollment.completed"),
    expect: [200, { verified: true, time: 1 }],
    holds: ({ body }) => JSON.parse(body).data.member_id === member_id,
    tell: received,
  });
  const deliveries = via("GET", `${webhooks}/${webhook_id}/deliveries`, { token: key });
  await steps.play({
    title: "What was sent, as we see it?",
    ...deliveries,
    // The endpoint has it before we have its answer.
    send: () => eventually(deliveries.send, ({ items: [last] }) => last.status !== "pending"),
    expect: [200, { total_count: 2 }],
    tell: ({ items: [last] }) =>
      `${last.event_type}, ${last.last_status_code} at attempt ${last.attempt_count}`,
  });
  await steps.play({
    title: "Identify it by a fourth",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [200, { outcome: "identified", member_id, hand: "right" }],
    tell: verdict,
  });
  const member = `/members/${member_id}`;
  await steps.play({
    title: "Is it hers? By a fifth",
    ...inProject("POST", `${member}/verify`, key, image("newcomer-fresh-2")),
    expect: [200, { outcome: "match", hand: "right" }],
    tell: verdict,
  });
  await steps.play({
    title: "A stranger says to be her",
    ...inProject("POST", `${member}/verify`, key, image("stranger-01-1")),
    expect: [200, { outcome: "no_match", hand: null }],
    tell: verdict,
  });
  await steps.play({
    title: "A stranger says nothing",
    ...inProject("POST", "/identify", key, image("stranger-01-1")),
    expect: [200, { outcome: "no_match", member_id: null, score: null, hand: null }],
    tell: verdict,
  });

  const found = await steps.play({
    title: "Somebody else comes in",
    ...inProject("POST", "/identify", key, image("member-07-fresh-2")),
    expect: [200, { outcome: "identified" }],
    tell: verdict,
  });
  await steps.play({
    title: "Who is that?",
    ...inProject("GET", `/members/${found.member_id}`, key),
    expect: [200, { id: found.member_id, name: "Daniel Weber" }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  await steps.play({
    title: "Enrol Noa's palm as his, too",
    ...inProject("POST", "/enroll", key, { member_id: found.member_id, samples }),
    expect: [409, { code: "duplicate_palm" }],
    tell: refusal,
  });

  await steps.play({
    title: "Which palms has Noa?",
    ...inProject("GET", `${member}/palms`, key),
    expect: [200, { length: 1 }],
    tell: ([{ hand, samples }]) => `one: ${hand}, from ${samples} pictures`,
  });
  await steps.play({
    title: "Noa leaves: delete her",
    ...inProject("DELETE", member, key),
    expect: [204],
    tell: () => "nothing, as it should",
  });
  const { scan_id } = await steps.play({
    title: "Whose palm is it now?",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [200, { outcome: "no_match", member_id: null }],
    tell: verdict,
  });
  await steps.play({
    title: "Look for her",
    ...inProject("GET", member, key),
    expect: [404, { code: "not_found" }],
    tell: refusal,
  });

  await terminal.start();
  const { registration_code } = await steps.play({
    title: "A terminal is unboxed",
    ...seen(terminal, "code"),
    expect: [0],
    tell: ({ registration_code }) => `it shows ${registration_code}`,
  });
  const { id: device_id } = await steps.play({
    title: "Register it by its code",
    ...inProject("POST", "/devices/register", key, { registration_code, name: "Canteen" }),
    expect: [201, { project_id: PROJECT, name: "Canteen", enabled: true, last_seen_at: null }],
    tell: ({ name }) => `a device, ${name}`,
  });
  await steps.play({
    title: "It fetches its key itself",
    ...seen(terminal, "registered"),
    expect: [0, { device_id, project_id: PROJECT }],
    tell: () => "registered, waits for work",
  });
  const { id: back_id } = await steps.play({
    title: "Noa comes back",
    ...inProject("POST", "/members", key, { name: "Noa Levy" }),
    expect: [201, { name: "Noa Levy", palms: 0 }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  const enrollment = `/device/${device_id}/enrollment`;
  const { session_id } = await steps.play({
    title: "Enrol her at the terminal",
    ...via("POST", enrollment, { token: key, body: { member_id: back_id } }),
    expect: [201, { status: "pending", member_id: back_id, samples_required: 3 }],
    tell: ({ status, samples_required }) => `${status}, ${samples_required} samples wanted`,
  });
  await steps.play({
    title: "It asks for her hand",
    ...seen(terminal, "ended"),
    expect: [0, { session_id, status: "completed", member_id: back_id }],
    tell: ({ status }) => `${status}`,
  });
  await steps.play({
    title: "As a console sees it",
    ...via("POST", `${enrollment}/poll`, { token: key, body: { session_id, version: 3, wait: 10 } }),
    expect: [200, { status: "completed", samples_accepted: 3, version: 4 }],
    tell: ({ status, samples_accepted }) => `${status}, ${samples_accepted} samples taken`,
  });
  await steps.play({
    title: "And the webhook?",
    ...arrival(receiver, ({ body }) => JSON.parse(body).data.session_id === session_id),
    expect: [200, { verified: true, event_type: "enrollment.completed" }],
    holds: ({ body }) => JSON.parse(body).data.device_id === device_id,
    tell: received,
  });
  await steps.play({
    title: "She holds out her palm",
    ...seen(terminal, "scan"),
    expect: [0, { outcome: "identified", member_id: back_id }],
    tell: verdict,
  });
  await terminal.start("--pay", "1250:EUR:Lunch");
  const { transaction_id } = await steps.play({
    title: "And pays for her lunch",
    ...seen(terminal, "payment"),
    expect: [0, { status: "approved", amount_minor: 1250 }],
    tell: ({ status, reference }) => `${reference}: ${status}`,
  });
  await steps.play({
    title: "Which is on the books",
    ...inProject("GET", "/transactions?per_page=10", key),
    expect: [200],
    holds: ({ items: [last] }) =>
      last.id === transaction_id && last.member_id === back_id && last.device_id === device_id,
    tell: ({ items: [last] }) =>
      `${last.reference}, ${(last.amount_minor / 100).toFixed(2)} ${last.currency}`,
  });
  await steps.play({
    title: "The terminal is stolen",
    ...via("DELETE", `/device/${device_id}`, { token: key }),
    expect: [204],
    tell: () => "nothing, as it should",
  });
  await terminal.start("--scan");
  await steps.play({
    title: "What can the thief do?",
    ...seen(terminal, "removed"),
    expect: [0],
    tell: () => "nothing: its key is dead",
  });

  await steps.play({
    title: "What stays are scans",
    ...inProject("GET", "/scans?per_page=10", key),
    expect: [200, { page: 1, per_page: 10 }],
    holds: ({ items }) =>
      items.length === 10 &&
      items.some(({ id }: { id: string }) => id === scan_id) &&
      items.some((scan: { member_id: string | null }) => scan.member_id === member_id),
    tell: ({ items, total_count }) => `${items.length} of ${total_count} in 24 hours`,
  });
  await steps.play({
    title: "When did people come?",
    ...inProject("GET", "/scans/summary?bucket=hour", key),
    expect: [200, { bucket: "hour" }],
    holds: ({ buckets }) => sum(buckets) > 100,
    tell: ({ buckets }) => `${bars(buckets)} ${sum(buckets)} scans`,
  });
  const { items: paid, total_count } = await steps.play({
    title: "What was paid?",
    ...inProject("GET", "/transactions?per_page=10", key),
    expect: [200, { page: 1, per_page: 10 }],
    holds: ({ items, total_count }) => items.length === 10 && total_count > 50,
    tell: ({ items: [last], total_count }) => `${last.reference ?? "something"}, and ${total_count - 1} more`,
  });
  const payer = paid.find(({ status }: { status: string }) => status === "approved");
  await steps.play({
    title: "By whom?",
    ...inProject("GET", `/members/${payer.member_id}`, key),
    expect: [200, { id: payer.member_id }],
    tell: ({ name }) => `${payer.reference ?? "something"} by ${name}`,
  });
  await steps.play({
    title: "All of it for a spreadsheet",
    ...inProject("GET", "/transactions/csv", key),
    expect: [200],
    holds: (csv) => rows(csv).length === total_count && csv.endsWith("\r\n"),
    tell: (csv) => `${rows(csv).length} rows of CSV`,
  });

  await steps.play({
    title: "Where are the kiosk's palms?",
    ...via("GET", `/project/${KIOSK}/environment`, { token: api_keys.acme }),
    expect: [200, { type: "global", palms: 0, server_lookup_allowed: false }],
    tell: ({ type }) => `in a ${type} environment, nobody's own`,
  });
  await steps.play({
    title: "So nobody is looked up there",
    ...via("POST", `/project/${KIOSK}/identify`, { token: api_keys.acme, body: image("member-07-fresh-2") }),
    expect: [403, { code: "environment_not_tenant_managed" }],
    tell: refusal,
  });

  await steps.play({
    title: "Who deleted Noa?",
    ...via("GET", `/organization/${ORGANIZATION}/audit?per_page=10`, { token: idToken }),
    expect: [200, { page: 1 }],
    holds: ({ items }) =>
      items.some(
        ({ target, operation, actor }: { target: object; operation: string; actor: { id: string } }) =>
          isDeepStrictEqual(target, { type: "member", id: member_id }) &&
          operation === "deleteMember" &&
          actor.id === key_id,
      ),
    tell: () => "deleteMember by our key",
  });
  await steps.play({
    title: "Revoke the key",
    ...via("DELETE", `${keys}/${key_id}`, { token: idToken }),
    expect: [204],
    tell: () => "nothing, as it should",
  });
  await steps.play({
    title: "Try it once more",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [401, { code: "unauthenticated" }],
    tell: refusal,
  });
  steps.end();
}

/** What comes to our own endpoint, as the answer to waiting for it. */
function arrival(
  receiver: Receiver,
  matches: (received: Received) => boolean,
): Pick<Step, "request" | "send"> {
  return {
    request: `POST   ${receiver.url}`,
    async send() {
      const started = performance.now();
      const body = await receiver.waitFor(matches);
      return { status: body.answer ?? 0, body, ms: performance.now() - started };
    },
  };
}

/** What happens to the terminal: it has asked by itself, and we see its screen. */
function seen(terminal: TerminalPlay, event: string): Pick<Step, "request" | "send"> {
  return {
    request: "(the terminal)",
    async send() {
      const started = performance.now();
      const body = await terminal.next(event);
      return { status: 0, body, ms: performance.now() - started };
    },
  };
}

/** Asks until the answer is the one that is waited for, or no longer. */
async function eventually(ask: Step["send"], holds: (body: Answer["body"]) => boolean): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (tries === 20 || holds(answer.body)) return answer;
    await sleep(100);
  }
}

/** Plays steps one by one, each a row of the table. */
function newSteps() {
  const row = printTable([
    { title: "#", width: 2, right: true, look: "dim" },
    { title: "step", width: 28 },
    { title: "request", width: 47, look: "dim" },
    { title: "status", width: 6, right: true, look: "verdict" },
    { title: "what came back", width: 39, look: "bold" },
    { title: "ms", width: 4, right: true, look: "dim" },
  ]);
  let count = 0;
  let total = 0;
  return {
    /** @throws Unexpected for another answer than was expected. */
    async play({ title, request, send, expect, holds, tell }: Step): Promise<Answer["body"]> {
      const [status, fields = {}] = expect;
      const answer = await send();
      count += 1;
      total += answer.ms;
      const good =
        answer.status === status &&
        Object.entries(fields).every(([name, value]) => isDeepStrictEqual(answer.body?.[name], value)) &&
        (holds?.(answer.body) ?? true);
      const told = good ? tell(answer.body) : "not what was expected";
      row([`${count}`, title, request, `${answer.status || ""}`, told, `${Math.round(answer.ms)}`], good);
      if (!good) {
        throw new Unexpected(
          `\nStep ${count}, "${title}", failed.\n  expected  ${status} ${JSON.stringify(fields)} ${holds ?? ""}\n` +
            `  came      ${answer.status} ${JSON.stringify(answer.body)}`,
        );
      }
      return answer.body;
    },
    end() {
      console.log(`\n${count} steps, all answered as expected, in ${(total / 1000).toFixed(1)} s.`);
    },
  };
}

function image(file: string): { image: string } {
  return { image: readFileSync(join(DATA, "palms", `${file}.png`), "base64") };
}

function verdict({ outcome, score, threshold, searched }: Answer["body"]): string {
  return typeof score === "number"
    ? `${outcome}: ${score.toFixed(2)} where ${threshold.toFixed(2)} is enough`
    : `${outcome} among ${searched} palms`;
}

/** An hour of a summary. */
interface Bucket {
  total: number;
}

function sum(buckets: Bucket[]): number {
  return buckets.reduce((all, { total }) => all + total, 0);
}

/** A bar for each hour. */
function bars(buckets: Bucket[]): string {
  const most = Math.max(...buckets.map(({ total }) => total));
  return buckets.map(({ total }) => "▁▂▃▄▅▆▇█"[Math.ceil((total / most) * 7)]).join("");
}

function rows(csv: string): unknown[] {
  return parse(csv, { columns: true });
}

function received({ event_type, verified }: Received): string {
  return `${event_type}, ${verified ? "verified" : "not verified"}`;
}

function refusal({ code }: Answer["body"]): string {
  return `refused: ${code}`;
}
