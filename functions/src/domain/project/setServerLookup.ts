import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { effectOn, type Project, requireLookupAllowed } from "./project.ts";

/**
 * Switches server lookup of a project on or off.
 * @throws DomainError `conflict` for on, where the project has no environment that allows it.
 */
export function setServerLookup(
  ctx: Ctx<"projects" | "environments" | "commit">,
  input: { project_id: string; enabled: boolean },
): Promise<Project> {
  return change(ctx, async () => {
    const project = await ctx.projects.get(input.project_id);
    if (!project) throw notFound();
    const { environment_id, server_lookup_enabled } = project.value;
    const environment =
      input.enabled && environment_id ? await ctx.environments.get(environment_id) : undefined;
    if (input.enabled) requireLookupAllowed(environment?.value);
    if (server_lookup_enabled === input.enabled) return project.value;
    const now = { ...project.value, server_lookup_enabled: input.enabled };
    const outcome = await ctx.commit([ctx.projects.replace(project, now)], effectOn(now));
    return outcome === "committed" ? now : AGAIN;
  });
}
