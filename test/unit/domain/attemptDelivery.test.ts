import assert from "node:assert/strict";
import { attemptDelivery } from "../../../functions/src/domain/delivery/attemptDelivery.ts";
import { recoverDeliveries } from "../../../functions/src/domain/delivery/recoverDeliveries.ts";
import { retryDelivery } from "../../../functions/src/domain/delivery/retryDelivery.ts";
import { DELAYS_MS, JITTERS } from "../../../functions/src/domain/delivery/schedule.ts";
import { deleteWebhook } from "../../../functions/src/domain/webhook/deleteWebhook.ts";
import { testWebhook } from "../../../functions/src/domain/webhook/testWebhook.ts";
import { updateWebhook } from "../../../functions/src/domain/webhook/updateWebhook.ts";
import { type Answer, deliveryWorld, status } from "../../support/deliveries.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type World = ReturnType<typeof deliveryWorld>;

/** An event of a project with one subscription, dispatched. */
async function begin(options: Parameters<typeof deliveryWorld>[0] = {}) {
  const world = deliveryWorld(options);
  await world.subscribe();
  const event = await world.happen();
  await world.clock.until(world.soon(event));
  return { ...world, event };
}

const failing = (): Answer => status(500);

/** How long after the one before each attempt was made, ms. */
const gaps = ({ received }: World): number[] =>
  received.map(({ at }, index) => Number(at) - Number(received[index - 1]?.at ?? at));

async function retry(world: World) {
  const { value: webhook } = await world.webhook();
  const place = { project_id: "p", webhook_id: webhook.id };
  const stored = await world.ctx.deliveries.get(place, (await world.delivery()).id);
  assert.ok(stored);
  return world.clock.until(retryDelivery(world.ctx, { webhook, delivery: stored }));
}

async function update(world: World, fields: Parameters<typeof updateWebhook>[1]["fields"]) {
  return world.clock.until(updateWebhook(world.ctx, { webhook: await world.webhook(), fields }));
}

