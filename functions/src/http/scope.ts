import type { Actor, Ctx, Ports } from "../domain/context.ts";
import type { Device } from "../domain/device/device.ts";
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
  device: Promise<Stored<Device> | undefined>;
  /** What `finds` finds; `undefined` too when the route finds nothing more. */
  found: Promise<unknown>;
}

/** A scope that was found and may be entered. */
export interface Found {
  actor?: Actor;
  organization?: Organization;
  project?: Project;
  environment?: Environment | undefined;
  device?: Stored<Device>;
  /** What `finds` found. */
  found?: unknown;
  /** What `begins` began. */
  begun?: unknown;
}

type ScopeCtx = Ctx<"organizations" | "projects" | "environments">;

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
    device: id && param === "device_id" ? ctx.devices.get(id) : absent,
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
  ctx: ScopeCtx,
  route: Route,
  actor: Actor | undefined,
  named: Named,
): Promise<Found> {
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
  ctx: ScopeCtx,
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
  return route.scope === "device" ? enterDevice(ctx, actor, named) : enterProject(ctx, route, actor, named);
}

async function enterProject(ctx: ScopeCtx, route: Route, actor: Actor, named: Named): Promise<Found> {
  const project = (await named.project)?.value;
  if (!project || (actor.type === "api_key" && !opens(actor, project))) throw notFound();
  const { organization_id, environment_id } = project;
  const begun = environment_id === null ? undefined : route.begins?.(ctx as Ctx<keyof Ports>, environment_id);
  const [organization, environment] = await Promise.all([
    actor.type === "user" ? ctx.organizations.get(organization_id) : undefined,
    route.scope === "tenant" && environment_id !== null ? ctx.environments.get(environment_id) : undefined,
  ]);
  if (actor.type === "user" && !administers(actor, organization?.value)) throw notFound();
  if (route.scope === "tenant" && !isTenantManaged(project, environment?.value)) {
    throw new DomainError(
      "environment_not_tenant_managed",
      "The project's environment does not belong to its organization alone.",
    );
  }
  return { actor, project, environment: environment?.value, begun };
}

/** A user's organizations are asked for beside the project, which would name its own one round trip later. */
async function enterDevice(ctx: ScopeCtx, actor: Actor, named: Named): Promise<Found> {
  const device = await named.device;
  if (!device) throw notFound();
  const [project, administered] = await Promise.all([
    ctx.projects.get(device.value.project_id),
    actor.type === "user" ? ctx.organizations.ofAdmin(actor.id) : [],
  ]);
  if (!project) throw notFound();
  const may =
    actor.type === "user"
      ? administered.some(({ id }) => id === project.value.organization_id)
      : opens(actor, project.value);
  if (!may) throw notFound();
  return { actor, project: project.value, device };
}

const administers = (actor: Actor, organization: Organization | undefined): boolean =>
  actor.type === "user" && organization !== undefined && organization.admins.includes(actor.id);

/** Whether a key opens a project. */
const opens = (key: Actor & { type: "api_key" }, project: Project): boolean =>
  key.organization_id === project.organization_id &&
  (key.project_ids === null || key.project_ids.includes(project.id));
