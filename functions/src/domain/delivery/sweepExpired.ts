import type { Ctx } from "../context.ts";
import { SHARDS } from "./delivery.ts";

const PAGE = 100;

/** Deletes events and deliveries, with their attempts, that are kept no longer: where no store does it by itself, and sooner. */
export async function sweepExpired(
  ctx: Ctx<"events" | "deliveries">,
  { until }: { until: Date },
): Promise<void> {
  for (let shard = 0; shard < SHARDS; shard++) {
    for (let more = true; more; ) {
      if (ctx.now() >= until) return;
      const [events, deliveries] = await Promise.all([
        ctx.events.expired(shard, ctx.now(), PAGE),
        ctx.deliveries.expired(shard, ctx.now(), PAGE),
      ]);
      await Promise.all([
        ctx.events.erase(events),
        ...deliveries.map(({ value }) => ctx.deliveries.erase(value)),
      ]);
      more = events.length === PAGE || deliveries.length === PAGE;
    }
  }
}
