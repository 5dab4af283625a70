import { createSecretSealing, parseKeyring } from "../../functions/src/data/keyring.ts";
import { type AttemptCtx, attemptDelivery } from "../../functions/src/domain/delivery/attemptDelivery.ts";
import { Breaker } from "../../functions/src/domain/delivery/breaker.ts";
import {
  type Attempt,
  type Deliveries,
  type Delivery,
  type Place,
  RETENTION_MS,
  sweptAt,
} from "../../functions/src/domain/delivery/delivery.ts";
import { dispatchEvent, dispatchSoon } from "../../functions/src/domain/delivery/dispatchEvent.ts";
import { createSchedule } from "../../functions/src/domain/delivery/schedule.ts";
import { shardOf } from "../../functions/src/domain/delivery/shards.ts";
import { sweepChores } from "../../functions/src/domain/delivery/sweepChores.ts";
import { sweepDeliveries } from "../../functions/src/domain/delivery/sweepDeliveries.ts";
import { sweepExpired } from "../../functions/src/domain/delivery/sweepExpired.ts";
import { type Event, type Events, newEvent } from "../../functions/src/domain/event/event.ts";
import { sweepOutbox } from "../../functions/src/domain/event/sweepOutbox.ts";
import type { Stored } from "../../functions/src/domain/store.ts";
import { createWebhook } from "../../functions/src/domain/webhook/createWebhook.ts";
import type { Outbound, Sent } from "../../functions/src/domain/webhook/outbound.ts";
import type { Webhook, Webhooks, WithSecret } from "../../functions/src/domain/webhook/webhook.ts";
import { newChance } from "./chance.ts";
import { commitSteps, newRing, Shelf, step } from "./memory.ts";
import { virtualClock } from "./virtual-clock.ts";
import { VirtualQueue } from "./virtual-queue.ts";

const SWEEP_MS = 5 * 60_000;

/** An endpoint's answer, unless said otherwise 200 after 20 ms. */
export type Answer = Partial<Sent> & { after_ms?: number };

