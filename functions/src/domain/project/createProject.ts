import type { Ctx } from "../context.ts";
import { DomainError, notFound, unavailable } from "../errors.ts";
import { effectOn, type Project, requireLookupAllowed } from "./project.ts";

/**
 * A new project of an organization, in an environment of its own or in a global one, or in none.
 * @throws DomainError `not_found` for an organization or an environment that is none, `conflict` for an environment
 * of another organization, and for server lookup where that is not allowed.
 */
export async function createProject(
  ctx: Ctx<"organizations" | "environments" | "projects" | "commit">,
  input: Omit<Project, "id" | "created_at">,
): Promise<Project> {
  const { organization_id, environment_id } = input;
  const [organization, environment] = await Promise.all([
    ctx.organizations.get(organization_id),
    environment_id === null ? undefined : ctx.environments.get(environment_id),
  ]);
  if (!organization) throw notFound(`organization ${organization_id}`);
  if (environment_id !== null && !environment) throw notFound(`environment ${environment_id}`);
  if (environment?.value.type === "organization" && environment.value.organization_id !== organization_id) {
    throw new DomainError("conflict", "The environment is another organization's own.");
  }
  if (input.server_lookup_enabled) requireLookupAllowed(environment?.value);
  const project: Project = { id: ctx.id(), ...input, created_at: ctx.now() };
  const outcome = await ctx.commit([ctx.projects.create(project)], effectOn(project));
  if (outcome === "conflict") throw unavailable();
  return project;
}
