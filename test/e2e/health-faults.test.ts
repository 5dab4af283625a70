import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../support/client.ts";
import { Gate, type Mode } from "../support/faults.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { loadParameters } from "../support/suite.ts";

const LIMIT_MS = 900;
/** How long an instance answers from its last report. */
const REUSE_MS = 2000;
/** After this long a report is not used again, and a hung check has let go. */
const EXPIRED_MS = REUSE_MS + 50;
/** A request that touches nothing takes this long only when other processes keep the processors busy. */
const BUSY_MS = 100;
/** For how long measurements are repeated that such processes have spoiled. */
const PATIENCE_MS = 240_000;
/** So many answers in quiet moments must be wrong: the emulators of the services may be kept waiting unseen. */
const WRONG_ANSWERS = 3;

const SERVICES = ["firestore", "auth", "storage", "cloud_tasks"] as const;
type Service = (typeof SERVICES)[number];
type Status = "ok" | "failed" | "timeout";

/** An instance of `health` that reaches each service through a gate of its own. */
interface Patient extends Instance {
  gates: Record<Service, Gate>;
  /** When its last report began, at the latest; in ms of performance.now(). */
  began: number;
}

async function admit(mode: Mode = "pass"): Promise<Patient> {
  const before = async (emulator: string) => {
    const gate = await Gate.before(process.env[emulator] ?? "");
    await gate.turn(mode);
    return gate;
  };
  const gates = {
    firestore: await before("FIRESTORE_EMULATOR_HOST"),
    auth: await before("FIREBASE_AUTH_EMULATOR_HOST"),
    storage: await before("FIREBASE_STORAGE_EMULATOR_HOST"),
    cloud_tasks: await before("CLOUD_TASKS_EMULATOR_HOST"),
  };
  const instance = await startInstance("health", {
    FIRESTORE_EMULATOR_HOST: gates.firestore.host,
    FIREBASE_AUTH_EMULATOR_HOST: gates.auth.host,
    FIREBASE_STORAGE_EMULATOR_HOST: gates.storage.host,
    STORAGE_EMULATOR_HOST: `http://${gates.storage.host}`,
    CLOUD_TASKS_EMULATOR_HOST: gates.cloud_tasks.host,
  });
  return { ...instance, gates, began: -EXPIRED_MS };
}

const discharge = ({ gates, stop }: Patient) =>
  Promise.all([stop(), ...Object.values(gates).map((gate) => gate.stop())]);

const turnAll = ({ gates }: Patient, mode: Mode) =>
  Promise.all(Object.values(gates).map((gate) => gate.turn(mode)));

/** Waits until an instance's last report is not used again. */
async function expired(patient: Patient): Promise<void> {
  await sleep(Math.max(0, patient.began + EXPIRED_MS - performance.now()));
}

async function ask(patient: Patient): Promise<Answer> {
  const answer = await patient.api("GET", "/v1/health");
  const took = answer.body.checks.map(({ took_ms }: { took_ms: number }) => took_ms);
  patient.began = performance.now() - Math.max(...took);
  return answer;
}

/**
 * Measures how busy the machine is while `work` runs: the time of the slowest of the requests that touch nothing, sent
 * one after the other.
 */
async function whilePinging<T>(patient: Patient, work: Promise<T>): Promise<{ result: T; slowest: number }> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  let slowest = 0;
  while (!isDone) {
    const started = performance.now();
    await patient.api("GET", "/v1/health/live");
    slowest = Math.max(slowest, performance.now() - started);
    await sleep(20);
  }
  return { result: await done, slowest };
}

/**
 * Asks an instance for its health, and compares the whole answer with the state of its services. An answer that differs
 * while the machine is busy says nothing about the instance, so it is asked again.
 */
async function expectHealth(patient: Patient, are: Partial<Record<Service, Status>>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let wrong = 0; ; ) {
    await expired(patient);
    const { result: fault, slowest } = await whilePinging(patient, faultOf(patient, are));
    if (fault === undefined) return;
    if (slowest < BUSY_MS) wrong += 1;
    if (wrong === WRONG_ANSWERS || performance.now() > until) throw fault;
  }
}

/** What is wrong with an instance's health; `undefined` when nothing is. */
const faultOf = (patient: Patient, are: Partial<Record<Service, Status>>): Promise<Error | undefined> =>
  judge(patient, are).then(
    () => undefined,
    (error: Error) => error,
  );

async function judge(patient: Patient, are: Partial<Record<Service, Status>>): Promise<void> {
  const started = performance.now();
  const { status, headers, body } = await ask(patient);
  const took = performance.now() - started;
  const of = (name: Service, critical: boolean) => ({ name, critical, status: are[name] ?? "ok" });
  const isDown = (are.firestore ?? are.auth ?? "ok") !== "ok";
  const checks = body.checks.map(({ took_ms, ...check }: { took_ms: number }) => {
    assert.ok(Number.isInteger(took_ms) && took_ms >= 0 && took_ms <= 800, `${took_ms} ms`);
    return check;
  });
  assert.deepEqual(
    { status, type: headers.get("content-type"), body: { ...body, checks } },
    {
      status: isDown ? 503 : 200,
      type: "application/json; charset=utf-8",
      body: {
        status: isDown ? "down" : Object.keys(are).length > 0 ? "degraded" : "ok",
        checks: [of("firestore", true), of("auth", true), of("storage", false), of("cloud_tasks", false)],
      },
    },
  );
  assert.ok(took <= LIMIT_MS, `answered in ${Math.round(took)} ms`);
}

