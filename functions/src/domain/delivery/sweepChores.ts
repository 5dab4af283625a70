import { type ChoreCtx, doChores } from "./doChores.ts";

const PAGE = 50;

/** Does what was left to be done for subscriptions. One that fails must not keep the others from theirs. */
export async function sweepChores(ctx: ChoreCtx, { until }: { until: Date }): Promise<void> {
  const failures: unknown[] = [];
  for (const { value } of await ctx.webhooks.withChores(PAGE)) {
    if (ctx.now() >= until) break;
    await doChores(ctx, value, until).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, "chores of webhooks were not done");
}
