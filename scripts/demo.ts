import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Answer, createApi, signIn } from "./api.ts";
import { interruption, type Suite, startSuite } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";

/*
 * The main job, played on a suite of its own by somebody who has nothing but the documentation: HTTP through Hosting,
 * the Auth emulator's sign-in, and the files of emulator-data/.
 */

const DATA = join(ROOT, "emulator-data");
const ORGANIZATION = "aaaaaaaa-0000-4000-8000-000000000001";
const PROJECT = "bbbbbbbb-0000-4000-8000-000000000001";

interface Step {
  title: string;
  /** As the table shows it. */
  request: string;
  send: () => Promise<Answer>;
  /** The status, and the fields of the body that matter. */
  expect: readonly [status: number, fields?: Record<string, unknown>];
  /** What came back, in a few words. */
  tell: (body: Answer["body"]) => string;
}

class Unexpected extends Error {}

const interrupted = interruption();
try {
  console.log("Starting the emulators ...");
  const suite = await startSuite({ profile: "demo", importDir: DATA, signal: interrupted });
  try {
    await play(suite);
  } finally {
    await suite.stop();
  }
} catch (error) {
  const told = error instanceof Error ? error.message : String(error);
  console.error(error instanceof Unexpected ? told : `demo: ${interrupted.aborted ? "interrupted" : told}`);
  process.exitCode = 1;
}

async function play(suite: Suite): Promise<void> {
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

  const { users } = JSON.parse(readFileSync(join(DATA, "credentials.json"), "utf8"));
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

  await steps.play({
    title: "Whose palm is this new one?",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [200, { outcome: "no_match", member_id: null }],
    tell: verdict,
  });
  const { id: member_id } = await steps.play({
    title: "Create a member",
    ...inProject("POST", "/members", key, { name: "Noa Levy", external_id: "demo-1" }),
    expect: [201, { project_id: PROJECT, name: "Noa Levy", external_id: "demo-1", palms: 0 }],
    tell: ({ name, palms }) => `${name}, ${palms} palms`,
  });
  const samples = [1, 2, 3].map((k) => ({ ...image(`newcomer-enrol-${k}`), hand: "right" }));
  await steps.play({
    title: "Enrol it from three pictures",
    ...inProject("POST", "/enroll", key, { member_id, samples }),
    expect: [201, { member_id, hand: "right", samples: 3 }],
    tell: ({ hand, quality }) => `${hand} palm, quality ${Math.round(quality)} of 100`,
  });
  await steps.play({
    title: "Identify it by a fourth",
    ...inProject("POST", "/identify", key, image("newcomer-fresh-1")),
    expect: [200, { outcome: "identified", member_id, hand: "right" }],
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
    title: "A stranger tries",
    ...inProject("POST", "/identify", key, image("stranger-01-1")),
    expect: [200, { outcome: "no_match", member_id: null, score: null, hand: null }],
    tell: verdict,
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
    tell: ({ code }) => `refused: ${code}`,
  });
  steps.end();
}

/** Plays steps one by one, each a row of the table. */
function newSteps() {
  const row = printTable([
    { title: "#", width: 2, right: true, look: "dim" },
    { title: "step", width: 28 },
    { title: "request", width: 41, look: "dim" },
    { title: "status", width: 6, right: true, look: "verdict" },
    { title: "what came back", width: 38, look: "bold" },
    { title: "ms", width: 4, right: true, look: "dim" },
  ]);
  let count = 0;
  let total = 0;
  return {
    /** @throws Unexpected for another answer than was expected. */
    async play({ title, request, send, expect: [status, fields = {}], tell }: Step): Promise<Answer["body"]> {
      const answer = await send();
      count += 1;
      total += answer.ms;
      const good =
        answer.status === status &&
        Object.entries(fields).every(([name, value]) => isDeepStrictEqual(answer.body?.[name], value));
      const told = good ? tell(answer.body) : "not what was expected";
      row([`${count}`, title, request, `${answer.status}`, told, `${Math.round(answer.ms)}`], good);
      if (!good) {
        throw new Unexpected(
          `\nStep ${count}, "${title}", failed.\n  expected  ${status} ${JSON.stringify(fields)}\n` +
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
  return outcome === "identified"
    ? `identified: ${score.toFixed(2)} where ${threshold.toFixed(2)} is enough`
    : `no_match among ${searched} palms`;
}
