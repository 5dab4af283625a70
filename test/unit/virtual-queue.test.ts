import assert from "node:assert/strict";
import type { AttemptTask } from "../../functions/src/domain/delivery/queue.ts";
import { deliverwebhook, retrywebhook } from "../../functions/src/index.ts";
import { newChance } from "../support/chance.ts";
import { virtualClock } from "../support/virtual-clock.ts";
import { RETRY, VirtualQueue } from "../support/virtual-queue.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const TASK: AttemptTask = { project_id: "p", webhook_id: "w", delivery_id: "d", attempt: 1 };

/** A virtual queue whose runs are kept, with the ms after the start at which they came. */
function newQueue(options: { fails?: number; duplicates?: number; lateness?: number; seed?: number } = {}) {
  const { fails = 0, seed = 1, ...rest } = options;
  const clock = virtualClock();
  const start = clock.now().getTime();
  const runs: { ms: number; id: string }[] = [];
  let left = fails;
  const queue = new VirtualQueue({
    clock,
    random: newChance(seed),
    duplicates: 0,
    lateness: 0,
    ...rest,
    run: async (_, { delivery_id }) => {
      runs.push({ ms: clock.now().getTime() - start, id: delivery_id });
      if (left-- > 0) throw new Error("a fault of ours");
    },
  });
  const put = (name: string, ms = 0) =>
    queue.enqueue("deliverwebhook", name, { ...TASK, delivery_id: name }, new Date(start + ms));
  return { clock, queue, runs, put, idle: () => clock.until(queue.idle()) };
}

describe("The virtual queue", () => {
  it("tries again as the deployment table says", () => {
    for (const { __endpoint } of [deliverwebhook, retrywebhook]) {
      const { retryConfig } = JSON.parse(JSON.stringify(__endpoint)).taskQueueTrigger;
      assert.deepEqual({ ...retryConfig, ...RETRY }, retryConfig);
    }
  });

  it("brings a task at its time, one whose time has passed at once", async () => {
    const { runs, put, idle } = newQueue();
    await put("later", 14 * DAY_MS);
    await put("soon", 5000);
    await put("now", -DAY_MS);
    await idle();
    assert.deepEqual(runs, [
      { ms: 0, id: "now" },
      { ms: 5000, id: "soon" },
      { ms: 14 * DAY_MS, id: "later" },
    ]);
  });

  it("brings a task late and those that are due in any order, but never early", async () => {
    const orders = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const { runs, put, idle } = newQueue({ lateness: 1000, seed });
      for (const name of ["a", "b", "c"]) await put(name, 5000);
      await idle();
      for (const { ms } of runs) assert.ok(ms >= 5000 && ms <= 6000);
      orders.add(runs.map(({ id }) => id).join(""));
    }
    assert.equal(orders.size, 6);
  });

  it("gives its function a copy of what was enqueued", async () => {
    const clock = virtualClock();
    const given: AttemptTask[] = [];
    const run = async (_: string, task: AttemptTask) => void given.push(task);
    const queue = new VirtualQueue({ clock, random: newChance(1), run });
    const task = { ...TASK };
    await queue.enqueue("retrywebhook", "1", task, clock.now());
    task.attempt = 2;
    await clock.until(queue.idle());
    assert.deepEqual(given, [TASK]);
  });

  it("takes a name once while it waits, and not for an hour after it was run", async () => {
    const { clock, queue, runs, put, idle } = newQueue();
    await put("1", 5000);
    await put("1", 0);
    await idle();
    await clock.until(clock.sleep(59 * MINUTE_MS));
    await put("1");
    await idle();
    assert.deepEqual(runs, [{ ms: 5000, id: "1" }]);
    await clock.until(clock.sleep(MINUTE_MS));
    await put("1");
    await idle();
    assert.equal(runs.length, 2);
    assert.equal(queue.counts.known, 2);
  });

  it("has a name of one queue free in the other", async () => {
    const { clock, queue, runs, put, idle } = newQueue();
    await put("1");
    await queue.enqueue("retrywebhook", "1", TASK, clock.now());
    await idle();
    assert.equal(runs.length, 2);
  });

  it("forgets deleted tasks, but not their names", async () => {
    const { queue, runs, put, idle } = newQueue();
    await put("1", 5000);
    queue.purge();
    assert.equal(queue.size, 0);
    await put("1");
    await put("2");
    await idle();
    assert.deepEqual(runs, [{ ms: 0, id: "2" }]);
  });

  it("leaves to the sweeper what is due beyond the horizon", async () => {
    const { queue, runs, put, idle } = newQueue();
    await put("1", 29 * DAY_MS + 1);
    await idle();
    assert.deepEqual(runs, []);
    assert.equal(queue.counts.beyond, 1);
    await put("1", 29 * DAY_MS);
    await idle();
    assert.equal(runs.length, 1);
  });

  it("runs what rejects again, later each time", async () => {
    const { queue, runs, put, idle } = newQueue({ fails: 3 });
    await put("1");
    await idle();
    assert.deepEqual(
      runs.map(({ ms }) => ms),
      [0, 5_000, 15_000, 35_000],
    );
    assert.equal(queue.counts.dropped, 0);
  });

  it("drops what rejects five times", async () => {
    const { queue, runs, put, idle } = newQueue({ fails: 9 });
    await put("1");
    await idle();
    assert.equal(runs.length, 5);
    assert.equal(queue.counts.dropped, 1);
  });

  it("runs some tasks twice, the same ones for the same seed", async () => {
    const twice = async (seed: number) => {
      const { queue, runs, put, idle } = newQueue({ duplicates: 0.1, lateness: 1000, seed });
      for (let i = 0; i < 1000; i++) await put(`${i}`);
      await idle();
      assert.equal(runs.length, 1000 + queue.counts.duplicates);
      assert.ok(queue.counts.duplicates > 60 && queue.counts.duplicates < 150);
      return runs;
    };
    assert.deepEqual(await twice(7), await twice(7));
  });

  it("is unavailable while it is down", async () => {
    const { queue, put } = newQueue();
    queue.isDown = true;
    await assert.rejects(put("1"), { code: "unavailable" });
    queue.isDown = false;
    await put("1");
    assert.equal(queue.size, 1);
  });

  it("takes a second for two weeks of 10,000 tasks", async () => {
    const { clock, queue, runs, put, idle } = newQueue({ lateness: 1000 });
    for (let i = 0; i < 10_000; i++) await put(`${i}`, (i * 14 * DAY_MS) / 10_000);
    const start = clock.now().getTime();
    await idle();
    assert.equal(runs.length, 10_000);
    assert.ok(clock.now().getTime() - start > 13.9 * DAY_MS);
    assert.equal(queue.size, 0);
  });
});