const ALL = (status: Status) => Object.fromEntries(SERVICES.map((name) => [name, status]));

describe("GET /v1/health under faults", () => {
  let patients: Patient[];

  before(async () => {
    loadParameters();
    patients = await Promise.all(SERVICES.map(() => admit()));
    // The limits hold for warm instances, and emulators that have answered before.
    await each(async (patient) => {
      while ((await ask(patient)).status !== 200) await expired(patient);
    });
  });
  after(() => Promise.all(patients.map(discharge)));
  /** Ends when all have, so that no test sees another's requests. */
  const each = async (visit: (patient: Patient, i: number) => Promise<void>) => {
    const visits = await Promise.allSettled(patients.map(visit));
    for (const result of visits) if (result.status === "rejected") throw result.reason;
  };
  afterEach(() => {
    for (const { output } of patients) assert.doesNotMatch(output(), /unhandled|uncaught|request failed/i);
  });

  it("is ok when all services are", () => each((patient) => expectHealth(patient, {})));

  const table: [what: string, mode: Mode, status: Status][] = [
    ["hangs", "hang", "timeout"],
    ["refuses connections", "refuse", "failed"],
    ["answers in 300 ms", "late300", "ok"],
    ["answers in 3 s", "late3000", "timeout"],
    ["resets connections", "reset", "failed"],
    ["stops in the middle of an answer", "stall", "timeout"],
    ["talks nonsense", "garble", "failed"],
    ["answers 503", "sick", "failed"],
  ];
  for (const [round, [what, mode, status]] of table.entries()) {
    // Each service fails on one instance; by the next row it is back, and another fails there.
    it(`says ${status} of a service that ${what}, and ok of the one that is back`, () =>
      each(async (patient, i) => {
        const service = SERVICES[(i + round) % SERVICES.length] as Service;
        await turnAll(patient, "pass");
        await patient.gates[service].turn(mode);
        await expectHealth(patient, status === "ok" ? {} : { [service]: status });
      }));
  }

  it("is down when all hang, while the pipeline and /v1/health/live answer", async () => {
    const [patient] = patients as [Patient];
    await turnAll(patient, "hang");
    await expired(patient);
    let isAnswered = false;
    const health = ask(patient).then(({ body }) => {
      isAnswered = true;
      return body;
    });
    let answered = 0;
    while (!isAnswered) {
      const [live, nothing] = await Promise.all([
        patient.api("GET", "/v1/health/live"),
        patient.api("GET", "/v1/nothing"),
      ]);
      assert.deepEqual([live.status, live.body, nothing.status], [200, { status: "ok" }, 404]);
      if (!isAnswered) answered += 1;
    }
    assert.equal((await health).status, "down");
    assert.ok(answered > 0, "nothing was answered while the checks hung");
    await expectHealth(patient, ALL("timeout"));
  });

  it("lets go of what hangs before it asks again, and is ok with the first set after", async () => {
    const [patient] = patients as [Patient];
    await turnAll(patient, "hang");
    for (let i = 0; i < 3; i++) {
      await expired(patient);
      assert.deepEqual(
        SERVICES.map((name) => patient.gates[name].open),
        [0, 0, 0, 0],
      );
      await expectHealth(patient, ALL("timeout"));
    }
    await turnAll(patient, "pass");
    await expectHealth(patient, {});
  });

  it("is down from the first request on when an instance starts while all hang, and gets well", async () => {
    const patient = await admit("hang");
    try {
      await expectHealth(patient, ALL("timeout"));
      await turnAll(patient, "refuse");
      await expectHealth(patient, ALL("failed"));
      await turnAll(patient, "pass");
      await expectHealth(patient, {});
    } finally {
      await discharge(patient);
    }
  });

  it("makes one set of checks for a hundred calls at once, on each of two instances, and the next after 2 s", async () => {
    const both = patients.slice(0, 2);
    await Promise.all(both.map((patient) => turnAll(patient, "pass")));
    for (let set = 0; set < 2; set++) {
      for (const patient of both) {
        const requests = () => SERVICES.map((name) => patient.gates[name].requests);
        await expired(patient);
        const before = requests();
        const started = performance.now();
        const answers = await Promise.all(Array.from({ length: 100 }, () => ask(patient)));
        // A machine too busy to take a hundred calls within 2 s needs another set, and its checks may time out.
        const most = 1 + Math.floor((performance.now() - started) / REUSE_MS);
        const bodies = new Set(answers.map(({ text }) => text));
        assert.ok(bodies.size <= most, `${bodies.size} reports, at most ${most} expected`);
        for (const [i, count] of requests().entries()) {
          const asked = count - (before[i] as number);
          assert.ok(asked >= 1 && asked <= most, `${SERVICES[i]} was asked ${asked} times, not 1 to ${most}`);
        }
      }
    }
    for (const patient of both) await expectHealth(patient, {});
  });
});
