import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { mostInAWindow } from "../../bench/ratelimit/simulate.ts";
import { createBudgets } from "../../functions/src/data/budgets.ts";
import { openFirestore } from "../../functions/src/data/firestore.ts";
import { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import { Gate } from "../support/faults.ts";
import { db } from "../support/firestore.ts";
import { POLICIES } from "../support/limits.ts";
import { testSurroundings } from "../support/surroundings.ts";

const { sandbox: SANDBOX } = POLICIES;
const PROJECT = "demo-palmgate-test";

const documentOf = (subject: string) =>
  db()
    .collection("budgets")
    .doc(`${createHash("sha256").update(subject).digest("hex")}-0`);

/** Surroundings whose clock the test moves, while a sleep takes its time, or as many times that. */
function movedClock(times = 1) {
  const around = testSurroundings();
  return { ...around, sleep: (ms: number) => sleep(ms * times) };
}

describe("Budgets in Firestore", () => {
  const budgets = createBudgets(db());
  const grants = [{ until: Date.parse("2026-01-02T03:05:00Z"), tokens: 2 }];

  it("are created once, and changed only as they were read", async () => {
    const subject = randomUUID();
    assert.equal(await budgets.get(subject, 0), undefined);
    const first = await budgets.put(subject, 0, undefined, { grants });
    assert.ok(first !== "conflict");
    assert.ok((await budgets.put(subject, 0, undefined, { grants })) === "conflict");
    const second = await budgets.put(subject, 0, first, { grants: [...grants, ...grants] });
    assert.ok(second !== "conflict");
    assert.ok((await budgets.put(subject, 0, first, { grants })) === "conflict");
    assert.equal((await budgets.get(subject, 0))?.value.grants.length, 2);
    assert.ok(
      (await budgets.put(subject, 0, second, { grants })) !== "conflict",
      "what a write gave needs no read",
    );
    assert.equal(await budgets.get(subject, 1), undefined);
  });

  it("conflict where the time to live has removed what was read", async () => {
    const subject = randomUUID();
    const was = await budgets.put(subject, 0, undefined, { grants });
    assert.ok(was !== "conflict");
    await documentOf(subject).delete();
    assert.ok((await budgets.put(subject, 0, was, { grants })) === "conflict");
  });

  it("hold grants and the time when the last one ends, and never the subject", async () => {
    const subject = `203.0.113.7 ${randomUUID()}`;
    const later = { until: Date.parse("2026-01-02T03:06:00Z"), tokens: 1 };
    await budgets.put(subject, 0, undefined, { grants: [later, ...grants] });
    const { expires_at, ...rest } = (await documentOf(subject).get()).data() ?? {};
    assert.equal(expires_at.toMillis(), later.until);
    assert.deepEqual(rest, { grants: [later, ...grants] });
  });

  it("let five a minute through on two instances, never six", async () => {
    // With twenty times the limiter's patience, for machines with other things to do.
    const clock = movedClock(20);
    const subject = randomUUID();
    const other = openFirestore(PROJECT);
    // The first call of a client opens its connection.
    await Promise.all([db(), other].map((client) => client.doc("budgets/none").get()));
    const limiters = [db(), other].map((client) => new Limiter({ ...clock, budgets: createBudgets(client) }));
    const served: number[] = [];
    const ask = async (i: number): Promise<void> => {
      const { admitted } = await (limiters[i % 2] as Limiter).admit(subject, SANDBOX);
      if (admitted) served.push(clock.now().getTime());
    };
    await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i)));
    for (let i = 0; i < 3000; i += 2) {
      clock.advance(200);
      await Promise.all([ask(i), ask(i + 1)]);
    }
    assert.deepEqual(clock.logged, []);
    assert.equal(mostInAWindow(served, 60_000), 5);
    assert.ok(served.length >= 24, `${served.length} were let through`);
  });

  for (const mode of ["hang", "refuse"] as const) {
    it(`are kept by the instance alone while Firestore does ${mode}`, async () => {
      const emulator = process.env["FIRESTORE_EMULATOR_HOST"];
      const gate = await Gate.before(emulator ?? "");
      process.env["FIRESTORE_EMULATOR_HOST"] = gate.host;
      const client = openFirestore(PROJECT);
      process.env["FIRESTORE_EMULATOR_HOST"] = emulator;
      const clock = movedClock();
      const subject = randomUUID();
      try {
        const limiter = new Limiter({ ...clock, budgets: createBudgets(client) });
        await limiter.admit(randomUUID(), SANDBOX);
        await gate.turn(mode);
        const verdicts = await Promise.all(Array.from({ length: 7 }, () => limiter.admit(subject, SANDBOX)));
        assert.equal(verdicts.filter(({ admitted }) => admitted).length, 5);
        assert.equal(clock.logged.length, 1);
      } finally {
        await gate.stop();
        // It waits for what hangs.
        client.terminate().catch(() => undefined);
      }
    });
  }
});
