import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Stored } from "../store.ts";
import type { Webhook } from "../webhook/webhook.ts";
import { type Delivery, MAX_ATTEMPTS_KEPT, placeOf } from "./delivery.ts";
import { enqueueSoon } from "./enqueue.ts";

/**
 * One more attempt of a delivery at once, whatever became of it; its schedule stays as it is.
 * @throws DomainError `conflict` while the subscription is disabled, `limit_reached` after 100 attempts, `not_found`
 * when it was deleted meanwhile.
 */
export async function retryDelivery(
  ctx: Ctx<"deliveries" | "queue" | "commit">,
  input: { webhook: Webhook; delivery: Stored<Delivery> },
): Promise<Delivery> {
  const { webhook } = input;
  refuseDisabled(webhook);
  const { id } = input.delivery.value;
  const read = () => ctx.deliveries.get(placeOf(webhook), id);
  const asked = await changeStored(ctx, input.delivery, read, async (was) => {
    if (was.value.attempt_count >= MAX_ATTEMPTS_KEPT) {
      throw new DomainError("limit_reached", `A delivery has at most ${MAX_ATTEMPTS_KEPT} attempts.`);
    }
    const result = withManual(was.value, ctx.now());
    const outcome = await ctx.commit([ctx.deliveries.replace(was, result)], {
      target: { type: "delivery", id },
      result,
    });
    return outcome === "committed" ? result : AGAIN;
  });
  await enqueueSoon(ctx, [asked]);
  return asked;
}

/** The name of a task that waits for the schedule is taken: this one needs another. */
const withManual = (delivery: Delivery, now: Date): Delivery => ({
  ...delivery,
  manual_at: now,
  swept_until: null,
  epoch: delivery.epoch + 1,
  ...(delivery.status === "failed" ? { status: "pending", completed_at: null } : {}),
});

/** @throws DomainError `conflict` */
export function refuseDisabled(webhook: Webhook): void {
  if (webhook.enabled) return;
  throw new DomainError("conflict", "The webhook is disabled: enable it first.");
}
