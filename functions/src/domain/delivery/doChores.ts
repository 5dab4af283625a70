import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import type { Position } from "../list.ts";
import type { Stored } from "../store.ts";
import type { Chores, Webhook } from "../webhook/webhook.ts";
import { type Delivery, MAX_ATTEMPTS_KEPT, placeOf, waits } from "./delivery.ts";
import { enqueueSoon } from "./enqueue.ts";

export type ChoreCtx = Ctx<"webhooks" | "deliveries" | "queue" | "commit">;

/** How many deliveries are read, and written, at once. */
const PAGE = 50;

/** How long whoever gave rise to a chore works at it; the sweeper does the rest. */
const SOON_MS = 3000;

/**
 * Does what is left to be done for a subscription: goes on with what waited for it to be enabled, sends again what
 * has failed, or removes its history and then itself. Each step is safe to do twice, and to die anywhere in.
 * @param until when to stop; the chore stays, for the next run
 */
export async function doChores(ctx: ChoreCtx, webhook: Webhook, until: Date): Promise<void> {
  const { resume, recover, remove } = webhook.chores;
  if (remove) {
    if (await removeHistory(ctx, webhook, until)) await finish(ctx, webhook, { remove });
    return;
  }
  if (resume && (await resumeAll(ctx, webhook, until))) await finish(ctx, webhook, { resume });
  if (recover && (await recoverAll(ctx, webhook, recover, until))) await finish(ctx, webhook, { recover });
}

/** The same within a request, which must not fail for it, nor wait long. */
export async function doChoresSoon(ctx: ChoreCtx, webhook: Webhook): Promise<void> {
  const until = new Date(ctx.now().getTime() + SOON_MS);
  await doChores(ctx, webhook, until).catch((error: unknown) =>
    ctx.log.warn("a chore was not done at once, the sweeper will", { error: String(error) }),
  );
}

/** Takes a chore off the list, unless it was given anew meanwhile. */
function finish(ctx: ChoreCtx, webhook: Webhook, done: Partial<Chores>): Promise<void> {
  return change(ctx, async () => {
    const was = await ctx.webhooks.again(webhook);
    if (!was) return;
    const { chores } = was.value;
    const left: Chores = {
      resume: same(chores.resume, done.resume) ? null : chores.resume,
      recover: same(chores.recover?.asked_at, done.recover?.asked_at) ? null : chores.recover,
      remove: chores.remove,
    };
    const write = done.remove
      ? ctx.webhooks.remove(was)
      : ctx.webhooks.replace(was, { ...was.value, chores: left });
    return (await ctx.commit([write])) === "committed" ? undefined : AGAIN;
  });
}

const same = (one: Date | null | undefined, other: Date | null | undefined): boolean =>
  one?.getTime() === other?.getTime();

/** @returns whether nothing is left */
async function removeHistory(ctx: ChoreCtx, webhook: Webhook, until: Date): Promise<boolean> {
  for (;;) {
    const page = await ctx.deliveries.some(placeOf(webhook), PAGE);
    await Promise.all(page.map(({ value }) => ctx.deliveries.erase(value)));
    if (page.length < PAGE) return true;
    if (ctx.now() >= until) return false;
  }
}

async function resumeAll(ctx: ChoreCtx, webhook: Webhook, until: Date): Promise<boolean> {
  for (;;) {
    const page = await ctx.deliveries.paused(placeOf(webhook), PAGE);
    // An attempt by hand is no part of the schedule.
    const waiting = page.filter(({ value }) => waits(value));
    await changeEach(ctx, waiting, (delivery, now) => ({
      ...delivery,
      next_attempt_at: now,
      swept_until: null,
      epoch: delivery.epoch + 1,
    }));
    if (page.length < PAGE) return true;
    if (ctx.now() >= until || waiting.length === 0) return false;
  }
}

async function recoverAll(
  ctx: ChoreCtx,
  webhook: Webhook,
  { since, asked_at }: NonNullable<Chores["recover"]>,
  until: Date,
): Promise<boolean> {
  let after: Position | undefined;
  for (;;) {
    const time = { from: since, to: asked_at };
    const page: Stored<Delivery>[] = await ctx.deliveries.failed(placeOf(webhook), time, PAGE, after);
    const open = page.filter(
      ({ value }) =>
        value.attempt_count < MAX_ATTEMPTS_KEPT && !(value.recovered_at && value.recovered_at >= asked_at),
    );
    await changeEach(ctx, open, (delivery, now) => ({
      ...delivery,
      status: "pending",
      scheduled: 0,
      next_attempt_at: now,
      swept_until: null,
      epoch: delivery.epoch + 1,
      counts: false,
      completed_at: null,
      recovered_at: now,
    }));
    if (page.length < PAGE) return true;
    after = page.at(-1)?.value;
    if (ctx.now() >= until) return false;
  }
}

/** Each in a commit of its own: one that somebody else has changed meanwhile needs nothing, or comes again. */
async function changeEach(
  ctx: ChoreCtx,
  page: readonly Stored<Delivery>[],
  into: (delivery: Delivery, now: Date) => Delivery,
): Promise<void> {
  const changed = await Promise.all(
    page.map(async (was) => {
      const now = into(was.value, ctx.now());
      return (await ctx.commit([ctx.deliveries.replace(was, now)])) === "committed" ? [now] : [];
    }),
  );
  await enqueueSoon(ctx, changed.flat());
}
