import type { Ctx } from "../context.ts";
import { dueNow } from "../garbage/garbage.ts";
import type { Write } from "../store.ts";

export type EraseCtx = Ctx<"changes" | "commit" | "garbage" | "palms">;

/**
 * The writes that erase palms, for the batch of whoever erases them: the log says so to every instance, and
 * holds their templates no longer; their documents go; their objects are garbage from now on.
 */
export async function erasePalms(
  ctx: EraseCtx,
  environment_id: string,
  palm_ids: readonly string[],
): Promise<Write[]> {
  if (palm_ids.length === 0) return [];
  const [palms, head] = await Promise.all([
    ctx.palms.getMany(environment_id, palm_ids),
    ctx.changes.head(environment_id),
  ]);
  const at = ctx.now();
  return palms.flatMap((palm, index) => {
    const { id: palm_id, project_id, hand, seq, object } = palm.value;
    const change = {
      seq: head + 1 + index,
      op: "remove",
      palm_id,
      project_id,
      hand,
      template: null,
      at,
      mac: null,
    } as const;
    return [
      ctx.changes.append(environment_id, change),
      ctx.changes.redact(environment_id, seq),
      ctx.palms.remove(palm),
      ctx.garbage.create(dueNow(ctx.id(), object, at)),
    ];
  });
}