/** What came to an endpoint. */
export interface Received {
  at: Date;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

const OK: Sent = {
  status_code: 200,
  response_body: "",
  response_truncated: false,
  error: null,
  retry_after: null,
  duration_ms: 20,
};

/** An answer of that status, which is an error unless it is 2xx. */
export const status = (status_code: number, more: Answer = {}): Answer => ({
  status_code,
  error: status_code >= 200 && status_code < 300 ? null : "http_error",
  ...more,
});

/** Subscriptions, events and deliveries in memory: commits are all or nothing, and hold to what was read. */
function memoryStores() {
  const events = new Shelf<Event>();
  const webhooks = new Shelf<Webhook>();
  const slots = new Shelf<number>();
  const deliveries = new Shelf<Delivery>();
  const attempts = new Shelf<Attempt & Place & { delivery_id: string }>();
  const isOf = (of: Place) => (one: Place) =>
    one.project_id === of.project_id && one.webhook_id === of.webhook_id;
  const byTime = (one: Stored<Delivery>, other: Stored<Delivery>) =>
    Number(one.value.created_at) - Number(other.value.created_at) || (one.value.id < other.value.id ? -1 : 1);
  const failed = (of: Place, { from, to }: { from: Date; to: Date }) =>
    deliveries
      .find(
        (one) => isOf(of)(one) && one.status === "failed" && one.created_at >= from && one.created_at < to,
      )
      .sort(byTime);
  const slotOf = ({ project_id, slot }: Webhook) => `${project_id}/${slot}`;

  const eventsPort: Events = {
    create: (event) => events.create(event.id, event),
    get: (_project, id) => events.get(id),
    markDispatched: (event, dispatched_at) =>
      step({
        holds: () => events.stored.has(event.id),
        apply: () => void events.put(event.id, { ...event, dispatched_at }),
      }),
    ofProject: async () => [],
    waiting: async (limit) => events.find(({ dispatched_at }) => dispatched_at === null, limit),
    expired: async (shard, at, limit) =>
      events.find((one) => shardOf(one.id) === shard && +one.created_at + RETENTION_MS <= +at, limit),
    erase: async (expired) => {
      for (const { value } of expired) events.stored.delete(value.id);
    },
  };
  const webhooksPort: Webhooks = {
    async get(_project, id) {
      const found = await webhooks.get(id);
      return found?.value.chores.remove ? undefined : found;
    },
    again: ({ id }) => webhooks.get(id),
    ofProject: async (project_id) =>
      webhooks.find((one) => one.project_id === project_id && !one.chores.remove).map(({ value }) => value),
    create: (webhook) => webhooks.create(webhook.id, webhook),
    replace: webhooks.replace,
    remove: webhooks.remove,
    slots: async () => slots.all(),
    takeSlot: (webhook) => slots.create(slotOf(webhook), webhook.slot),
    freeSlot: (webhook) =>
      step({ holds: () => true, apply: () => void slots.stored.delete(slotOf(webhook)) }),
    withChores: async (limit) =>
      webhooks.find(
        ({ chores }) => chores.resume !== null || chores.recover !== null || chores.remove,
        limit,
      ),
    async *all() {
      yield await webhooks.all();
    },
  };
  const deliveriesPort: Deliveries = {
    get: (_of, id) => deliveries.get(id),
    create: (delivery) => deliveries.create(delivery.id, delivery),
    replace: deliveries.replace,
    createAttempt: (delivery, attempt) =>
      attempts.create(`${delivery.id}/${attempt.attempt}`, {
        ...attempt,
        ...{ project_id: delivery.project_id, webhook_id: delivery.webhook_id, delivery_id: delivery.id },
      }),
    ofWebhook: () => {
      throw new Error("lists are not kept in memory");
    },
    async *attempts(delivery) {
      yield attempts.find(({ delivery_id }) => delivery_id === delivery.id).map(({ value }) => value);
    },
    paused: async (of, limit) =>
      deliveries.find(
        (one) => isOf(of)(one) && one.status === "pending" && one.next_attempt_at === null,
        limit,
      ),
    failed: async (of, time, limit, after) =>
      failed(of, time)
        .filter(
          ({ value }) =>
            !after ||
            byTime({ value: after as Delivery } as Stored<Delivery>, { value } as Stored<Delivery>) < 0,
        )
        .slice(0, limit),
    countFailed: async (of, time) => failed(of, time).length,
    due: async (shard, at, limit, after) =>
      deliveries
        .find((one) => shardOf(one.id) === shard && (sweptAt(one) ?? Infinity) <= at)
        .sort((one, other) => Number(sweptAt(one.value)) - Number(sweptAt(other.value)))
        .filter(({ value }) => !after || Number(sweptAt(value)) > Number(sweptAt(after.value)))
        .slice(0, limit),
    expired: async (shard, at, limit) =>
      deliveries.find((one) => shardOf(one.id) === shard && +one.created_at + RETENTION_MS <= +at, limit),
    some: async (of, limit) => deliveries.find(isOf(of), limit),
    async erase(delivery) {
      for (const [id, { value }] of attempts.stored) {
        if (value.delivery_id === delivery.id) attempts.stored.delete(id);
      }
      deliveries.stored.delete(delivery.id);
    },
  };
  return {
    shelves: { events, webhooks, slots, deliveries, attempts },
    ports: { events: eventsPort, webhooks: webhooksPort, deliveries: deliveriesPort, commit: commitSteps },
  };
}

/** Everything that moves a delivery, by a virtual clock; `answer` is the customers' endpoints. */
export function deliveryWorld(
  options: {
    seed?: number;
    answer?: (request: Received, count: number) => Answer;
    duplicates?: number;
    lateness?: number;
    /** Makes of the ports those of one process: a request, a task, a run. */
    process?: (ports: AttemptCtx) => AttemptCtx;
  } = {},
) {
  const { seed = 1, answer = (): Answer => OK, process = (ports) => ports } = options;
  const clock = virtualClock({ seed });
  const { shelves, ports } = memoryStores();
  const received: Received[] = [];
  const outbound: Outbound = {
    check: async (url) => url,
    async post({ url, headers, body }) {
      const request = { at: clock.now(), url, headers, body };
      received.push(request);
      const { after_ms = 20, ...sent } = answer(request, received.length);
      await clock.sleep(after_ms);
      return { ...OK, duration_ms: after_ms, ...sent };
    },
  };
  const rings = newRing("k1");
  const queue = new VirtualQueue({
    clock,
    random: newChance(seed + 1),
    run: (_queue, task) => attemptDelivery(process(ctx), task),
    duplicates: options.duplicates ?? 0,
    lateness: options.lateness ?? 0,
  });
  const ctx = {
    ...clock,
    ...ports,
    queue,
    outbound,
    breaker: new Breaker(clock),
    schedule: createSchedule({ grace_ms: SWEEP_MS }),
    secrets: createSecretSealing(parseKeyring("WEBHOOK_KEYS", JSON.stringify(rings))),
  };
  let running = true;
  const sweep = async () => {
    const mortal = process(ctx);
    const until = new Date(clock.now().getTime() + 45_000);
    for (const step of [sweepOutbox, sweepDeliveries, sweepChores, sweepExpired]) {
      await step(mortal, { until }).catch(() => undefined);
    }
  };
  return {
    clock,
    ctx,
    queue,
    received,
    shelves,
    sweep,
    /** Lets time pass. */
    pass: (ms: number) => clock.until(clock.sleep(ms)),
    /** Runs the sweeper every 5 minutes from now on. */
    startSweeper(): void {
      void (async () => {
        while (running) {
          await clock.sleep(SWEEP_MS);
          await sweep();
        }
      })();
    },
    stop: () => {
      running = false;
    },
    subscribe: (fields: Partial<Webhook> = {}): Promise<WithSecret> =>
      createWebhook(ctx, {
        project_id: "p",
        fields: {
          url: "https://receiver.example/",
          event_types: ["enrollment.completed"],
          enabled: true,
          description: null,
          ...fields,
        },
      }),
    /** Something happens: its event is in the outbox. */
    async happen(): Promise<Event> {
      const event = newEvent(
        "enrollment.completed",
        { id: ctx.id(), project_id: "p", at: ctx.now() },
        { session_id: null, member_id: "m", device_id: null, completed_at: ctx.now() },
      );
      await ctx.commit([ctx.events.create(event)]);
      return event;
    },
    /** The movers of the outbox, but for the sweeper. */
    soon: (event: Event) => dispatchSoon(process(ctx), event),
    /** The platform's trigger, which comes a little later, and again until it does not fail. */
    async trigger(event: Event): Promise<void> {
      for (let wait = 1000; wait < 24 * 60 * 60_000; wait *= 2) {
        await clock.sleep(wait);
        const input = { project_id: event.project_id, event_id: event.id };
        const done = await dispatchEvent(process(ctx), input).then(
          () => true,
          () => false,
        );
        if (done) return;
      }
    },
    deliveries: async () => shelves.deliveries.all(),
    /** The only delivery. */
    async delivery(): Promise<Delivery> {
      const [only, ...more] = await shelves.deliveries.all();
      if (!only || more.length > 0) throw new Error(`there are ${more.length + (only ? 1 : 0)} deliveries`);
      return only;
    },
    async webhook(): Promise<Stored<Webhook>> {
      const [only] = shelves.webhooks.stored.values();
      if (!only) throw new Error("there is no webhook");
      return only;
    },
  };
}
