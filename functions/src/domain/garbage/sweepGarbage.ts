import type { Ctx } from "../context.ts";

const PAGE = 100;

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
      const claim = await ctx.commit([ctx.garbage.replace(item, item.value)]);
      if (claim === "conflict") continue;
      await ctx.templates.delete(item.value.object);
      await ctx.commit([ctx.garbage.forget(item.value.id)]);
      progress = true;
      swept++;
    }
    if (items.length < PAGE || !progress) return swept;
  }
}