describe("A delivery", () => {
  it("arrives, and is over", async () => {
    const world = await begin();
    await world.pass(MINUTE);
    const { status: is, attempt_count, next_attempt_at, error, last_status_code } = await world.delivery();
    assert.deepEqual(
      { is, attempt_count, next_attempt_at, error, last_status_code },
      { is: "success", attempt_count: 1, next_attempt_at: null, error: null, last_status_code: 200 },
    );
    assert.deepEqual(
      world.received.map(({ body }) => body),
      [world.event.body],
    );
  });

  it("makes 20 attempts, where the schedule says within its jitter, the last before 14 days are over", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = await begin({ seed, answer: failing, lateness: 0 });
      await world.pass(15 * DAY);
      assert.equal(world.received.length, 20);
      for (const [index, gap] of gaps(world).entries()) {
        const base = DELAYS_MS[index] as number;
        const share = JITTERS.find(({ up_to_ms }) => base <= up_to_ms)?.share ?? 0;
        // The attempt before took 20 ms.
        assert.ok(
          gap >= base * (1 - share) && gap <= base * (1 + share) + 100,
          `attempt ${index + 1}: ${gap}`,
        );
      }
      const { created_at, status: is, attempt_count, next_attempt_at, error } = await world.delivery();
      assert.ok(Number(world.received.at(-1)?.at) <= Number(created_at) + 14 * DAY);
      assert.deepEqual(
        { is, attempt_count, next_attempt_at, error },
        { is: "failed", attempt_count: 20, next_attempt_at: null, error: "http_error" },
      );
      assert.equal(
        (await world.webhook()).value.enabled,
        true,
        "failing for less than 14 days disables nothing",
      );
    }
  });

  it("makes what would come after 14 days at their end, as the last", async () => {
    const world = await begin({ answer: () => status(500, { retry_after: "99999999" }) });
    await world.pass(20 * DAY);
    const last = world.received.at(-1);
    const { created_at, status: is } = await world.delivery();
    assert.equal(is, "failed");
    assert.ok(Number(last?.at) <= Number(created_at) + 14 * DAY);
    assert.ok(Number(last?.at) > Number(created_at) + 14 * DAY - 60 * SECOND, "at their end");
  });

  const asked: [what: string, retry_after: string | null, least: number, most: number][] = [
    ["seconds within twice the delay", "7", 7 * SECOND, 7.1 * SECOND],
    ["too few seconds", "1", 4 * SECOND, 6.1 * SECOND],
    ["too many seconds", "86400", 10 * SECOND, 10.1 * SECOND],
    ["garbage", "soon", 4 * SECOND, 6.1 * SECOND],
    [
      "a date",
      new Date(Date.parse("2026-01-02T03:04:05Z") + 9 * SECOND).toUTCString(),
      8 * SECOND,
      10.1 * SECOND,
    ],
    ["a date that is past", "Thu, 01 Jan 2026 00:00:00 GMT", 4 * SECOND, 6.1 * SECOND],
    ["a date far ahead", "Fri, 01 Jan 2027 00:00:00 GMT", 10 * SECOND, 10.1 * SECOND],
  ];
  for (const [what, retry_after, least, most] of asked) {
    it(`minds a Retry-After of ${what}`, async () => {
      const world = await begin({ answer: () => status(503, { retry_after }) });
      await world.pass(30 * SECOND);
      const gap = gaps(world)[1] ?? 0;
      assert.ok(gap >= least && gap <= most, `${gap} ms`);
    });
  }

  it("keeps its schedule when it is retried by hand", async () => {
    const world = await begin({ answer: failing });
    await world.pass(MINUTE);
    const before = await world.delivery();
    assert.equal(before.attempt_count, 2);
    const answered = await retry(world);
    assert.deepEqual([answered.status, answered.next_attempt_at], ["pending", before.next_attempt_at]);
    await world.pass(5 * SECOND);
    const after = await world.delivery();
    assert.deepEqual(
      [after.attempt_count, after.scheduled, after.next_attempt_at],
      [3, 2, before.next_attempt_at],
    );
    await world.pass(15 * DAY);
    assert.equal(world.received.length, 21, "20 of the schedule, one by hand");
  });

  it("ends where a retry by hand arrives", async () => {
    const world = await begin({ answer: (_, count) => status(count < 3 ? 500 : 200) });
    await world.pass(MINUTE);
    await retry(world);
    await world.pass(15 * DAY);
    assert.equal(world.received.length, 3);
    assert.equal((await world.delivery()).status, "success");
  });

  it("can be retried after it has failed for good, once", async () => {
    const world = await begin({ answer: failing });
    await world.pass(15 * DAY);
    assert.equal((await retry(world)).status, "pending");
    await world.pass(DAY);
    const { status: is, attempt_count } = await world.delivery();
    assert.deepEqual([is, attempt_count], ["failed", 21]);
  });

  it("stays arrived when it is sent again and fails", async () => {
    const world = await begin({ answer: (_, count) => status(count === 1 ? 200 : 500) });
    await world.pass(MINUTE);
    await retry(world);
    await world.pass(DAY);
    const { status: is, attempt_count, error } = await world.delivery();
    assert.deepEqual([is, attempt_count, error], ["success", 2, "http_error"]);
  });

  it("is made once more when it is retried while an attempt is under way", async () => {
    const world = await begin({ answer: () => status(500, { after_ms: 10 * SECOND }) });
    await world.pass(3 * SECOND);
    assert.equal((await world.delivery()).attempt_count, 0);
    await retry(world);
    await world.pass(20 * SECOND);
    const { attempt_count, scheduled } = await world.delivery();
    assert.deepEqual([attempt_count, scheduled], [2, 1]);
  });

  it("waits while its subscription is disabled, and goes on when it is enabled", async () => {
    const world = await begin({ answer: (_, count) => status(count < 3 ? 500 : 200) });
    await world.pass(MINUTE);
    await update(world, { enabled: false });
    await world.pass(DAY);
    const waiting = await world.delivery();
    assert.deepEqual([waiting.status, waiting.next_attempt_at, waiting.attempt_count], ["pending", null, 2]);
    await update(world, { enabled: true });
    await world.pass(5 * SECOND);
    const { status: is, attempt_count } = await world.delivery();
    assert.deepEqual([is, attempt_count], ["success", 3]);
    assert.deepEqual((await world.webhook()).value.chores, { resume: null, recover: null, remove: false });
  });

  it("goes on when its subscription is enabled just as it begins to wait", async () => {
    const world = await begin({ answer: (_, count) => status(count < 2 ? 500 : 200) });
    await world.pass(2 * SECOND);
    await update(world, { enabled: false });
    const { webhooks } = world.ctx;
    const { get } = webhooks;
    webhooks.get = async (project_id, id) => {
      const disabled = await get(project_id, id);
      assert.equal(disabled?.value.enabled, false);
      webhooks.get = get;
      // Nothing waits yet: nothing is there to go on.
      await updateWebhook(world.ctx, { webhook: disabled, fields: { enabled: true } });
      return disabled;
    };
    await world.pass(10 * SECOND);
    const { status: is, attempt_count } = await world.delivery();
    assert.deepEqual([is, attempt_count], ["success", 2]);
  });

  it("has failed when its subscription is not enabled in 14 days", async () => {
    const world = await begin({ answer: failing });
    await world.pass(MINUTE);
    await update(world, { enabled: false });
    world.startSweeper();
    await world.pass(13.9 * DAY);
    assert.equal((await world.delivery()).status, "pending");
    await world.pass(0.2 * DAY);
    const { status: is, attempt_count, error } = await world.delivery();
    assert.deepEqual([is, attempt_count, error], ["failed", 2, "http_error"]);
  });

  it("has failed from the beginning while its subscription is disabled, and can be recovered", async () => {
    const world = deliveryWorld();
    const { webhook } = await world.subscribe({ enabled: false });
    const event = await world.happen();
    await world.clock.until(world.soon(event));
    const { status: is, attempt_count, error } = await world.delivery();
    assert.deepEqual([is, attempt_count, error], ["failed", 0, "subscription_disabled"]);
    await update(world, { enabled: true });
    await world.pass(HOUR);
    assert.equal(world.received.length, 0);
    const since = new Date(Number(world.clock.now()) - 2 * HOUR);
    const stored = await world.ctx.webhooks.get("p", webhook.id);
    assert.ok(stored);
    assert.deepEqual(await world.clock.until(recoverDeliveries(world.ctx, { webhook: stored, since })), {
      deliveries: 1,
    });
    await world.pass(5 * SECOND);
    assert.equal((await world.delivery()).status, "success");
    assert.equal(world.received.length, 1);
  });

  it("begins its schedule anew when it is recovered", async () => {
    const world = await begin({ answer: (_, count) => status(count < 23 ? 500 : 200) });
    await world.pass(13.5 * DAY);
    assert.equal((await world.delivery()).status, "failed");
    const since = new Date(Number(world.clock.now()) - 14 * DAY);
    await world.clock.until(recoverDeliveries(world.ctx, { webhook: await world.webhook(), since }));
    await world.pass(7 * MINUTE);
    const { status: is, attempt_count } = await world.delivery();
    assert.deepEqual([is, attempt_count], ["success", 23]);
  });

  it("stops when its subscription is deleted in the middle of an attempt", async () => {
    const world = await begin({ answer: () => status(500, { after_ms: 10 * SECOND }) });
    await world.pass(3 * SECOND);
    await world.clock.until(deleteWebhook(world.ctx, { webhook: await world.webhook() }));
    await world.pass(DAY);
    assert.equal(world.received.length, 1);
    for (const name of ["webhooks", "slots", "deliveries", "attempts"] as const) {
      assert.equal(world.shelves[name].stored.size, 0, name);
    }
  });

  it("is not lost with the tasks of the queue, nor by a queue that is down", async () => {
    const world = await begin({ answer: (_, count) => status(count < 4 ? 500 : 200) });
    world.startSweeper();
    await world.pass(2 * SECOND);
    world.queue.purge();
    await world.pass(10 * MINUTE);
    assert.ok(world.received.length >= 2);
    world.queue.isDown = true;
    await world.pass(HOUR);
    world.queue.isDown = false;
    await world.pass(HOUR);
    const { status: is, attempt_count } = await world.delivery();
    assert.deepEqual([is, attempt_count], ["success", 4]);
  });

  it("is not lost where a queue takes nothing that is due later, as beyond its horizon", async () => {
    const world = deliveryWorld({ answer: (_, count) => status(count < 6 ? 500 : 200) });
    const { queue } = world;
    let left = 0;
    world.ctx.queue = {
      async enqueue(name, id, task, at) {
        if (Number(at) > Number(world.clock.now()) + 2 * SECOND) left++;
        else await queue.enqueue(name, id, task, at);
      },
    } as typeof queue;
    world.startSweeper();
    await world.subscribe();
    await world.clock.until(world.soon(await world.happen()));
    await world.pass(DAY);
    assert.ok(left >= 5);
    assert.equal((await world.delivery()).status, "success");
    // The sweeper waits for 5 minutes, and comes every 5 minutes: that much later, and no sooner.
    for (const [index, gap] of gaps(world).entries()) {
      const base = DELAYS_MS[index] as number;
      assert.ok(gap >= base * 0.8 && gap <= base * 1.2 + 11 * MINUTE, `attempt ${index + 1}: ${gap}`);
    }
  });

  it("gets no task after the other where the queue is slow", async () => {
    const world = await begin();
    world.startSweeper();
    const enqueued: Date[] = [];
    // Nothing that is enqueued ever comes.
    world.queue.purge();
    world.ctx.queue = {
      enqueue: async () => void enqueued.push(world.clock.now()),
    } as unknown as typeof world.queue;
    for (let minute = 0; minute < 60; minute++) {
      await world.pass(MINUTE);
      await world.clock.until(world.sweep());
    }
    assert.ok(enqueued.length >= 5 && enqueued.length <= 12, `${enqueued.length} tasks in an hour`);
  });

  it("is not lost when the name of its task is used up", async () => {
    const world = await begin({ answer: (_, count) => status(count < 3 ? 500 : 200) });
    await world.pass(2 * SECOND);
    // The second attempt's task runs, and dies each time: its name is used up, its time is long past.
    const { deliveries } = world.ctx;
    const { get } = deliveries;
    deliveries.get = () => Promise.reject(new Error("down"));
    await world.pass(20 * MINUTE);
    deliveries.get = get;
    assert.equal(world.received.length, 1);
    assert.ok(world.queue.counts.dropped > 0);
    world.startSweeper();
    await world.pass(20 * MINUTE);
    assert.equal((await world.delivery()).status, "success");
  });

  it("is made once however often its tasks come, and in whatever order", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = await begin({
        ...{ seed, duplicates: 1, lateness: 30 * SECOND },
        answer: (_, count) => status(count < 5 ? 500 : 200),
      });
      world.startSweeper();
      await world.pass(DAY);
      const { status: is, attempt_count } = await world.delivery();
      assert.deepEqual([is, attempt_count, world.received.length], ["success", 5, 5]);
      assert.ok(world.queue.counts.duplicates >= 5);
    }
  });

  it("is sent again when whoever attempted it has died, after its lease", async () => {
    const world = await begin();
    // Before its task runs, somebody takes a lease and is never heard of again.
    const [stored] = world.shelves.deliveries.stored.values();
    assert.ok(stored);
    const lease = { id: "dead", until: new Date(Number(world.clock.now()) + MINUTE), manual: false };
    await world.ctx.commit([world.ctx.deliveries.replace(stored, { ...stored.value, lease })]);
    world.startSweeper();
    await world.pass(30 * SECOND);
    assert.equal(world.received.length, 0);
    await world.pass(11 * MINUTE);
    assert.equal(world.received.length, 1);
    assert.equal((await world.delivery()).status, "success");
  });

  it("ignores a task that is out of date, early, or of nothing", async () => {
    const world = await begin({ answer: failing });
    await world.pass(MINUTE);
    const { id, webhook_id } = await world.delivery();
    const task = { project_id: "p", webhook_id, delivery_id: id };
    for (const attempt of [1, 2, 3, 4])
      await world.clock.until(attemptDelivery(world.ctx, { ...task, attempt }));
    await world.clock.until(attemptDelivery(world.ctx, { ...task, delivery_id: "x", attempt: 1 }));
    assert.equal(world.received.length, 2);
  });
});

