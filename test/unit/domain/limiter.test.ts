import assert from "node:assert/strict";
import * as fc from "fast-check";
import { bursts, mostInAWindow, simulate, steady } from "../../../bench/ratelimit/simulate.ts";
import type { Policy } from "../../../functions/src/domain/budget/budget.ts";
import { Limiter, type Verdict } from "../../../functions/src/domain/budget/limiter.ts";
import { MemoryBudgets } from "../../support/budgets.ts";
import { POLICIES } from "../../support/limits.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const { sandbox: SANDBOX, enterprise: ENTERPRISE } = POLICIES;
const LEASED: Policy = { name: "leased", limit: 600, window_ms: 60_000, shards: 1, lease_ms: 1000 };
const SUBJECT = "203.0.113.7";

/** Instances that share a store of budgets, on simulated time. */
function newWorld({ instances = 1, seed = 1 } = {}) {
  const clock = virtualClock({ seed });
  const budgets = new MemoryBudgets(clock);
  const limiters = Array.from({ length: instances }, () => new Limiter({ ...clock, budgets }));
  const served: number[] = [];
  const now = () => clock.now().getTime();
  const admit = async (policy: Policy | (() => Promise<Policy>), on = 0): Promise<Verdict> => {
    const verdict = await (limiters[on] as Limiter).admit(SUBJECT, policy);
    if (verdict.admitted) served.push(now());
    return verdict;
  };
  return {
    clock,
    budgets,
    limiter: limiters[0] as Limiter,
    served,
    now,
    admit,
    /** So many requests at once. */
    admitMany: (count: number, policy: Policy | (() => Promise<Policy>), on = 0) =>
      Promise.all(Array.from({ length: count }, () => admit(policy, on))),
    /** What a story of sleeps and requests comes to. */
    play: <T>(story: () => Promise<T>): Promise<T> => clock.until(story()),
  };
}

const countAdmitted = (verdicts: readonly Verdict[]) => verdicts.filter(({ admitted }) => admitted).length;

