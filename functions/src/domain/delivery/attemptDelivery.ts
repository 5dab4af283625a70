import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { newEvent } from "../event/event.ts";
import type { Stored } from "../store.ts";
import { afterAttempt } from "../webhook/health.ts";
import type { Sent } from "../webhook/outbound.ts";
import { signedHeaders } from "../webhook/signature.ts";
import type { Webhook } from "../webhook/webhook.ts";
import type { Leave } from "./breaker.ts";
import { type Attempt, type Delivery, dueAt, waits } from "./delivery.ts";
import { enqueueNext } from "./enqueue.ts";
import type { AttemptTask } from "./queue.ts";

export type AttemptCtx = Ctx<
  "events" | "webhooks" | "deliveries" | "schedule" | "queue" | "outbound" | "breaker" | "secrets" | "commit"
>;

/** Whoever has a delivery's lease makes its attempt; longer than an attempt and its record can take, in ms. */
const LEASE_MS = 60_000;

/** A task may come so much before its time: clocks differ. */
const EARLY_MS = 1000;

/** How much of a response is part of its delivery, in characters. */
const EXCERPT = 1024;

/** The secrets that sign, the newest first. */
type Secrets = readonly [string, ...string[]];

/** An attempt that is being made. */
interface Begun {
  delivery: Delivery;
  webhook: Webhook;
  secrets: Secrets;
  lease: string;
}

/** Takes leave of the breaker, once however often it is asked. @returns for how long to put the attempt off, in ms */
type Enter = (webhook: Webhook) => Promise<number>;

/**
 * Makes the attempt that a task names: takes a lease, posts, records, and enqueues the next one. Whatever the customer's
 * endpoint does is no failure of the task's. It may die anywhere: an attempt that was recorded is not made again, one
 * that was not is (receivers tell by `webhook-id`), and the sweeper finds what is due.
 * @throws DomainError `unavailable` when a store or the queue does not answer: run it again.
 */
export async function attemptDelivery(ctx: AttemptCtx, task: AttemptTask): Promise<void> {
  let leave: Leave | undefined;
  let failed: boolean | undefined;
  const enter: Enter = async ({ id }) => {
    const admitted = leave ?? (await ctx.breaker.enter(id));
    if (typeof admitted === "number") return admitted;
    leave = admitted;
    return 0;
  };
  try {
    const begun = await begin(ctx, task, enter);
    if (!begun) return;
    if (!("webhook" in begun)) return await enqueueNext(ctx, begun);
    const { delivery, webhook, secrets } = begun;
    const started_at = ctx.now();
    const sent = await ctx.outbound.post({
      url: webhook.url,
      headers: headersFor(delivery, secrets, started_at),
      body: delivery.body,
    });
    failed = sent.error !== null;
    const recorded = await record(ctx, begun, sent, started_at);
    if (recorded) await enqueueNext(ctx, recorded);
  } finally {
    leave?.done(failed);
  }
}

/**
 * Decides what the task is good for: an attempt whose lease is taken here, a delivery whose next attempt has only to be
 * enqueued, or nothing.
 */
function begin(ctx: AttemptCtx, task: AttemptTask, enter: Enter): Promise<Begun | Delivery | undefined> {
  return change(ctx, async () => {
    const [was, stored] = await Promise.all([
      ctx.deliveries.get(task, task.delivery_id),
      ctx.webhooks.get(task.project_id, task.webhook_id),
    ]);
    if (!was) return undefined;
    if (!stored) {
      // Deleted; it may have been on its way when the rest of the history went.
      await ctx.deliveries.erase(was.value);
      return undefined;
    }
    const { value: delivery } = was;
    const { value: webhook } = stored;
    const now = ctx.now();
    const due_at = dueAt(delivery);
    if (!due_at) return undefined;
    if (task.attempt <= delivery.attempt_count) return delivery;
    if (delivery.lease && delivery.lease.until > now) return undefined;
    if (!webhook.enabled) return pause(ctx, was, now);
    // One that waited for its subscription has waited enough.
    if (!waits(delivery) && due_at.getTime() > now.getTime() + EARLY_MS) return delivery;

    const manual = delivery.manual_at !== null;
    const last = now >= delivery.ends_at;
    const pause_ms = manual || last ? 0 : await enter(webhook);
    if (pause_ms > 0) return putOff(ctx, was, new Date(now.getTime() + pause_ms));
    // A keyring that lacks the key is found out before an attempt is spent.
    const secrets = secretsOf(ctx, webhook, now);
    const lease = { id: ctx.id(), until: new Date(now.getTime() + LEASE_MS), manual };
    const leased = { ...delivery, lease };
    if ((await ctx.commit([ctx.deliveries.replace(was, leased)])) === "conflict") return AGAIN;
    return { delivery: leased, webhook, secrets, lease: lease.id };
  });
}

/** Until its subscription is enabled again; what nobody enabled in time has failed. */
async function pause(ctx: AttemptCtx, was: Stored<Delivery>, now: Date): Promise<undefined | typeof AGAIN> {
  const outcome = await ctx.commit([ctx.deliveries.replace(was, paused(was.value, now))]);
  if (outcome === "conflict") return AGAIN;
  // Whoever enabled it meanwhile may have looked for those that wait before this one did.
  const { project_id, webhook_id } = was.value;
  return (await ctx.webhooks.get(project_id, webhook_id))?.value.enabled ? AGAIN : undefined;
}

