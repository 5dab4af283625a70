import type { Ctx } from "../context.ts";
import type { Stored } from "../store.ts";
import { ERASURE_MS, type GarbageItem } from "./garbage.ts";

const PAGE = 100;

/** An object that cannot be deleted now is tried again after this, so that it does not hold up the others. */
const RETRY_MS = 10 * 60_000;

/**
 * Deletes the template objects whose time has come; safe to run twice, at once, and to die anywhere in.
 * Touching the item first makes a commit that still wanted the object fail, and upload it anew.
 * @returns how many objects were deleted; ends early at `until`, and goes on at the next run.
 */
export async function sweepGarbage(
  ctx: Ctx<"garbage" | "templates" | "commit">,
  input: { until: Date },
): Promise<number> {
  let swept = 0;
  for (;;) {
    const items = await ctx.garbage.due(ctx.now(), PAGE);
    let progress = false;
    for (const item of items) {
      if (ctx.now() >= input.until) return swept;
      // Moving it to later is the claim, and the next try should this one fail.
      const retry_at = new Date(ctx.now().getTime() + RETRY_MS);
      const claim = await ctx.commit([ctx.garbage.replace(item, { ...item.value, due_at: retry_at })]);
      if (claim === "conflict") continue;
      progress = true;
      if (!(await deleted(ctx, item))) continue;
      await ctx.commit([ctx.garbage.forget(item.value.id)]);
      swept++;
    }
    if (items.length < PAGE || !progress) return swept;
  }
}

async function deleted(ctx: Ctx<"templates">, { value: item }: Stored<GarbageItem>): Promise<boolean> {
  try {
    await ctx.templates.delete(item.object);
    return true;
  } catch (error) {
    const overdue = ctx.now().getTime() - item.listed_at.getTime() > ERASURE_MS;
    const facts = { object: item.object, error: String(error) };
    if (overdue) ctx.log.error("an erasure is overdue", facts);
    else ctx.log.warn("an object was not deleted, it is tried again", facts);
    return false;
  }
}
