import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import { paused } from "./attemptDelivery.ts";
import { type Delivery, waits } from "./delivery.ts";
import { enqueueNext } from "./enqueue.ts";
import { eachShard } from "./shards.ts";

type SweepCtx = Ctx<"deliveries" | "schedule" | "queue" | "commit">;

/** Of each shard: all of them are read at once. */
const PAGE = 20;

/** A task that the sweeper has enqueued is taken to be lost after the grace, and not before this, in ms. */
const LEAST_MS = 60_000;

/**
 * Enqueues again what was due a while ago: its task was lost, or never came to be. Under a new name, since the old one
 * may be used up. What waited for its subscription to be enabled until its time was over has failed.
 */
export async function sweepDeliveries(ctx: SweepCtx, { until }: { until: Date }): Promise<void> {
  const before = new Date(ctx.now().getTime() - ctx.schedule.grace_ms);
  await eachShard(async (shard) => {
    let last: Stored<Delivery> | undefined;
    do {
      if (ctx.now() >= until) return;
      const page = await ctx.deliveries.due(shard, before, PAGE, last);
      await Promise.all(page.map((was) => sweep(ctx, was)));
      last = page.length === PAGE ? page.at(-1) : undefined;
    } while (last);
  });
}

async function sweep(ctx: SweepCtx, was: Stored<Delivery>): Promise<void> {
  const now = ctx.now();
  const { lease, epoch } = was.value;
  if (lease && lease.until > now) return;
  // A queue that is slow gets no task again and again: it would be slower for it.
  const swept_until = new Date(now.getTime() + Math.max(ctx.schedule.grace_ms, LEAST_MS));
  const after = waits(was.value) ? paused(was.value, now) : { ...was.value, epoch: epoch + 1, swept_until };
  if ((await ctx.commit([ctx.deliveries.replace(was, after)])) === "committed") await enqueueNext(ctx, after);
}
