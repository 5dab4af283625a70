import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { newestFirst } from "../order.ts";
import type { Project } from "./project.ts";

/**
 * Every project, or those of one organization, for the operator.
 * @throws DomainError `not_found` for an organization that is none.
 */
export async function listAllProjects(
  ctx: Ctx<"organizations" | "projects">,
  { organization_id }: { organization_id?: string | undefined },
): Promise<Project[]> {
  const organizations = await ctx.organizations.all();
  const wanted = organizations.filter(({ id }) => organization_id === undefined || id === organization_id);
  if (organization_id !== undefined && wanted.length === 0) throw notFound(`organization ${organization_id}`);
  return newestFirst(await ctx.projects.ofOrganizations(wanted.map(({ id }) => id)));
}
