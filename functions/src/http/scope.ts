import type { Actor, Ctx, Ports } from "../domain/context.ts";
import type { Environment } from "../domain/environment/environment.ts";
import { DomainError, notFound } from "../domain/errors.ts";
import type { Organization } from "../domain/organization/organization.ts";
import { isTenantManaged, type Project } from "../domain/project/project.ts";
import type { Stored } from "../domain/store.ts";
import { type Route, SCOPE_PARAMS } from "./route.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What the path names, being read while the credential is looked up. */
export interface Named {
  organization: Promise<Stored<Organization> | undefined>;
  project: Promise<Stored<Project> | undefined>;
  /** What `finds` finds; `undefined` too when the route finds nothing more. */
  found: Promise<unknown>;
}

/** A scope that was found and may be entered. */
interface Found {
  actor?: Actor;
  organization?: Organization;
  project?: Project;
  environment?: Environment | undefined;
}

/** Begins to read what the path names; ids that are none are not looked up. */
export function readNamed(ctx: Ctx<keyof Ports>, route: Route, params: Record<string, string>): Named {
  const param =
    route.scope in SCOPE_PARAMS ? SCOPE_PARAMS[route.scope as keyof typeof SCOPE_PARAMS] : undefined;
  const sound = Object.values(params).every((value) => UUID.test(value));
  const id = param && sound ? params[param] : undefined;
  const absent = Promise.resolve(undefined);
  const named: Named = {
    organization: id && param === "org_id" ? ctx.organizations.get(id) : absent,
    project: id && param === "project_id" ? ctx.projects.get(id) : absent,
    found: sound ? (route.finds?.(ctx, params) ?? absent) : absent,
  };
  // A refusal before they are awaited must not leave a rejection unheard.
  for (const read of Object.values(named)) read.catch(() => undefined);
  return named;
}

/**
 * Finds what the route acts in, and holds the caller's rights and the required states against it.
 * @throws DomainError `not_found` for a scope that is missing or foreign, then `environment_not_tenant_managed`
 * (where nothing can be inside), `not_found` for what is missing inside, `server_lookup_disabled`.
 */
export async function enterScope(
  ctx: Ctx<"organizations" | "projects" | "environments">,
  route: Route,
  actor: Actor | undefined,
  named: Named,
): Promise<Record<string, unknown>> {
  const scope = await findScope(ctx, route, actor, named);
  const found = await named.found;
  if (route.finds && found === undefined) throw notFound();
  if (route.requires.includes("server_lookup") && !allowsLookup(scope)) {
    throw new DomainError("server_lookup_disabled", "Server lookup is switched off for the project.");
  }
  return { ...scope, found };
}

const allowsLookup = ({ project, environment }: Found): boolean =>
  project?.server_lookup_enabled === true && environment?.server_lookup_allowed !== false;

async function findScope(
  ctx: Ctx<"organizations" | "projects" | "environments">,
  route: Route,
  actor: Actor | undefined,
  named: Named,
): Promise<Found> {
  if (route.scope === "public") return {};
  if (!actor) throw new Error(`${route.operationId} has a scope but no credential`);
  if (route.scope === "caller") return { actor };
  if (route.scope === "organization") {
    const organization = (await named.organization)?.value;
    if (!organization || !administers(actor, organization)) throw notFound();
    return { actor, organization };
  }
  const project = (await named.project)?.value;
  if (!project) throw notFound();
  const wantsEnvironment = route.scope === "tenant" && project.environment_id !== null;
  const [organization, environment] = await Promise.all([
    actor.type === "user" ? ctx.organizations.get(project.organization_id) : undefined,
    wantsEnvironment && project.environment_id ? ctx.environments.get(project.environment_id) : undefined,
  ]);
  if (!mayEnter(actor, project, organization?.value)) throw notFound();
  if (route.scope === "tenant" && !isTenantManaged(project, environment?.value)) {
    throw new DomainError(
      "environment_not_tenant_managed",
      "The project's environment does not belong to its organization alone.",
    );
  }
  return { actor, project, environment: environment?.value };
}

const administers = (actor: Actor, organization: Organization | undefined): boolean =>
  actor.type === "user" && organization !== undefined && organization.admins.includes(actor.id);

function mayEnter(actor: Actor, project: Project, organization: Organization | undefined): boolean {
  if (actor.type === "user") return administers(actor, organization);
  return (
    actor.organization_id === project.organization_id &&
    (actor.project_ids === null || actor.project_ids.includes(project.id))
  );
}
