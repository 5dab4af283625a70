import type { Ctx } from "../domain/context.ts";
import { sweepGarbage } from "../domain/garbage/sweepGarbage.ts";

/** A run ends by itself well before the function's 60 s are over; the next one goes on. */
const RUN_MS = 45_000;

/** One run of the sweeper. */
export async function sweep(ctx: Ctx<"garbage" | "templates" | "commit">): Promise<void> {
  await sweepGarbage(ctx, { until: new Date(ctx.now().getTime() + RUN_MS) });
}
