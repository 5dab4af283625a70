import { type DispatchCtx, dispatchEvent } from "../delivery/dispatchEvent.ts";
import { finishAll } from "../finishAll.ts";

/** How many are dispatched at once. */
const PAGE = 10;

/**
 * Dispatches what neither whoever made it nor the trigger has dispatched.
 * @param input.until when to stop; the next run goes on
 * @throws AggregateError of those that were not dispatched, after which none is
 */
export async function sweepOutbox(ctx: DispatchCtx, { until }: { until: Date }): Promise<void> {
  while (ctx.now() < until) {
    const page = await ctx.events.waiting(PAGE);
    const works = page.map(({ value: { project_id, id } }) =>
      dispatchEvent(ctx, { project_id, event_id: id }),
    );
    await finishAll(works, "events were not dispatched");
    if (page.length < PAGE) return;
  }
}