export function paused(delivery: Delivery, now: Date): Delivery {
  const waiting = { ...delivery, next_attempt_at: null, manual_at: null, lease: null };
  if (delivery.status !== "pending" || now < delivery.ends_at) return waiting;
  const error = delivery.error ?? "subscription_disabled";
  return { ...waiting, status: "failed", error, completed_at: now };
}

/** Without spending an attempt; what would come after the window comes at its end. */
async function putOff(ctx: AttemptCtx, was: Stored<Delivery>, until: Date): Promise<Delivery | typeof AGAIN> {
  const { ends_at, epoch } = was.value;
  const next_attempt_at = until < ends_at ? until : ends_at;
  const now = { ...was.value, next_attempt_at, swept_until: null, epoch: epoch + 1, lease: null };
  return (await ctx.commit([ctx.deliveries.replace(was, now)])) === "committed" ? now : AGAIN;
}

function secretsOf(ctx: AttemptCtx, webhook: Webhook, at: Date): Secrets {
  const secret = ctx.secrets.open(webhook, webhook.secret);
  const { old_secret } = webhook;
  return old_secret && old_secret.until > at ? [secret, ctx.secrets.open(webhook, old_secret)] : [secret];
}

function headersFor({ event_id, body }: Delivery, secrets: Secrets, at: Date): Record<string, string> {
  // The one header that has room for one signature stays with the old secret while there is one.
  const legacy = secrets[1] ?? secrets[0];
  return {
    "Content-Type": "application/json; charset=utf-8",
    ...signedHeaders({ event_id, body, at, secrets, legacy }),
  };
}

/**
 * Writes down an attempt, in one batch with what it says of the subscription.
 * @returns the delivery as it is then; `undefined` when it is no longer ours, or gone
 */
async function record(
  ctx: AttemptCtx,
  { delivery, webhook, lease }: Begun,
  sent: Sent,
  started_at: Date,
): Promise<Delivery | undefined> {
  const random = ctx.random();
  const event_id = ctx.id();
  return change(ctx, async () => {
    const [was, stored] = await Promise.all([
      ctx.deliveries.get(delivery, delivery.id),
      ctx.webhooks.get(webhook.project_id, webhook.id),
    ]);
    if (!was || !stored || was.value.lease?.id !== lease) return undefined;
    const now = ctx.now();
    const { retry_after, ...came } = sent;
    const attempt: Attempt = {
      attempt: was.value.attempt_count + 1,
      started_at,
      ...came,
      url: webhook.url,
    };
    const tells = was.value.counts && !was.value.lease.manual;
    const health = tells ? afterAttempt(stored.value, sent, now) : stored.value;
    let after = afterRecord(ctx, was.value, attempt, { now, retry_after, random });
    if (!health.enabled) after = paused(after, now);
    const writes = [
      ctx.deliveries.createAttempt(was.value, attempt),
      ctx.deliveries.replace(was, after),
      ...(health === stored.value ? [] : [ctx.webhooks.replace(stored, health)]),
    ];
    const { disabled_reason: reason } = health;
    if (stored.value.enabled && !health.enabled && reason) {
      const at = { id: event_id, project_id: webhook.project_id, at: now };
      const event = newEvent("webhook.disabled", at, { webhook_id: webhook.id, reason, disabled_at: now });
      // It is listed, and sent to nobody.
      writes.push(ctx.events.create({ ...event, dispatched_at: now }));
    }
    return (await ctx.commit(writes)) === "committed" ? after : AGAIN;
  });
}

/** A delivery once an attempt of it was made. */
function afterRecord(
  ctx: Ctx<"schedule">,
  delivery: Delivery,
  attempt: Attempt,
  { now, retry_after, random }: { now: Date; retry_after: string | null; random: number },
): Delivery {
  const { response_body } = attempt;
  const excerpt = { ...attempt, response_body: response_body && excerptOf(response_body) };
  const manual = delivery.lease?.manual === true;
  const base: Delivery = {
    ...delivery,
    attempts: [...delivery.attempts, excerpt],
    attempt_count: attempt.attempt,
    scheduled: delivery.scheduled + (manual ? 0 : 1),
    // One that was asked for meanwhile is still to come.
    manual_at: manual ? null : delivery.manual_at,
    swept_until: null,
    lease: null,
    last_status_code: attempt.status_code,
    error: attempt.error,
  };
  if (delivery.status === "success") return base;
  if (attempt.error === null) {
    return { ...base, status: "success", next_attempt_at: null, completed_at: now };
  }
  const next_attempt_at = manual
    ? delivery.next_attempt_at
    : ctx.schedule.next({ ...base, now, retry_after, random });
  if (next_attempt_at) return { ...base, next_attempt_at };
  return { ...base, status: "failed", next_attempt_at: null, completed_at: now };
}

/** Whole characters (code points): half a surrogate pair would be none. */
const excerptOf = (text: string): string =>
  text.length <= EXCERPT ? text : [...text.slice(0, 2 * EXCERPT)].slice(0, EXCERPT).join("");
