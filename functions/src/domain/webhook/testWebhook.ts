import type { Ctx } from "../context.ts";
import { newDelivery } from "../delivery/dispatchEvent.ts";
import { enqueueSoon } from "../delivery/enqueue.ts";
import { refuseDisabled } from "../delivery/retryDelivery.ts";
import { unavailable } from "../errors.ts";
import { newEvent } from "../event/event.ts";
import type { Webhook } from "./webhook.ts";

/** What a test is known by. */
export interface Tested {
  event_id: string;
  test_id: string;
  delivery_id: string;
}

/**
 * Sends an event `webhook.test` to one subscription, as any other is sent; it says nothing of the endpoint's health.
 * @throws DomainError `conflict` while the subscription is disabled.
 */
export async function testWebhook(
  ctx: Ctx<"events" | "deliveries" | "schedule" | "queue" | "commit">,
  input: { webhook: Webhook },
): Promise<Tested> {
  const { webhook } = input;
  refuseDisabled(webhook);
  const now = ctx.now();
  const test_id = ctx.id();
  const event = newEvent(
    "webhook.test",
    { id: ctx.id(), project_id: webhook.project_id, at: now },
    { test_id },
  );
  const delivery = newDelivery(ctx, event, webhook, now);
  const result: Tested = { event_id: event.id, test_id, delivery_id: delivery.id };
  const outcome = await ctx.commit(
    [ctx.events.create({ ...event, dispatched_at: now }), ctx.deliveries.create(delivery)],
    { target: { type: "webhook", id: webhook.id }, result },
  );
  if (outcome === "conflict") throw unavailable();
  await enqueueSoon(ctx, [delivery]);
  return result;
}