describe("A subscription", () => {
  it("is disabled by 410 at once: what is under way waits, and an event tells of it", async () => {
    const world = await begin({ answer: () => status(410) });
    await world.pass(HOUR);
    const { value } = await world.webhook();
    assert.deepEqual([value.enabled, value.disabled_reason], [false, "gone"]);
    const { status: is, next_attempt_at } = await world.delivery();
    assert.deepEqual([is, next_attempt_at], ["pending", null]);
    const events = (await world.shelves.events.all()).filter(({ id }) => id !== world.event.id);
    assert.deepEqual(
      events.map(({ body, dispatched_at }) => [JSON.parse(body).data, dispatched_at !== null]),
      [
        [
          {
            event_type: "webhook.disabled",
            webhook_id: value.id,
            reason: "gone",
            disabled_at: value.updated_at.toISOString(),
          },
          true,
        ],
      ],
    );
  });

  it("is disabled by three destinations in a row that are not allowed, not by two", async () => {
    const blocked: Answer = { status_code: null, response_body: null, error: "destination_not_allowed" };
    const world = await begin({ answer: (_, count) => (count === 3 ? status(500) : blocked) });
    await world.pass(30 * MINUTE);
    assert.equal((await world.webhook()).value.enabled, true);
    await world.pass(DAY);
    const { value } = await world.webhook();
    assert.deepEqual([value.disabled_reason, world.received.length], ["destination_not_allowed", 6]);
  });

  it("is disabled after 14 days without a success, never sooner", async () => {
    const world = await begin({ answer: failing });
    const started = Number(world.clock.now());
    for (let day = 0; day < 13; day++) {
      await world.pass(DAY);
      await world.clock.until(world.soon(await world.happen()));
    }
    assert.equal((await world.webhook()).value.enabled, true);
    await world.pass(3 * DAY);
    const { value } = await world.webhook();
    assert.equal(value.disabled_reason, "failing");
    assert.ok(Number(value.updated_at) >= started + 14 * DAY);
    assert.ok(Number(value.updated_at) <= started + 15.2 * DAY);
  });

  it("is not disabled for failing when it does well now and then, however seldom it is written", async () => {
    const world = await begin({ answer: (_, count) => status(count % 7 === 0 ? 200 : 500) });
    for (let day = 0; day < 40; day++) {
      await world.pass(DAY);
      await world.clock.until(world.soon(await world.happen()));
    }
    assert.equal((await world.webhook()).value.enabled, true);
  });

  it("is written for its health at most twice a minute", async () => {
    const world = deliveryWorld({ answer: (_, count) => status(count % 2 === 0 ? 200 : 500) });
    await world.subscribe();
    let writes = 0;
    const { replace } = world.ctx.webhooks;
    world.ctx.webhooks.replace = (was, now) => {
      writes++;
      return replace(was, now);
    };
    for (let second = 0; second < 120; second++) {
      await world.clock.until(world.soon(await world.happen()));
      await world.pass(SECOND);
    }
    assert.ok(world.received.length > 120);
    assert.ok(writes <= 6, `${writes} writes in two minutes`);
  });

  it("is not judged by tests, nor by what is sent again", async () => {
    const world = await begin({ answer: (_, count) => status(count === 1 ? 200 : 410) });
    await world.pass(MINUTE);
    await world.clock.until(testWebhook(world.ctx, { webhook: (await world.webhook()).value }));
    await world.pass(MINUTE);
    assert.ok(world.received.length >= 3);
    assert.equal((await world.webhook()).value.enabled, true);
  });

  it("does not put off others' attempts when it hangs, and gets at most 10 at once", async () => {
    let open = 0;
    let most = 0;
    const world = deliveryWorld({
      answer: () => status(500, { after_ms: 20 * SECOND, error: "timeout", status_code: null }),
    });
    const { post } = world.ctx.outbound;
    world.ctx.outbound.post = async (request) => {
      most = Math.max(most, ++open);
      return post(request).finally(() => open--);
    };
    await world.subscribe();
    for (let count = 0; count < 60; count++) await world.clock.until(world.soon(await world.happen()));
    await world.pass(30 * MINUTE);
    assert.equal(most, 10);
    // The breaker: 70 % of at least 10 in five minutes, and then hardly any.
    assert.ok(world.received.length < 110, `${world.received.length} attempts in half an hour`);
    const counts = (await world.deliveries()).map(({ attempt_count }) => attempt_count);
    assert.ok(counts.every((count) => count <= 4));
  });

  it("gets what was put off once it is well again, and no attempt was spent on that", async () => {
    let well = false;
    const world = deliveryWorld({ answer: () => status(well ? 200 : 500) });
    await world.subscribe();
    for (let count = 0; count < 40; count++) await world.clock.until(world.soon(await world.happen()));
    await world.pass(10 * MINUTE);
    well = true;
    await world.pass(2 * HOUR);
    const all = await world.deliveries();
    assert.deepEqual([...new Set(all.map(({ status: is }) => is))], ["success"]);
    const spent = all.reduce((sum, { attempt_count }) => sum + attempt_count, 0);
    assert.equal(spent, world.received.length);
  });
});
