import type { Ctx } from "./context.ts";
import { notFound, unavailable } from "./errors.ts";
import type { Stored } from "./store.ts";

/** How long a change fights for its turn before the caller is told to come back, in ms. */
const PATIENCE_MS = 3000;

/** Said by an attempt whose commit met a conflict. */
export const AGAIN: unique symbol = Symbol("again");

/**
 * Optimistic change: `attempt` reads, computes and commits under the versions it read; while it answers
 * `AGAIN` it is run again after a jittered pause. At most about 3 s.
 * @throws DomainError `unavailable` when the contention lasts longer.
 */
export async function change<T>(ctx: Ctx, attempt: () => Promise<T | typeof AGAIN>): Promise<T> {
  const deadline = ctx.now().getTime() + PATIENCE_MS;
  for (let tries = 0; ; tries++) {
    const result = await attempt();
    if (result !== AGAIN) return result;
    const pause = ctx.random() * Math.min(10 * 2 ** tries, 200);
    if (ctx.now().getTime() + pause > deadline) throw unavailable();
    await ctx.sleep(pause);
  }
}

/**
 * The same of something that has been read already: only a conflict reads it anew.
 * @throws DomainError `not_found` when it is gone by then.
 */
export function changeStored<T, R>(
  ctx: Ctx,
  was: Stored<T>,
  read: () => Promise<Stored<T> | undefined>,
  attempt: (was: Stored<T>) => Promise<R | typeof AGAIN>,
): Promise<R> {
  let latest = was;
  return change(ctx, async () => {
    const result = await attempt(latest);
    if (result !== AGAIN) return result;
    const current = await read();
    if (!current) throw notFound();
    latest = current;
    return AGAIN;
  });
}
