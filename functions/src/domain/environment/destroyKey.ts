import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { effectOn } from "./environment.ts";

/** What was destroyed, or would be. */
export interface Destruction {
  environment_id: string;
  /** The organization's name; null when it is gone. */
  organization: string | null;
  /** How many palms nobody can open any more. */
  palms: number;
  outcome: "destroyed" | "destroyed_before" | "would_destroy";
}

/**
 * Destroys an environment's data key, for ever: from the very next request on, its palms are `expired`.
 * Writes nothing unless it is `confirmed`.
 * @throws DomainError `not_found` for an environment that is none.
 */
export async function destroyKey(
  ctx: Ctx<"environments" | "organizations" | "changes" | "palms" | "commit">,
  { environment_id, confirmed }: { environment_id: string; confirmed: boolean },
): Promise<Destruction> {
  const environment = await ctx.environments.get(environment_id);
  if (!environment) throw notFound(`environment ${environment_id}`);
  const [organization, palms] = await Promise.all([
    ctx.organizations.get(environment.value.organization_id),
    ctx.palms.count(environment_id),
  ]);
  const outcome = await change(ctx, async () => {
    const was = await ctx.changes.manifest(environment_id);
    if (!was) throw notFound(`key of environment ${environment_id}`);
    if (!was.value.wrapped_key) return "destroyed_before";
    if (!confirmed) return "would_destroy";
    const now = { ...was.value, wrapped_key: null };
    const outcome = await ctx.commit([ctx.changes.replaceManifest(was, now)], effectOn(environment.value));
    return outcome === "committed" ? "destroyed" : AGAIN;
  });
  return { environment_id, organization: organization?.value.name ?? null, palms, outcome };
}