describe("The limiter", () => {
  it("lets five a minute through on two instances, never six, and hardly ever less", async () => {
    const { clock, play, admit, served } = newWorld({ instances: 2 });
    await play(async () => {
      const answers = Array.from({ length: 100 }, (_, i) => admit(SANDBOX, i % 2));
      for (let i = 0; i < 3000; i++) {
        await clock.sleep(100);
        answers.push(admit(SANDBOX, i % 2));
      }
      await Promise.all(answers);
    });
    assert.equal(mostInAWindow(served, 60_000), 5);
    assert.ok(served.length >= 24, `${served.length} were let through`);
  });

  it("never lets through more than the limit, whatever comes, where, when and how slowly", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.integer({ min: 1, max: 30 }),
          shards: fc.integer({ min: 1, max: 4 }),
          lease_ms: fc.constantFrom(0, 100, 1000),
          instances: fc.integer({ min: 1, max: 4 }),
          latency: fc.integer({ min: 0, max: 200 }),
          seed: fc.integer(),
          gaps: fc.array(fc.oneof(fc.nat(30), fc.nat(3000)), { minLength: 1, maxLength: 150 }),
        }),
        async ({ limit, shards, lease_ms, instances, latency, seed, gaps }) => {
          const policy = { name: "any", limit, shards, lease_ms, window_ms: 5000 };
          const clock = virtualClock({ seed });
          const budgets = new MemoryBudgets(clock, () => latency * clock.random());
          const limiters = Array.from({ length: instances }, () => new Limiter({ ...clock, budgets }));
          const served: number[] = [];
          const ask = async (limiter: Limiter) => {
            try {
              const { admitted } = await limiter.admit("x", async () => policy);
              if (admitted) served.push(clock.now().getTime());
            } catch (error) {
              assert.equal((error as { code?: unknown }).code, "unavailable");
            }
          };
          const story = async () => {
            const answers: Promise<void>[] = [];
            for (const gap of gaps) {
              await clock.sleep(gap);
              answers.push(ask(limiters[Math.floor(clock.random() * instances)] as Limiter));
            }
            await Promise.all(answers);
          };
          await clock.until(story());
          // Who limits alone for want of an answer in time is held to the limit alone.
          const most = clock.logged.length > 0 ? instances * limit : limit;
          assert.ok(mostInAWindow(served, 5000) <= most);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("tells what is left, and to the second when there is more", async () => {
    const { clock, play, admit, admitMany, now } = newWorld();
    await play(async () => {
      const started = now();
      const two = await admitMany(2, SANDBOX);
      assert.deepEqual(two[1], {
        admitted: true,
        policy: SANDBOX,
        remaining: 3,
        reset_s: 60,
        retry_after_s: 0,
      });
      await clock.sleep(10_000);
      assert.deepEqual(
        (await admitMany(3, SANDBOX)).map(({ remaining }) => remaining),
        [2, 1, 0],
      );
      const refusal = await admit(SANDBOX);
      const wait = refusal.retry_after_s;
      assert.deepEqual(refusal, {
        admitted: false,
        policy: SANDBOX,
        remaining: 0,
        reset_s: wait,
        retry_after_s: wait,
      });
      assert.equal(wait, 51);
      // The first two were taken within 30 ms of the start.
      await clock.sleep(started + 60_250 - now());
      assert.equal((await admit(SANDBOX)).admitted, false);
      await clock.sleep(30);
      assert.equal(countAdmitted(await admitMany(5, SANDBOX)), 2);
    });
  });

  it("refuses without a question what it knows to be exhausted", async () => {
    const { limiter, play, admitMany, budgets } = newWorld();
    await play(() => admitMany(5, SANDBOX));
    const before = budgets.operations;
    const verdict = limiter.admit(SUBJECT, SANDBOX);
    assert.ok(!(verdict instanceof Promise) && !verdict.admitted);
    assert.equal(budgets.operations, before);
  });

  it("reads once and writes once for a hundred at once, and only writes the next time", async () => {
    const { play, admitMany, admit, budgets } = newWorld();
    const policy = { ...SANDBOX, limit: 200 };
    await play(async () => {
      assert.equal(countAdmitted(await admitMany(100, policy)), 100);
      assert.deepEqual([budgets.gets, budgets.puts], [1, 1]);
      await admit(policy);
      assert.deepEqual([budgets.gets, budgets.puts], [1, 2]);
    });
  });

  it("reads first, for a window, where another instance writes as well", async () => {
    const { play, admit, budgets, clock } = newWorld({ instances: 2 });
    const policy = { ...SANDBOX, limit: 200 };
    await play(async () => {
      for (const on of [0, 1, 0]) await admit(policy, on);
      assert.deepEqual([budgets.gets, budgets.puts], [3, 4], "a conflict");
      for (const on of [1, 0]) await admit(policy, on);
      assert.deepEqual([budgets.gets, budgets.puts], [5, 7], "the other's conflict, then a read first");
      await clock.sleep(61_000);
      await admit(policy, 0);
      await admit(policy, 0);
      assert.deepEqual([budgets.gets, budgets.puts], [6, 9]);
    });
  });

  describe("with a lease", () => {
    /** Twenty a second. */
    const warmUp = async ({ clock, admit }: ReturnType<typeof newWorld>) => {
      for (let i = 0; i < 20; i++) {
        await admit(LEASED);
        await clock.sleep(30);
      }
    };

    it("decides from memory on what it has taken ahead, which is about the demand of one lease", async () => {
      const world = newWorld();
      await world.play(() => warmUp(world));
      assert.ok(world.budgets.operations <= 9, `${world.budgets.operations} operations`);
      const ahead = world.budgets.peek(SUBJECT)?.grants.reduce((sum, { tokens }) => sum + tokens, 0) ?? 0;
      assert.ok(ahead >= 20 && ahead <= 40, `${ahead} tokens`);
    });

    it("gives back what it has not used, in its next write", async () => {
      const world = newWorld();
      await world.play(async () => {
        await warmUp(world);
        await world.clock.sleep(2000);
        await world.admit(LEASED);
      });
      const { grants } = world.budgets.peek(SUBJECT) ?? { grants: [] };
      assert.equal(
        grants.reduce((sum, { tokens }) => sum + tokens, 0),
        world.served.length,
      );
    });

    it("takes nothing ahead for single requests", async () => {
      const { play, admit, clock, budgets } = newWorld();
      await play(async () => {
        for (let i = 0; i < 3; i++) {
          await admit(LEASED);
          await clock.sleep(2000);
        }
      });
      assert.deepEqual(
        budgets.peek(SUBJECT)?.grants.map(({ tokens }) => tokens),
        [1, 1, 1],
      );
    });
  });

  it("goes on where its document has been removed", async () => {
    const { play, admit, budgets } = newWorld();
    await play(async () => {
      await admit(SANDBOX);
      budgets.remove(SUBJECT);
      assert.ok((await admit(SANDBOX)).admitted);
    });
    assert.deepEqual([budgets.gets, budgets.puts], [2, 3]);
  });

  it("asks for the policy beside the first read, and again after a minute", async () => {
    const { play, admit, clock, now } = newWorld();
    let asked = 0;
    let limit = 5;
    const policy = async () => {
      asked += 1;
      await clock.sleep(20);
      return { ...SANDBOX, limit };
    };
    await play(async () => {
      const started = now();
      await admit(policy);
      assert.ok(now() - started <= 60, "one round of reads, one write");
      for (let i = 0; i < 4; i++) await admit(policy);
      assert.equal(asked, 1);
      assert.equal((await admit(policy)).admitted, false);
      limit = 7;
      await clock.sleep(61_000);
      assert.equal((await admit(policy)).policy?.limit, 7);
      assert.equal(asked, 2);
    });
  });

  it("is unavailable after three seconds of conflicts", async () => {
    const { play, clock, now } = newWorld();
    const budgets = {
      get: async () => undefined,
      put: async () => clock.sleep(10).then(() => "conflict" as const),
    };
    await play(async () => {
      const started = now();
      const answer = Promise.resolve(new Limiter({ ...clock, budgets }).admit(SUBJECT, SANDBOX));
      await assert.rejects(answer, { code: "unavailable" });
      assert.ok(now() - started <= 3100);
    });
    assert.deepEqual(clock.logged, []);
  });

  it("takes again what came too late to be used, instead of refusing for a minute", async () => {
    let latency = 900;
    const clock = virtualClock();
    const budgets = new MemoryBudgets(clock, () => latency);
    const limiter = new Limiter({ ...clock, budgets });
    const verdicts = await clock.until(
      Promise.all([
        ...Array.from({ length: 7 }, async () => limiter.admit(SUBJECT, SANDBOX)),
        clock.sleep(1500).then(() => {
          latency = 20;
        }),
      ]),
    );
    assert.equal(countAdmitted(verdicts.slice(0, 7) as Verdict[]), 5);
    assert.equal(
      budgets.peek(SUBJECT)?.grants.reduce((sum, { tokens }) => sum + tokens, 0),
      5,
    );
    assert.deepEqual(clock.logged, []);
  });

  it("does not take for ever where it is kept so busy that every take comes too late", async () => {
    const { clock, now, play } = newWorld();
    const budgets = new MemoryBudgets(clock, () => 900);
    // Its own sleeps are late, too: that is no outage.
    const busy = { ...clock, sleep: (ms: number) => clock.sleep(2 * ms) };
    const limiter = new Limiter({ ...busy, budgets });
    await play(async () => {
      const started = now();
      const crowd = await Promise.all(
        Array.from({ length: 200 }, async (_, n) => limiter.admit(String(n), POLICIES.terminal)),
      );
      assert.equal(countAdmitted(crowd), 200);
      assert.ok(now() - started < 3000, `${now() - started} ms`);
      // The read, a take too late, and one in time.
      assert.deepEqual([budgets.gets, budgets.puts], [200, 400]);
    });
    assert.deepEqual(clock.logged, []);
  });

  it("forgets the subject that has been away the longest, beyond ten thousand", async () => {
    const { limiter, play, budgets } = newWorld();
    const admit = async (subject: string) => limiter.admit(subject, { ...SANDBOX, limit: 1 });
    await play(async () => {
      await admit("first");
      await Promise.all(Array.from({ length: 9999 }, (_, i) => admit(String(i))));
      const before = budgets.operations;
      await admit("first");
      assert.equal(budgets.operations, before, "still known to be exhausted");
      await admit("one more");
      await admit("first");
      assert.equal(budgets.operations, before + 2);
      await admit("0");
      assert.equal(budgets.operations, before + 3, "has to be read");
    });
  });

  for (const mode of ["hang", "fail"] as const) {
    describe(`while the store ${mode}s`, () => {
      it("limits alone, in time, and says so once, but not of whom", async () => {
        const { play, admit, admitMany, budgets, clock, now } = newWorld();
        await play(async () => {
          await admit({ ...SANDBOX, limit: 50 });
          budgets.mode = mode;
          await clock.sleep(61_000);
          for (let i = 0; i < 20; i++) {
            const started = now();
            const verdicts = await admitMany(3, SANDBOX);
            assert.ok(now() - started <= 300, `${now() - started} ms`);
            assert.equal(countAdmitted(verdicts), [3, 2][i] ?? 0);
            await clock.sleep(300);
          }
        });
        assert.equal(clock.logged.length, 1);
        assert.match(
          clock.logged[0] ?? "",
          /^warn rate limits are kept by this instance alone .*"policy":"sandbox"/,
        );
        assert.ok(!clock.logged[0]?.includes(SUBJECT));
      });

      it("waits for its very first answer for two seconds, once", async () => {
        const { play, admit, budgets, clock, now } = newWorld();
        budgets.mode = mode;
        await play(async () => {
          for (const patience of mode === "hang" ? [2000, 250] : [0, 0]) {
            const started = now();
            assert.ok((await admit(SANDBOX)).admitted);
            assert.ok(
              now() - started <= patience + 50 && now() - started >= patience,
              `${now() - started} ms`,
            );
            await clock.sleep(1500);
          }
        });
      });

      it("lets no more through than the limit across the beginning and the end of it", async () => {
        const { play, admitMany, admit, budgets, clock, served } = newWorld();
        await play(async () => {
          await admitMany(3, SANDBOX);
          budgets.mode = mode;
          for (let i = 0; i < 20; i++) {
            await admit(SANDBOX);
            await clock.sleep(200);
          }
          assert.equal(served.length, 5);
          budgets.mode = "answer";
          for (let i = 0; i < 700; i++) {
            await admit(SANDBOX);
            await clock.sleep(200);
          }
        });
        assert.equal(mostInAWindow(served, 60_000), 5);
        assert.ok(served.length >= 14, `${served.length}`);
        const { grants } = budgets.peek(SUBJECT) ?? { grants: [] };
        assert.ok(grants.length > 0, "it asks the store again");
      });

      it("lets through whom it has no policy of", async () => {
        const { play, admit, budgets, clock, now } = newWorld();
        budgets.mode = mode;
        const policy = () => clock.sleep(10).then(() => Promise.reject(new Error("no")));
        await play(async () => {
          const started = now();
          const { admitted, policy: found } = await admit(policy);
          assert.deepEqual([admitted, found], [true, undefined]);
          assert.ok(now() - started <= 300);
        });
      });

      it("says so once, and again of the next outage", async () => {
        const { play, admit, budgets, clock } = newWorld();
        await play(async () => {
          for (const next of [mode, mode, "answer", mode] as const) {
            budgets.mode = next;
            await admit({ ...SANDBOX, limit: 50 });
            await clock.sleep(1500);
          }
        });
        assert.equal(clock.logged.length, 2);
      });
    });
  }

  describe("on many instances", () => {
    for (const instances of [1, 5, 20]) {
      for (const [scenario, arrivals] of Object.entries({
        over: steady(8000),
        bursts,
        under: steady(3000),
      })) {
        it(`is exact, and lets 95 % of the limit through: ${scenario}, ${instances}`, async () => {
          const run = await simulate({ policy: ENTERPRISE, instances, arrivals, minutes: 2.5 });
          assert.ok(run.most <= ENTERPRISE.limit, `${run.most} in a window`);
          assert.ok(run.full >= 0.95, `${run.full}`);
          if (scenario !== "bursts") assert.ok(run.least >= 0.95, `${run.least}`);
          if (scenario === "under") assert.equal(run.served, run.asked);
          assert.deepEqual(run.logged, []);
        });
      }
    }
  });
});
