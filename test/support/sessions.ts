import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Device } from "../../functions/src/domain/device/device.ts";
import {
  asOf,
  isActive,
  MACHINE,
  type Rejection,
  type Session,
  type Status,
} from "../../functions/src/domain/enrollment/session.ts";
import type { Member } from "../../functions/src/domain/member/member.ts";
import { extractTemplate } from "../../functions/src/palm/index.ts";
import type { Answer, Call, Client } from "./client.ts";
import { steadyPalm } from "./palms.ts";

/*
 * What may happen to enrolment sessions, in any order and at once: terminals, consoles and integrators at two instances,
 * requests sent again, time. The same commands run on stores in memory and on Firestore.
 */

/** People who hold out a palm, each in several samples; the last one's hand is too dark to be seen. */
const PEOPLE = 3;
const SAMPLES = 4;
const UNSEEN = PEOPLE;
const DEVICES = 2;
const MEMBERS = 2;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

const dark = { width: 128, height: 128, gray: new Uint8Array(128 * 128).fill(20) };
const TEMPLATES = Array.from({ length: PEOPLE + 1 }, (_, person) =>
  Array.from({ length: SAMPLES }, (_, sample) => {
    const image = person === UNSEEN ? dark : steadyPalm({ seed: 700 + person, sample });
    return base64(extractTemplate(image, { hand: "unknown" }).template);
  }),
);

/** Where it happens. */
export interface Place {
  project_id: string;
  /** An integrator's key. */
  token: string;
  /** The same API at two instances. */
  clients: readonly [Client, Client];
  devices: { id: string; key: string }[];
  members: string[];
  advance(ms: number): void;
  sweep(): Promise<void>;
  /** Looks at what is stored while nothing is on its way. */
  quiet(): Promise<void>;
}

interface Request {
  at: 0 | 1;
  method: string;
  path: string;
  call: Call;
}

/** What is known to those who send: answers that have come. */
interface Real extends Place {
  flights: Promise<unknown>[];
  sent: Request[];
  answers: { request: Request; answer: Answer }[];
  /** Sessions by device, as their starts were answered. */
  started: Map<string, string[]>;
}

/** Nothing is foretold: what must hold is held against what is stored. */
type Model = Record<never, never>;
type Command = fc.AsyncCommand<Model, Real>;

/** Answers that are no fault of ours: even 503 is one, after seconds of contention. */
const ALLOWED = [200, 201, 204, 401, 403, 404, 409, 410, 503];

