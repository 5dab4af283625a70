import type { Caller, Ctx } from "../context.ts";
import { newestFirst } from "../order.ts";
import { administeredBy } from "../organization/organization.ts";
import type { Project } from "./project.ts";

/** The projects that the caller may see: a user's through organizations they administer, a key's own. */
export async function listProjects(
  ctx: Ctx<"organizations" | "projects">,
  input: { actor: Caller },
): Promise<Project[]> {
  return newestFirst(await visible(ctx, input.actor));
}

async function visible(ctx: Ctx<"organizations" | "projects">, actor: Caller): Promise<Project[]> {
  if (actor.type === "user") {
    const organizations = await administeredBy(ctx, actor);
    return ctx.projects.ofOrganizations(organizations.map(({ id }) => id));
  }
  if (actor.project_ids === null) return ctx.projects.ofOrganizations([actor.organization_id]);
  const projects = await ctx.projects.getMany(actor.project_ids);
  // A project may have moved to another organization since the key was made.
  return projects.filter(({ organization_id }) => organization_id === actor.organization_id);
}
