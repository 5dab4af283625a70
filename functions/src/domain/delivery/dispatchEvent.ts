import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Event } from "../event/event.ts";
import { subscribes, type Webhook } from "../webhook/webhook.ts";
import { type Delivery, deliveryId } from "./delivery.ts";
import { enqueueSoon } from "./enqueue.ts";

export type DispatchCtx = Ctx<"events" | "webhooks" | "deliveries" | "schedule" | "queue" | "commit">;

/** How long whoever made an event waits for its dispatch, in ms; others see to it after that. */
const PATIENCE_MS = 1500;

/**
 * Empties the outbox of one event: a delivery for each subscription, in the batch that marks the event dispatched,
 * then a task for each delivery. Safe to run twice, at once, and to die anywhere in.
 */
export async function dispatchEvent(
  ctx: DispatchCtx,
  { project_id, event_id }: { project_id: string; event_id: string },
): Promise<void> {
  const event = (await ctx.events.get(project_id, event_id))?.value;
  if (event && !event.dispatched_at) await dispatch(ctx, event);
}

/** The same right after an event was committed: it makes it quick, and is nothing that may fail the request. */
export async function dispatchSoon(ctx: DispatchCtx, event: Event): Promise<void> {
  const dispatched = dispatch(ctx, event).catch((error: unknown) =>
    ctx.log.warn("an event was not dispatched at once, others will", { error: String(error) }),
  );
  await Promise.race([dispatched, ctx.sleep(PATIENCE_MS)]);
}

async function dispatch(ctx: DispatchCtx, event: Event): Promise<void> {
  const deliveries = await change(ctx, async () => {
    const webhooks = await ctx.webhooks.ofProject(event.project_id);
    const now = ctx.now();
    const deliveries = webhooks
      .filter((webhook) => subscribes(webhook, event.event_type))
      .map((webhook) => newDelivery(ctx, event, webhook, now));
    const creations = deliveries.map((delivery) => ctx.deliveries.create(delivery));
    const outcome = await ctx.commit([...creations, ctx.events.markDispatched(event, now)]);
    if (outcome === "committed") return deliveries;
    // Somebody was first: their deliveries are the same ones. Or the event has gone.
    const current = await ctx.events.get(event.project_id, event.id);
    return !current || current.value.dispatched_at ? [] : AGAIN;
  });
  await enqueueSoon(ctx, deliveries);
}

/** A delivery that is due at once; of a disabled subscription one that has failed, and can be recovered. */
export function newDelivery(ctx: Ctx<"schedule">, event: Event, webhook: Webhook, now: Date): Delivery {
  const { enabled } = webhook;
  return {
    id: deliveryId(event.id, webhook.id),
    project_id: event.project_id,
    webhook_id: webhook.id,
    event_id: event.id,
    event_type: event.event_type,
    body: event.body,
    status: enabled ? "pending" : "failed",
    attempts: [],
    attempt_count: 0,
    scheduled: 0,
    next_attempt_at: enabled ? now : null,
    ends_at: ctx.schedule.end(now),
    manual_at: null,
    swept_until: null,
    epoch: 0,
    lease: null,
    counts: event.event_type !== "webhook.test",
    last_status_code: null,
    error: enabled ? null : "subscription_disabled",
    created_at: now,
    completed_at: enabled ? null : now,
    recovered_at: null,
  };
}
