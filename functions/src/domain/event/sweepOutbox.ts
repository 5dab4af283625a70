import { type DispatchCtx, dispatchEvent } from "../delivery/dispatchEvent.ts";

const PAGE = 100;
const AT_ONCE = 10;

/**
 * Dispatches what neither whoever made it nor the trigger has dispatched.
 * @param input.until when to stop; the next run goes on
 */
export async function sweepOutbox(ctx: DispatchCtx, { until }: { until: Date }): Promise<void> {
  const failures: unknown[] = [];
  for (;;) {
    const page = await ctx.events.waiting(PAGE);
    const work = page.map(({ value }) => value);
    const one = async () => {
      for (let event = work.pop(); event && ctx.now() < until; event = work.pop()) {
        await dispatchEvent(ctx, { project_id: event.project_id, event_id: event.id }).catch(
          (error: unknown) => failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    if (page.length < PAGE || failures.length > 0 || ctx.now() >= until) break;
  }
  if (failures.length > 0) throw new AggregateError(failures, "events were not dispatched");
}