function send(real: Real, request: Request, heard?: (answer: Answer) => void): void {
  const { at, method, path, call } = request;
  real.sent.push(request);
  const flight = real.clients[at](method, path, call).then((answer) => {
    assert.ok(ALLOWED.includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
    real.answers.push({ request, answer });
    heard?.(answer);
  });
  real.flights.push(flight);
  // It is heard when the flights are waited for.
  flight.catch(() => undefined);
}

const command = (name: string, run: (real: Real) => void | Promise<void>): Command => ({
  check: () => true,
  run: async (_model, real) => run(real),
  toString: () => name,
});

const instance = fc.constantFrom<0 | 1>(0, 1);
const device = fc.nat({ max: DEVICES - 1 });
const member = fc.nat({ max: MEMBERS - 1 });

/** Sent once, whatever is sent again. */
const once = () => ({ "Idempotency-Key": randomUUID() });

const deviceOf = (real: Real, nth: number) => real.devices[nth] as Real["devices"][number];
const sessionOf = (real: Real, nth: number): string =>
  real.started.get(deviceOf(real, nth).id)?.at(-1) ?? "00000000-0000-4000-8000-000000000000";

const start = fc
  .record({ at: instance, device, member, samples_required: fc.integer({ min: 1, max: 3 }) })
  .map(({ at, device, member, samples_required }) =>
    command(`start(${device}, ${member}, ${samples_required})`, (real) => {
      const { id } = deviceOf(real, device);
      const body = { member_id: real.members[member], samples_required, expires_in: 60 };
      const call = { token: real.token, body, headers: once() };
      send(real, { at, method: "POST", path: `/v1/device/${id}/enrollment`, call }, ({ status, body }) => {
        if (status === 201) real.started.set(id, [...(real.started.get(id) ?? []), body.session_id]);
      });
    }),
  );

const sample = fc
  .record({
    at: instance,
    device,
    person: fc.nat({ max: PEOPLE }),
    sample: fc.nat({ max: SAMPLES - 1 }),
    hand: fc.constantFrom<"left" | "right" | undefined>("left", undefined, undefined, "right"),
    twice: fc.boolean(),
  })
  .map(({ at, device, person, sample, hand, twice }) =>
    command(`sample(${device}, ${person}.${sample}, ${hand}${twice ? ", twice" : ""})`, (real) => {
      const { key } = deviceOf(real, device);
      const path = `/v1/terminal/enrollment/${sessionOf(real, device)}/samples`;
      const template = TEMPLATES[person]?.[sample];
      const body = { sample_id: randomUUID(), template };
      const request = { method: "POST", path, call: { token: key, body } } as const;
      send(real, { at, ...request });
      // At the other instance, while the first one is on its way.
      if (twice) send(real, { at: at === 0 ? 1 : 0, ...request });
    }),
  );

/** Whoever enrols somebody: a start, then sample after sample, each twice, while others do what they do. */
const enrol = fc
  .record({
    at: instance,
    device,
    member,
    person: fc.nat({ max: PEOPLE - 1 }),
    required: fc.integer({ min: 1, max: 3 }),
    stray: fc.nat({ max: PEOPLE }),
  })
  .map(({ at, device, member, person, required, stray }) =>
    command(`enrol(${device}, ${member}, ${person}, ${required}, ${stray})`, (real) => {
      const { id } = deviceOf(real, device);
      const body = { member_id: real.members[member], samples_required: required, expires_in: 60 };
      const call = { token: real.token, body, headers: once() };
      send(real, { at, method: "POST", path: `/v1/device/${id}/enrollment`, call }, ({ status, body }) => {
        if (status !== 201) return;
        const path = `/v1/terminal/enrollment/${body.session_id}/samples`;
        const submit = (template: string | undefined, heard?: (answer: Answer) => void): void => {
          const body = { sample_id: randomUUID(), template };
          const request = {
            method: "POST",
            path,
            call: { token: deviceOf(real, device).key, body },
          } as const;
          send(real, { at: at === 0 ? 1 : 0, ...request }, heard);
          send(real, { at, ...request });
        };
        const present = (sample: number): void =>
          submit(TEMPLATES[person]?.[sample], ({ body }) => {
            if (body.status !== "capturing") return;
            if (sample === 0) submit(TEMPLATES[stray]?.[0]);
            present(sample + 1);
          });
        present(0);
      });
    }),
  );

const cancel = fc.record({ at: instance, device }).map(({ at, device }) =>
  command(`cancel(${device})`, (real) => {
    const path = `/v1/device/${deviceOf(real, device).id}/enrollment?session_id=${sessionOf(real, device)}`;
    send(real, { at, method: "DELETE", path, call: { token: real.token } });
  }),
);

const terminalPoll = fc
  .record({ at: instance, device, knows: fc.boolean(), session_version: fc.integer({ min: 1, max: 4 }) })
  .map(({ at, device, knows, session_version }) =>
    command(`poll(${device})`, (real) => {
      const pair = knows ? { session_id: sessionOf(real, device), session_version } : {};
      const call = { token: deviceOf(real, device).key, body: { wait: 1, ...pair } };
      send(real, { at, method: "POST", path: "/v1/terminal/poll", call });
    }),
  );

const consolePoll = fc
  .record({ at: instance, device, version: fc.integer({ min: 1, max: 4 }) })
  .map(({ at, device, version }) =>
    command(`watch(${device})`, (real) => {
      const body = { session_id: sessionOf(real, device), version, wait: 1 };
      const path = `/v1/device/${deviceOf(real, device).id}/enrollment/poll`;
      send(real, { at, method: "POST", path, call: { token: real.token, body } });
    }),
  );

const deleteMember = fc.record({ at: instance, member }).map(({ at, member }) =>
  command(`delete member(${member})`, (real) => {
    const path = `/v1/project/${real.project_id}/members/${real.members[member]}`;
    send(real, { at, method: "DELETE", path, call: { token: real.token } });
  }),
);

const switchDevice = fc
  .record({ at: instance, device, enabled: fc.boolean() })
  .map(({ at, device, enabled }) =>
    command(`enable(${device}, ${enabled})`, (real) => {
      const path = `/v1/device/${deviceOf(real, device).id}`;
      send(real, { at, method: "PATCH", path, call: { token: real.token, body: { enabled } } });
    }),
  );

const rotateKey = fc.record({ at: instance, device }).map(({ at, device }) =>
  command(`rotate key(${device})`, (real) => {
    const terminal = deviceOf(real, device);
    const path = `/v1/device/${terminal.id}/rotate-key`;
    const call = { token: real.token, body: {}, headers: once() };
    send(real, { at, method: "POST", path, call }, ({ status, body }) => {
      if (status === 200) terminal.key = body.device_key;
    });
  }),
);

const deleteDevice = fc.record({ at: instance, device }).map(({ at, device }) =>
  command(`delete device(${device})`, (real) => {
    const path = `/v1/device/${deviceOf(real, device).id}`;
    send(real, { at, method: "DELETE", path, call: { token: real.token } });
  }),
);

const again = fc.record({ at: instance, back: fc.nat({ max: 5 }) }).map(({ at, back }) =>
  command(`again(${back})`, (real) => {
    const request = real.sent.at(-1 - back);
    if (request) send(real, { ...request, at });
  }),
);

/** Waits for every answer, and for those of what the answers led to. */
export async function land({ flights, quiet }: Pick<Real, "flights" | "quiet">): Promise<void> {
  while (flights.length > 0) await Promise.all(flights.splice(0));
  await quiet();
}

/** What follows knows of it. */
const settle = fc.constant(command("settle", land));

const passTime = fc.integer({ min: 1, max: 70 }).map((seconds) =>
  command(`${seconds} s`, (real) => {
    real.advance(seconds * 1000);
  }),
);

const sweep = fc.constant(
  command("sweep", (real) => {
    real.flights.push(real.sweep());
  }),
);

/** Mostly the way of an enrolment, with everything that can cross it. */
const sessionCommands = (maxCommands: number) =>
  fc.commands(
    [
      ...[enrol, enrol, enrol, enrol, enrol, enrol, start, sample, sample, settle, settle, settle],
      ...[cancel, terminalPoll, consolePoll, again, again, passTime, sweep],
      ...[deleteMember, switchDevice, switchDevice, rotateKey, deleteDevice],
    ],
    { maxCommands, size: "max" },
  );

/**
 * Plays random histories, each of which tells what became of its sessions, by a seed that is printed (`SESSION_SEED`).
 * What is `wanted` must have happened to some: what never happened was not tried.
 */
export async function playHistories(
  { runs, wanted, ...how }: { runs: number; wanted: readonly (Status | Rejection)[]; endOnFailure?: boolean },
  play: (commands: Iterable<Command>, turns: number) => Promise<Session[]>,
): Promise<void> {
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const seed = Number(process.env["SESSION_SEED"] ?? Date.now() % 2 ** 31);
  const history = fc.asyncProperty(fc.nat(), sessionCommands(30), async (turns, commands) => {
    for (const { status, last_rejection } of await play(commands, turns)) {
      count(status);
      if (last_rejection) count(last_rejection.code);
    }
  });
  await fc.assert(history, { numRuns: runs, seed, ...how });
  const told = Object.entries(counts).map(([what, number]) => `${number} ${what}`);
  console.log(`      seed ${seed}: ${told.join(", ")}`);
  for (const what of wanted) assert.ok(counts[what], `nothing was ${what}`);
}

/** What those who send know at first. */
export const newReal = (place: Place): Real => ({
  ...place,
  flights: [],
  sent: [],
  answers: [],
  started: new Map(),
});

/** Everything that is stored of a project and its environment. */
export interface Stores {
  devices: Device[];
  /** Those that were displaced. */
  sessions: Session[];
  members: Pick<Member, "id" | "palm_ids">[];
  palms: { id: string; member_id: string | null; seq: number; object: string }[];
  changes: { seq: number; op: string; palm_id: string; template: Uint8Array | null }[];
  scans: { operation: string; device_id: string | null }[];
  events: { event_type: string; body: string }[];
  objects: string[];
}

/** Holds a session's change against the machine; `at` is when it was made. */
export function assertChange(was: Session | null, now: Session | null, at: Date): void {
  if (was === null || now === null) {
    assert.ok(now !== null || was === null, "a session vanished");
    return;
  }
  if (was.id !== now.id) {
    assert.ok(!isActive(asOf(was, at)), "an active session was displaced");
    assert.equal(now.version, 1);
    return;
  }
  if (was.version === now.version) {
    assert.deepEqual(now, was, "changed, with the same version");
    return;
  }
  assert.equal(now.version, was.version + 1, "the version has a gap");
  const ways = Object.values(MACHINE).map(({ to }) => (to as Partial<Record<string, string>>)[was.status]);
  assert.ok(ways.includes(now.status), `${was.status} became ${now.status}`);
  assert.ok(now.samples_accepted - was.samples_accepted <= 1);
}

/** No session goes on for somebody who is not there. */
export function assertMembers({ devices, members }: Pick<Stores, "devices" | "members">): void {
  const ids = members.map(({ id }) => id);
  for (const { session, enabled } of devices) {
    if (!session || !isActive(session)) continue;
    assert.ok(enabled, "a session goes on at a disabled device");
    assert.ok(ids.includes(session.member_id ?? ""), "a session goes on without its member");
  }
}

/** What must hold of everything that is stored, whatever happened, once all is quiet. */
export function assertWhole(stores: Stores, real: Pick<Real, "answers">, now: Date): Session[] {
  const { devices, members, palms, changes, scans, events, objects } = stores;
  const sessions = [
    ...stores.sessions,
    ...devices.flatMap(({ session }) => (session ? [asOf(session, now)] : [])),
  ];
  assert.equal(new Set(sessions.map(({ id }) => id)).size, sessions.length, "a session is stored twice");
  for (const session of stores.sessions) assert.ok(!isActive(session), "a displaced session is active");
  for (const { sample_ids, samples_accepted, samples_required, status, held } of sessions) {
    assert.equal(new Set(sample_ids).size, sample_ids.length, "a sample was judged twice");
    assert.ok(samples_accepted <= sample_ids.length && samples_accepted <= samples_required);
    if (status === "completed") assert.equal(samples_accepted, samples_required);
    const active = status === "pending" || status === "capturing";
    assert.equal(held.length, active ? samples_accepted : 0, `held samples of a ${status} session`);
  }
  // Of devices that were deleted nobody can tell any more: there the events are what is left.
  const completed = sessions.filter(({ status }) => status === "completed").map(({ id }) => id);
  const told = events.map(({ body }) => JSON.parse(body).data.session_id as string);
  assert.equal(new Set(told).size, told.length, "a completion was told twice");
  const known = new Set(sessions.map(({ id }) => id));
  assert.deepEqual(told.filter((id) => known.has(id)).toSorted(), completed.toSorted(), "completions told");
  assert.equal(scans.length, told.length, "scans of enrolments");
  assert.equal(changes.filter(({ op }) => op === "put").length, told.length, "enrolled palms");
  assert.deepEqual(
    members.flatMap(({ id, palm_ids }) => palm_ids.map((palm) => `${id} ${palm}`)).toSorted(),
    palms.map(({ id, member_id }) => `${member_id} ${id}`).toSorted(),
    "members and their palms",
  );
  assert.deepEqual(
    changes.flatMap(({ seq, palm_id, template }) => (template ? [`${seq} ${palm_id}`] : [])).toSorted(),
    palms.map(({ seq, id }) => `${seq} ${id}`).toSorted(),
    "templates in the log",
  );
  assert.deepEqual(objects.toSorted(), palms.map(({ object }) => object).toSorted(), "objects");
  assertAnswers(real);
  return sessions;
}

/** A request that was answered is answered alike when it is sent again; what a session was, its versions say. */
function assertAnswers({ answers }: Pick<Real, "answers">): void {
  const seen = new Map<string, string>();
  for (const { request, answer } of answers) {
    for (const session of [answer.body, answer.body?.session]) {
      if (typeof session?.session_id !== "string") continue;
      // Expiry is told at any time after it, of the same version.
      const text = JSON.stringify(session);
      const version = `${session.session_id} ${session.version}`;
      assert.equal(seen.get(version) ?? text, text, "one version of a session, told in two ways");
      seen.set(version, text);
    }
    const key = request.call.headers?.["Idempotency-Key"];
    if (key === undefined || answer.status >= 300) continue;
    assert.equal(seen.get(key) ?? answer.text, answer.text, "a repeated request took effect twice");
    seen.set(key, answer.text);
  }
}
