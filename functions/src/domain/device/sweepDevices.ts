import type { Ctx } from "../context.ts";
import { tidied } from "./tidyDevice.ts";

const PAGE = 50;

/**
 * Tidies away what devices keep past its time: the samples of a session that nobody has ended, a key that was not
 * fetched. Safe to run twice, and at once. Ends early at `until`; the next run goes on.
 */
export async function sweepDevices(
  ctx: Ctx<"devices" | "commit">,
  { until }: { until: Date },
): Promise<void> {
  for (let more = true; more && ctx.now() < until; ) {
    const now = ctx.now();
    const page = await ctx.devices.due(now, PAGE);
    const outcomes = await Promise.all(
      page.map((was) => ctx.commit([ctx.devices.replace(was, tidied(was.value, now))])),
    );
    // Whoever changed one meanwhile has tidied it, or it is met again in the next run.
    more = page.length === PAGE && outcomes.includes("committed");
  }
}
