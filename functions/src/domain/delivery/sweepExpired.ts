import type { Ctx } from "../context.ts";
import { eachShard } from "./shards.ts";

/** Of each shard: all of them are read at once. */
const PAGE = 20;

/** Deletes events and deliveries, with their attempts, that are kept no longer: where no store does it by itself, and sooner. */
export async function sweepExpired(
  ctx: Ctx<"events" | "deliveries">,
  { until }: { until: Date },
): Promise<void> {
  await eachShard(async (shard) => {
    for (let more = true; more && ctx.now() < until; ) {
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
  });
}
