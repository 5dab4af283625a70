import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import type { Project } from "../project/project.ts";
import type { Environment } from "./environment.ts";

/**
 * A project's environment, and how many palms the project has in it; in a global one none are anybody's.
 * @throws DomainError `not_found` when the project has none.
 */
export async function getEnvironmentOf(
  ctx: Ctx<"environments" | "palms">,
  { project }: { project: Project },
): Promise<{ environment: Environment; palms: number }> {
  if (project.environment_id === null) throw notFound();
  const [environment, palms] = await Promise.all([
    ctx.environments.get(project.environment_id),
    ctx.palms.count(project.environment_id, project.id),
  ]);
  if (!environment) throw notFound();
  return { environment: environment.value, palms: environment.value.type === "global" ? 0 : palms };
}
