import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createDeliveries } from "../../functions/src/data/deliveries.ts";
import { createEvents } from "../../functions/src/data/events.ts";
import { createCommit, openFirestore } from "../../functions/src/data/firestore.ts";
import { createWebhooks } from "../../functions/src/data/webhooks.ts";
import {
  type Attempt,
  type Delivery,
  MAX_ATTEMPTS_KEPT,
  RETENTION_MS,
} from "../../functions/src/domain/delivery/delivery.ts";
import { newDelivery } from "../../functions/src/domain/delivery/dispatchEvent.ts";
import { shardOf } from "../../functions/src/domain/delivery/shards.ts";
import { sweepExpired } from "../../functions/src/domain/delivery/sweepExpired.ts";
import { newEvent } from "../../functions/src/domain/event/event.ts";
import { RESPONSE_BYTES } from "../../functions/src/domain/webhook/outbound.ts";
import type { Webhook } from "../../functions/src/domain/webhook/webhook.ts";
import { NO_CHORES } from "../../functions/src/domain/webhook/webhook.ts";
import { type Deps, openDeps } from "../support/tenant.ts";

const MINUTE = 60_000;

describe("Deliveries in Firestore", () => {
  let deps: Deps;

  // A project that no trigger and no sweeper knows: they would take what waits or is due.
  const untouched = openFirestore("demo-palmgate-untouched");

  before(async () => {
    deps = {
      ...(await openDeps()),
      commit: createCommit(untouched),
      deliveries: createDeliveries(untouched),
      events: createEvents(untouched),
      webhooks: createWebhooks(untouched),
    };
  });
  after(() => untouched.terminate());

  const newWebhook = (fields: Partial<Webhook> = {}): Webhook => {
    const [id, project_id, at] = [randomUUID(), randomUUID(), new Date()];
    return {
      ...{ id, project_id, url: "https://receiver.example/", event_types: ["enrollment.completed"] },
      ...{ enabled: true, description: null, disabled_reason: null, old_secret: null, slot: 0 },
      secret: deps.secrets.seal({ id, project_id }, "whsec_x"),
      ...{ created_at: at, updated_at: at, last_success_at: null, first_failure_at: null, blocked: 0 },
      chores: NO_CHORES,
      ...fields,
    };
  };
  const eventOf = (project_id: string, at = new Date()) =>
    newEvent("webhook.test", { id: randomUUID(), project_id, at }, { test_id: randomUUID() });
  const deliveryOf = (webhook: Webhook, fields: Partial<Delivery> = {}): Delivery => ({
    ...newDelivery(deps, eventOf(webhook.project_id), webhook, new Date()),
    ...fields,
  });
  const placeOf = ({ project_id, id }: Webhook) => ({ project_id, webhook_id: id });
  const attemptsOf = async (delivery: Delivery): Promise<Attempt[]> => {
    const all: Attempt[] = [];
    for await (const batch of deps.deliveries.attempts(delivery)) all.push(...batch);
    return all;
  };
  const idsOf = (found: readonly { value: { id: string } }[]) => found.map(({ value }) => value.id);
  /** Those of this test alone: others are due everywhere. */
  const own = <T extends { value: { project_id: string } }>(webhook: Webhook, found: readonly T[]): T[] =>
    found.filter(({ value }) => value.project_id === webhook.project_id);

  it("are as they were when they are read again", async () => {
    const webhook = newWebhook();
    const delivery = deliveryOf(webhook, { lease: { id: "l", until: new Date(), manual: true } });
    await deps.commit([deps.webhooks.create(webhook), deps.deliveries.create(delivery)]);
    assert.deepEqual((await deps.deliveries.get(placeOf(webhook), delivery.id))?.value, delivery);
    const stored = await deps.webhooks.get(webhook.project_id, webhook.id);
    assert.deepEqual({ ...stored?.value, secret: null }, { ...webhook, secret: null });
    assert.equal(stored && deps.secrets.open(webhook, stored.value.secret), "whsec_x");
  });

  it("hold 100 attempts of the longest excerpts and URLs, and the longest body that is kept", async () => {
    const webhook = newWebhook();
    const attempt = {
      ...{ started_at: new Date(), duration_ms: 20_000, status_code: 500, response_truncated: true },
      ...{ error: "http_error" as const, url: `https://receiver.example/${"x".repeat(2023)}` },
    };
    const attempts = Array.from({ length: MAX_ATTEMPTS_KEPT }, (_, index) => ({
      ...attempt,
      attempt: index + 1,
      response_body: "𝄞".repeat(1024),
    }));
    const delivery = deliveryOf(webhook, { attempts, attempt_count: MAX_ATTEMPTS_KEPT });
    // What is no UTF-8 is three bytes for each that came.
    const whole = { ...attempt, attempt: 1, response_body: "\ufffd".repeat(RESPONSE_BYTES) };
    const outcome = await deps.commit([
      deps.deliveries.create(delivery),
      deps.deliveries.createAttempt(delivery, whole),
    ]);
    assert.equal(outcome, "committed");
    assert.deepEqual((await deps.deliveries.get(placeOf(webhook), delivery.id))?.value, delivery);
    assert.deepEqual(await attemptsOf(delivery), [whole]);
  });

  it("list their attempts oldest first, the tenth after the ninth", async () => {
    const delivery = deliveryOf(newWebhook());
    const attempts = Array.from({ length: 12 }, (_, index) => ({
      ...{ attempt: index + 1, started_at: new Date(), duration_ms: 1, status_code: 200, response_body: "" },
      ...{ response_truncated: false, error: null, url: "https://receiver.example/" },
    }));
    await deps.commit(attempts.map((attempt) => deps.deliveries.createAttempt(delivery, attempt)));
    assert.deepEqual(await attemptsOf(delivery), attempts);
  });

  it("are found when they are due, the longest due first, page by page, whatever their project", async () => {
    const webhook = newWebhook();
    const now = Date.now();
    const all = Array.from({ length: 40 }, (_, minutes) =>
      deliveryOf(webhook, { next_attempt_at: new Date(now - minutes * MINUTE) }),
    );
    const never = [
      deliveryOf(webhook, { status: "success", next_attempt_at: null }),
      deliveryOf(webhook, { status: "failed", next_attempt_at: null }),
      deliveryOf(webhook, { next_attempt_at: new Date(now + 5 * MINUTE) }),
      deliveryOf(webhook, { next_attempt_at: null, ends_at: new Date(now + 5 * MINUTE) }),
    ];
    const byHand = deliveryOf(webhook, {
      status: "success",
      next_attempt_at: null,
      manual_at: new Date(now - 1),
    });
    const over = deliveryOf(webhook, { next_attempt_at: null, ends_at: new Date(now - 1) });
    await deps.commit([...all, ...never, byHand, over].map((one) => deps.deliveries.create(one)));
    for (let shard = 0; shard < 16; shard++) {
      const found: Awaited<ReturnType<typeof deps.deliveries.due>> = [];
      for (;;) {
        const page = await deps.deliveries.due(shard, new Date(now), 2, found.at(-1));
        found.push(...page);
        if (page.length < 2) break;
      }
      const expected = [...all.toReversed(), byHand, over].filter(({ id }) => shardOf(id) === shard);
      const late = (id: string) => expected.findIndex((one) => one.id === id);
      const ids = idsOf(own(webhook, found));
      assert.deepEqual(ids.toSorted(), expected.map(({ id }) => id).toSorted());
      const times = ids.filter((id) => ![byHand.id, over.id].includes(id)).map(late);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
    }
  });

  it("are found where they wait for their subscription, and where they have failed since, oldest first", async () => {
    const webhook = newWebhook();
    const now = Date.now();
    const waits = deliveryOf(webhook, { next_attempt_at: null });
    const failed = Array.from({ length: 5 }, (_, minutes) =>
      deliveryOf(webhook, {
        status: "failed",
        next_attempt_at: null,
        created_at: new Date(now - minutes * MINUTE),
      }),
    );
    const others = [deliveryOf(webhook), deliveryOf(webhook, { status: "success", next_attempt_at: null })];
    await deps.commit([waits, ...failed, ...others].map((one) => deps.deliveries.create(one)));
    assert.deepEqual(idsOf(await deps.deliveries.paused(placeOf(webhook), 10)), [waits.id]);
    const time = { from: new Date(now - 3 * MINUTE), to: new Date(now) };
    const first = await deps.deliveries.failed(placeOf(webhook), time, 2);
    const next = await deps.deliveries.failed(placeOf(webhook), time, 2, first.at(-1)?.value);
    assert.deepEqual(
      [...idsOf(first), ...idsOf(next)],
      failed
        .slice(1, 4)
        .map(({ id }) => id)
        .toReversed(),
    );
    assert.equal(await deps.deliveries.countFailed(placeOf(webhook), time), 3);
    const nothing = { from: time.to, to: time.to };
    assert.deepEqual(await deps.deliveries.failed(placeOf(webhook), nothing, 2), []);
    assert.equal(await deps.deliveries.countFailed(placeOf(webhook), nothing), 0);
  });

  it("go when they are kept no longer, with their attempts and their events, and nothing else does", async () => {
    const webhook = newWebhook();
    const old = new Date(Date.now() - RETENTION_MS - MINUTE);
    const young = new Date(Date.now() - RETENTION_MS + MINUTE);
    const [expired, kept] = [old, young].map((created_at) => deliveryOf(webhook, { created_at }));
    const events = [old, young].map((at) => eventOf(webhook.project_id, at));
    assert.ok(expired && kept);
    const attempt = {
      ...{ attempt: 1, started_at: old, duration_ms: 1, status_code: 200, response_body: "" },
      ...{ response_truncated: false, error: null, url: "https://receiver.example/" },
    };
    await deps.commit([
      ...[expired, kept].flatMap((one) => [
        deps.deliveries.create(one),
        deps.deliveries.createAttempt(one, attempt),
      ]),
      ...events.map((event) => deps.events.create({ ...event, dispatched_at: old })),
    ]);
    await sweepExpired(deps, { until: new Date(Date.now() + MINUTE) });
    assert.deepEqual(idsOf(await deps.deliveries.some(placeOf(webhook), 10)), [kept.id]);
    assert.deepEqual(await attemptsOf(expired), []);
    assert.deepEqual(await attemptsOf(kept), [attempt]);
    const { docs } = await untouched.collection(`projects/${webhook.project_id}/events`).get();
    assert.deepEqual(
      docs.map(({ id }) => id),
      [events[1]?.id],
    );
  });

  it("have their events in the outbox until they are dispatched", async () => {
    const webhook = newWebhook();
    const [waiting, dispatched] = [eventOf(webhook.project_id), eventOf(webhook.project_id)];
    await deps.commit([
      deps.events.create(waiting),
      deps.events.create({ ...dispatched, dispatched_at: new Date() }),
    ]);
    assert.deepEqual(idsOf(own(webhook, await deps.events.waiting(1000))), [waiting.id]);
  });

  it("have their subscription among those with chores while it has any", async () => {
    const webhook = newWebhook({ chores: { ...NO_CHORES, resume: new Date() } });
    await deps.commit([deps.webhooks.create(webhook)]);
    const [stored] = own(webhook, await deps.webhooks.withChores(1000));
    assert.ok(stored);
    await deps.commit([deps.webhooks.replace(stored, { ...webhook, chores: NO_CHORES })]);
    assert.deepEqual(own(webhook, await deps.webhooks.withChores(1000)), []);
  });
});
