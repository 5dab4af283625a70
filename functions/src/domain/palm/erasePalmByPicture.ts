import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { type EraseCtx, erasePalms } from "./erasePalms.ts";
import type { Picture } from "./extraction.ts";
import { LiveGallery } from "./galleries.ts";
import { readProbe, resolve, search, thresholdFor } from "./lookUp.ts";
import { refusePoor } from "./sample.ts";
import { scoreOut } from "./score.ts";

/** What was erased, or would be; all but the threshold are null where no palm is like the picture. */
export interface Erasure {
  environment_id: string;
  palm_id: string | null;
  created_at: Date | null;
  score: number | null;
  threshold: number;
  outcome: "erased" | "would_erase" | "no_match";
}

/**
 * Erases the palm of a global environment that is most like a picture of it: where palms are nobody's, nothing else
 * tells whose it is. Writes nothing unless it is `confirmed`.
 * @throws DomainError `not_found` for an environment that is none, `conflict` for one whose palms have members,
 * `invalid_request`, `too_large`, `expired`, `poor_quality`, `no_hand`.
 */
export async function erasePalmByPicture(
  ctx: EraseCtx & Ctx<"environments" | "extraction" | "sealing">,
  input: { environment_id: string; picture: Picture; confirmed: boolean },
): Promise<Erasure> {
  const { environment_id, picture } = input;
  const environment = (await ctx.environments.get(environment_id))?.value;
  if (!environment) throw notFound(`environment ${environment_id}`);
  if (environment.type !== "global") {
    throw new DomainError("conflict", "Its palms have members: deletePalm of the API erases them.");
  }
  const live = new LiveGallery(environment, ctx);
  return change(ctx, async () => {
    const following = { live, synced: live.sync() };
    const { rows, probe } = await readProbe(ctx, {
      ...{ environment, sample: { path: "", picture }, following },
      owner: environment.organization_id,
    });
    refusePoor(probe, rows.size);
    const threshold = thresholdFor(environment, probe, { searched: rows.size });
    const [found] = await resolve(ctx, live, search(rows, probe, {}), threshold);
    const told = { environment_id, palm_id: null, created_at: null, score: null, threshold };
    if (!found) return { ...told, outcome: "no_match" };
    const { id: palm_id, created_at } = found.palm.value;
    const erasure = { ...told, palm_id, created_at, score: scoreOut(found.candidate.score) };
    if (!input.confirmed) return { ...erasure, outcome: "would_erase" };
    const writes = await erasePalms(ctx, environment_id, [palm_id]);
    const outcome = await ctx.commit(writes, {
      target: { type: "palm", id: palm_id },
      organization_id: environment.organization_id,
    });
    return outcome === "committed" ? { ...erasure, outcome: "erased" } : AGAIN;
  });
}
