import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { parse } from "csv-parse/sync";
import {
  type Client,
  createClient,
  createMember,
  createOrganizationApiKey,
  createWebhook,
  deleteDevice,
  deleteMember,
  enrollPalm,
  exportTransactions,
  getEnvironment,
  getMember,
  health,
  identify,
  listAudit,
  listDeliveries,
  listPalms,
  listProjects,
  listScans,
  listTransactions,
  PalmgateError,
  pollEnrollment,
  registerDevice,
  revokeOrganizationApiKey,
  scanSummary,
  startEnrollment,
  testWebhook,
  verifyPalm,
} from "../clients/typescript/src/index.ts";
import { signIn } from "./api.ts";
import { interruption, type Suite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";
import { TerminalPlay } from "./terminal-play.ts";
import { type Received, type Receiver, startReceiver } from "./webhooks/receiver.ts";
import { startWorld } from "./world-start.ts";

/*
 * The main job, played on a suite of its own by somebody who has nothing but the documentation: the client through
 * Hosting, the Auth emulator's sign-in, and the files of emulator-data/.
 */

const DATA = join(ROOT, "emulator-data");
const ORGANIZATION = "aaaaaaaa-0000-4000-8000-000000000001";
const PROJECT = "bbbbbbbb-0000-4000-8000-000000000001";
const KIOSK = "bbbbbbbb-0000-4000-8000-000000000002";

/** Pictures of one palm that nobody in the world has. */
const NEWCOMER = ["enrol-1", "enrol-2", "enrol-3", "fresh-1", "fresh-2"].map((name) =>
  join(DATA, "palms", `newcomer-${name}.png`),
);

interface Answer<Body> {
  /** As the table shows it. */
  request: string;
  /** 0 where we see none. */
  status: number;
  body: Body;
  ms: number;
}

interface Step<Body> {
  title: string;
  send: () => Promise<Answer<Body>>;
  /** The status, and the fields of the body that matter. */
  expect: readonly [status: number, fields?: object];
  /** What must hold of the body beyond that. */
  holds?: (body: Body) => boolean;
  /** What came back, in a few words. */
  tell: (body: Body) => string;
}

type Refusal = Pick<PalmgateError, "code">;
type Fields = Record<string, unknown> | undefined;

/** Of a comparison with one member's palms or with all. */
interface Verdict {
  outcome: string;
  score: number | null;
  threshold: number;
  searched?: number;
}

/** The first four letters stand for it. */
const UUID = /([0-9a-f]{4})[0-9a-f]{4}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

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
  /** What a client with this key asks. */
  const by = <Body>(key: string | undefined, ask: (client: Client) => Promise<Body>) => ({
    send: () => asked(createClient({ baseUrl: suite.baseUrl, key }), ask),
  });
  /** The same, where it is to be refused. */
  const refused = (key: string, ask: (client: Client) => Promise<unknown>) =>
    by(key, async (client): Promise<Refusal> => ask(client) as Promise<Refusal>);
  console.log(`\nEvery path below is under ${suite.baseUrl}/v1.\n`);
  const steps = newSteps();

  await steps.play({
    title: "Is everything well?",
    ...by(undefined, health),
    expect: [200, { status: "ok" }],
    tell: ({ checks }) => checks.map(({ name }) => name).join(", "),
  });

  const { users, api_keys } = JSON.parse(readFileSync(join(DATA, "credentials.json"), "utf8"));
  const [{ email, password }] = users;
  const { idToken } = await steps.play({
    title: "Sign in to the console",
    send: async () => ({
      request: "POST   (the Auth emulator)",
      ...(await signIn(suite.ports.auth, email, password)),
    }),
    expect: [200, { email }],
    tell: () => `an ID token of ${email}`,
  });
  await steps.play({
    title: "Which projects are mine?",
    ...by(idToken, listProjects),
    expect: [200],
    tell: (projects) => projects.map(({ name }) => name).join(", "),
  });
  const { id: key_id, key } = await steps.play({
    title: "Make an API key",
    ...by(idToken, (client) =>
      createOrganizationApiKey(ORGANIZATION, { name: "Demo", project_ids: [PROJECT] }, client),
    ),
    expect: [201, { name: "Demo", project_ids: [PROJECT], revoked_at: null }],
    tell: ({ prefix }) => `${prefix.slice(0, 9)}…, shown this once`,
  });

  const { id: webhook_id, secret } = await steps.play({
    title: "Be told of enrolments",
    ...by(key, (client) =>
      createWebhook(PROJECT, { url: receiver.url, event_types: ["enrollment.completed"] }, client),
    ),
    expect: [201, { url: receiver.url, enabled: true }],
    tell: ({ secret }) => `${secret.slice(0, 9)}…, shown this once`,
  });
  receiver.trust(secret);
  await steps.play({
    title: "Does it reach us? A test",
    ...by(key, (client) => testWebhook(PROJECT, webhook_id, client)),
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
    ...by(key, (client) => identify(PROJECT, image("newcomer-fresh-1"), client)),
    expect: [200, { outcome: "no_match", member_id: null }],
    tell: verdict,
  });
  const creation = by(key, (client) =>
    createMember(
      PROJECT,
      { name: "Noa Levy", external_id: "demo-1" },
      client.with({ idempotencyKey: "demo-1" }),
    ),
  );
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
  const samples = [1, 2, 3].map((k) => ({ ...image(`newcomer-enrol-${k}`), hand: "right" as const }));
  await steps.play({
    title: "Enrol it from three pictures",
    ...by(key, (client) => enrollPalm(PROJECT, { member_id, samples }, client)),
    expect: [201, { member_id, hand: "right", samples: 3 }],
    tell: ({ hand, quality }) => `${hand} palm, quality ${Math.round(Number(quality))} of 100`,
  });
  await steps.play({
    title: "And the webhook?",
    ...arrival(receiver, ({ event_type }) => event_type === "enrollment.completed"),
    expect: [200, { verified: true, time: 1 }],
    holds: ({ body }) => JSON.parse(body).data.member_id === member_id,
    tell: received,
  });
  const deliveries = by(key, (client) => listDeliveries(PROJECT, webhook_id, {}, client));
  await steps.play({
    title: "What was sent, as we see it?",
    // The endpoint has it before we have its answer.
    send: () => eventually(deliveries.send, ({ items: [last] }) => last?.status !== "pending"),
    expect: [200, { total_count: 2 }],
    tell: ({ items: [last] }) =>
      `${last?.event_type}, ${last?.last_status_code} at attempt ${last?.attempt_count}`,
  });
  await steps.play({
    title: "Identify it by a fourth",
    ...by(key, (client) => identify(PROJECT, image("newcomer-fresh-1"), client)),
    expect: [200, { outcome: "identified", member_id, hand: "right" }],
    tell: verdict,
  });
  await steps.play({
    title: "Is it hers? By a fifth",
    ...by(key, (client) => verifyPalm(PROJECT, member_id, image("newcomer-fresh-2"), client)),
    expect: [200, { outcome: "match", hand: "right" }],
    tell: verdict,
  });
  await steps.play({
    title: "A stranger says to be her",
    ...by(key, (client) => verifyPalm(PROJECT, member_id, image("stranger-01-1"), client)),
    expect: [200, { outcome: "no_match", hand: null }],
    tell: verdict,
  });
  await steps.play({
    title: "A stranger says nothing",
    ...by(key, (client) => identify(PROJECT, image("stranger-01-1"), client)),
    expect: [200, { outcome: "no_match", member_id: null, score: null, hand: null }],
    tell: verdict,
  });

  const found = await steps.play({
    title: "Somebody else comes in",
    ...by(key, (client) => identify(PROJECT, image("member-07-fresh-2"), client)),
    expect: [200, { outcome: "identified" }],
    tell: verdict,
  });
  await steps.play({
    title: "Who is that?",
    ...by(key, (client) => getMember(PROJECT, found.member_id ?? "", client)),
    expect: [200, { id: found.member_id, name: "Daniel Weber" }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  await steps.play({
    title: "Enrol Noa's palm as his, too",
    ...refused(key, (client) => enrollPalm(PROJECT, { member_id: found.member_id ?? "", samples }, client)),
    expect: [409, { code: "duplicate_palm" }],
    tell: refusal,
  });

  const { id: visitor_id } = await steps.play({
    title: "A visitor, and a phone",
    ...by(key, (client) => createMember(PROJECT, { name: "Ben Adler" }, client)),
    expect: [201, { name: "Ben Adler", palms: 0 }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  const photographs = [1, 2, 3].map((k) => photo(`visitor-enrol-${k}`));
  await steps.play({
    title: "Enrol from photos of a hand",
    ...by(key, (client) => enrollPalm(PROJECT, { member_id: visitor_id, samples: photographs }, client)),
    expect: [201, { member_id: visitor_id, hand: "right", samples: 3 }],
    tell: ({ hand, samples }) => `a ${hand} hand, found in ${samples} photos`,
  });
  await steps.play({
    title: "Identify him by a fourth",
    ...by(key, (client) => identify(PROJECT, photo("visitor-fresh-1"), client)),
    expect: [200, { outcome: "identified", member_id: visitor_id }],
    tell: verdict,
  });
  await steps.play({
    title: "Is it his left hand?",
    ...refused(key, (client) =>
      verifyPalm(PROJECT, visitor_id, { ...photo("visitor-fresh-2"), hand: "left" }, client),
    ),
    expect: [422, { code: "hand_mismatch" }],
    tell: refusal,
  });

  await steps.play({
    title: "Which palms has Noa?",
    ...by(key, (client) => listPalms(PROJECT, member_id, client)),
    expect: [200, { length: 1 }],
    tell: ([palm]) => `one: ${palm?.hand}, from ${palm?.samples} pictures`,
  });
  await steps.play({
    title: "Noa leaves: delete her",
    ...by(key, (client) => deleteMember(PROJECT, member_id, client)),
    expect: [204],
    tell: () => "nothing, as it should",
  });
  const { scan_id } = await steps.play({
    title: "Whose palm is it now?",
    ...by(key, (client) => identify(PROJECT, image("newcomer-fresh-1"), client)),
    expect: [200, { outcome: "no_match", member_id: null }],
    tell: verdict,
  });
  await steps.play({
    title: "Look for her",
    ...refused(key, (client) => getMember(PROJECT, member_id, client)),
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
    ...by(key, (client) => registerDevice(PROJECT, { registration_code, name: "Canteen" }, client)),
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
    ...by(key, (client) => createMember(PROJECT, { name: "Noa Levy" }, client)),
    expect: [201, { name: "Noa Levy", palms: 0 }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  const { session_id } = await steps.play({
    title: "Enrol her at the terminal",
    ...by(key, (client) => startEnrollment(device_id, { member_id: back_id }, client)),
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
    ...by(key, (client) => pollEnrollment(device_id, { session_id, version: 3, wait: 10 }, client)),
    expect: [200, { status: "completed", samples_accepted: 3, version: 4 }],
    tell: (session) => `${session?.status}, ${session?.samples_accepted} samples taken`,
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
    tell: (scan) => verdict(scan as unknown as Verdict),
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
    ...by(key, (client) => listTransactions(PROJECT, { per_page: 10 }, client)),
    expect: [200],
    holds: ({ items: [last] }) =>
      last?.id === transaction_id && last?.member_id === back_id && last?.device_id === device_id,
    tell: ({ items: [last] }) =>
      last ? `${last.reference}, ${(last.amount_minor / 100).toFixed(2)} ${last.currency}` : "nothing",
  });
  await steps.play({
    title: "The terminal is stolen",
    ...by(key, (client) => deleteDevice(device_id, client)),
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
    ...by(key, (client) => listScans(PROJECT, { per_page: 20 }, client)),
    expect: [200, { page: 1, per_page: 20 }],
    holds: ({ items }) =>
      items.length === 20 &&
      items.some(({ id }) => id === scan_id) &&
      items.some((scan) => scan.member_id === member_id),
    tell: ({ items, total_count }) => `${items.length} of ${total_count} in 24 hours`,
  });
  await steps.play({
    title: "When did people come?",
    ...by(key, (client) => scanSummary(PROJECT, { bucket: "hour" }, client)),
    expect: [200, { bucket: "hour" }],
    holds: ({ buckets }) => sum(buckets) > 100,
    tell: ({ buckets }) => `${bars(buckets)} ${sum(buckets)} scans`,
  });
  const { items: paid, total_count } = await steps.play({
    title: "What was paid?",
    ...by(key, (client) => listTransactions(PROJECT, { per_page: 10 }, client)),
    expect: [200, { page: 1, per_page: 10 }],
    holds: ({ items, total_count }) => items.length === 10 && Number(total_count) > 50,
    tell: ({ items: [last], total_count }) =>
      `${last?.reference ?? "something"}, and ${Number(total_count) - 1} more`,
  });
  const payer = paid.find(({ status }) => status === "approved");
  await steps.play({
    title: "By whom?",
    ...by(key, (client) => getMember(PROJECT, payer?.member_id ?? "", client)),
    expect: [200, { id: payer?.member_id }],
    tell: ({ name }) => `${payer?.reference ?? "something"} by ${name}`,
  });
  await steps.play({
    title: "All of it for a spreadsheet",
    ...by(key, (client) => exportTransactions(PROJECT, {}, client)),
    expect: [200],
    holds: (csv) => rows(csv).length === total_count && csv.endsWith("\r\n"),
    tell: (csv) => `${rows(csv).length} rows of CSV`,
  });

  await steps.play({
    title: "Where are the kiosk's palms?",
    ...by(api_keys.acme, (client) => getEnvironment(KIOSK, client)),
    expect: [200, { type: "global", palms: 0, server_lookup_allowed: false }],
    tell: ({ type }) => `in a ${type} environment, nobody's own`,
  });
  await steps.play({
    title: "So nobody is looked up there",
    ...refused(api_keys.acme, (client) => identify(KIOSK, image("member-07-fresh-2"), client)),
    expect: [403, { code: "environment_not_tenant_managed" }],
    tell: refusal,
  });

  await steps.play({
    title: "Who deleted Noa?",
    ...by(idToken, (client) => listAudit(ORGANIZATION, { per_page: 10 }, client)),
    expect: [200, { page: 1 }],
    holds: ({ items }) =>
      items.some(
        ({ target, operation, actor }) =>
          isDeepStrictEqual(target, { type: "member", id: member_id }) &&
          operation === "deleteMember" &&
          actor.id === key_id,
      ),
    tell: () => "deleteMember by our key",
  });
  await steps.play({
    title: "Revoke the key",
    ...by(idToken, (client) => revokeOrganizationApiKey(ORGANIZATION, key_id, client)),
    expect: [204],
    tell: () => "nothing, as it should",
  });
  await steps.play({
    title: "Try it once more",
    ...refused(key, (client) => identify(PROJECT, image("newcomer-fresh-1"), client)),
    expect: [401, { code: "unauthenticated" }],
    tell: refusal,
  });
  steps.end();
}

/** What comes to our own endpoint, as the answer to waiting for it. */
function arrival(receiver: Receiver, matches: (received: Received) => boolean): Pick<Step<Received>, "send"> {
  return {
    async send() {
      const started = performance.now();
      const body = await receiver.waitFor(matches);
      const ms = performance.now() - started;
      return { request: `POST   ${receiver.url}`, status: body.answer ?? 0, body, ms };
    },
  };
}

/** What happens to the terminal: it has asked by itself, and we see its screen. */
function seen(terminal: TerminalPlay, event: string) {
  return {
    async send() {
      const started = performance.now();
      const body = await terminal.next(event);
      return { request: "(the terminal)", status: 0, body, ms: performance.now() - started };
    },
  };
}

/** Asks by a client, and looks at what goes to and fro. What is refused is the answer, too. */
async function asked<Body>(client: Client, ask: (client: Client) => Promise<Body>): Promise<Answer<Body>> {
  let request = "";
  let status = 0;
  const watching: typeof fetch = async (url, init) => {
    const path = `${url}`.slice(`${client.baseUrl}/v1`.length).replaceAll(UUID, "$1…");
    request = `${init?.method?.padEnd(6)} ${path}`;
    const response = await fetch(url, init);
    status = response.status;
    return response;
  };
  const started = performance.now();
  const body = await ask(client.with({ fetch: watching, maxRetries: 0 })).catch((error: unknown) => {
    if (error instanceof PalmgateError) return error as Body;
    throw error;
  });
  return { request, status, body, ms: performance.now() - started };
}

/** Asks until the answer is the one that is waited for, or no longer. */
async function eventually<Body>(
  ask: Step<Body>["send"],
  holds: (body: Body) => boolean,
): Promise<Answer<Body>> {
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
    async play<Body>({ title, send, expect, holds, tell }: Step<Body>): Promise<Body> {
      const [status, fields = {}] = expect;
      const answer = await send();
      count += 1;
      total += answer.ms;
      const good =
        answer.status === status &&
        Object.entries(fields).every(([name, value]) =>
          isDeepStrictEqual((answer.body as Fields)?.[name], value),
        ) &&
        (holds?.(answer.body) ?? true);
      const told = good ? tell(answer.body) : "not what was expected";
      row(
        [`${count}`, title, answer.request, `${answer.status || ""}`, told, `${Math.round(answer.ms)}`],
        good,
      );
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

function photo(file: string): { photo: string } {
  return { photo: readFileSync(join(DATA, "hands", `${file}.jpg`), "base64") };
}

function verdict({ outcome, score, threshold, searched }: Verdict): string {
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

function refusal({ code }: Refusal): string {
  return `refused: ${code}`;
}
