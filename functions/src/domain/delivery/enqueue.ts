import { createHash } from "node:crypto";
import type { Ctx } from "../context.ts";
import { type Delivery, dueAt, waits } from "./delivery.ts";

/**
 * Puts the next attempt of a delivery into its queue, if it has one.
 * @throws DomainError `unavailable` when the queue does not take it: the sweeper will find it due.
 */
export async function enqueueNext(ctx: Ctx<"queue">, delivery: Delivery): Promise<void> {
  const due_at = dueAt(delivery);
  if (!due_at || waits(delivery)) return;
  const { project_id, webhook_id, id } = delivery;
  const attempt = delivery.attempt_count + 1;
  const name = createHash("sha256").update(`${id}|${attempt}|${delivery.epoch}`).digest("hex");
  const queue = delivery.attempt_count === 0 ? "deliverwebhook" : "retrywebhook";
  await ctx.queue.enqueue(queue, name, { project_id, webhook_id, delivery_id: id, attempt }, due_at);
}

/** The same for many, where the sweeper goes on with those that the queue did not take. */
export async function enqueueSoon(ctx: Ctx<"queue">, deliveries: readonly Delivery[]): Promise<void> {
  const outcomes = await Promise.allSettled(deliveries.map((delivery) => enqueueNext(ctx, delivery)));
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  if (failed.length === 0) return;
  const [{ reason }] = failed as [PromiseRejectedResult];
  ctx.log.warn("deliveries were not enqueued, the sweeper will", {
    count: failed.length,
    error: String(reason?.cause ?? reason),
  });
}
