import type { Actor, Ctx, Ports } from "../domain/context.ts";
import type { Device } from "../domain/device/device.ts";
import type { Environment } from "../domain/environment/environment.ts";
import { DomainError, notFound } from "../domain/errors.ts";
import { administeredBy, administers, type Organization } from "../domain/organization/organization.ts";
import { isServerLookupOn, isTenantManaged, type Project, takesPalms } from "../domain/project/project.ts";
import type { Registration } from "../domain/registration/registration.ts";
import type { Stored } from "../domain/store.ts";
import type { Authenticated } from "./auth.ts";
import { type Route, SCOPE_PARAMS, STATES } from "./route.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What the path names, being read while the credential is looked up. */
export interface Named {
  organization: Promise<Stored<Organization> | undefined>;
  project: Promise<Stored<Project> | undefined>;
  device: Promise<Stored<Device> | undefined>;
  /** What `finds` finds; `undefined` too when the route finds nothing more. */
  found: Promise<unknown>;
  /** The same where it needs the device that asks, which is not known yet. */
  find(device: Device): Promise<unknown>;
}

/** A scope that was found and may be entered. */
export interface Found {
  actor?: Actor;
  organization?: Organization;
  project?: Project;
  environment?: Environment | undefined;
  device?: Stored<Device>;
  registration?: Stored<Registration>;
  /** What `finds` found. */
  found?: unknown;
  /** What `begins` began. */
  begun?: unknown;
}

type ScopeCtx = Ctx<"organizations" | "projects" | "environments">;

const isTerminals = ({ scope }: Route): boolean => scope === "terminal" || scope === "terminalPalms";

/** Begins to read what the path names; ids that are none are not looked up. */
export function readNamed(ctx: Ctx<keyof Ports>, route: Route, params: Record<string, string>): Named {
  const param =
    route.scope in SCOPE_PARAMS ? SCOPE_PARAMS[route.scope as keyof typeof SCOPE_PARAMS] : undefined;
  const sound = Object.values(params).every((value) => UUID.test(value));
  const id = param && sound ? params[param] : undefined;
  const absent = Promise.resolve(undefined);
  const find = (device?: Device) => (sound ? (route.finds?.(ctx, params, device) ?? absent) : absent);
  const named: Named = {
    organization: id && param === "org_id" ? ctx.organizations.get(id) : absent,
    project: id && param === "project_id" ? ctx.projects.get(id) : absent,
    device: id && param === "device_id" ? ctx.devices.get(id) : absent,
    found: isTerminals(route) ? absent : find(),
    find,
  };
  // A refusal before they are awaited must not leave a rejection unheard.
  for (const read of Object.values(named)) if (read instanceof Promise) read.catch(() => undefined);
  return named;
}

/** Begins to read the project of the terminal that asks, where the route acts in it. */
export function readTerminalProject(
  ctx: Ctx<"projects">,
  { scope }: Route,
  caller: Authenticated,
  named: Named,
): Named {
  if (scope !== "terminalPalms" || caller.kind !== "deviceKey") return named;
  const project = ctx.projects.get(caller.device.value.project_id);
  // The request may be refused before it is awaited.
  project.catch(() => undefined);
  return { ...named, project };
}

/**
 * Finds what the route acts in, and holds the caller's rights and the required states against it.
 * @throws DomainError `not_found` for a scope that is missing or foreign, then `environment_not_tenant_managed`
 * (where nothing can be inside), `not_found` for what is missing inside, then the code of a state that is missing.
 */
export async function enterScope(
  ctx: ScopeCtx,
  route: Route,
  caller: Authenticated | undefined,
  named: Named,
): Promise<Found> {
  const scope = await findScope(ctx, route, caller, named);
  const found = await (isTerminals(route) && scope.device ? named.find(scope.device.value) : named.found);
  if (route.finds && found === undefined) throw notFound();
  for (const state of route.requires) {
    if (!HOLDS[state](scope)) throw new DomainError(STATES[state], MISSING[state]);
  }
  return { ...scope, found };
}

type State = keyof typeof STATES;

const HOLDS: Record<State, (scope: Found) => boolean> = {
  server_lookup: ({ project, environment }) =>
    project !== undefined && isServerLookupOn(project, environment),
  sandbox: ({ project }) => project?.sandbox === true,
  enabled: ({ device }) => device?.value.enabled === true,
};

const MISSING: Record<State, string> = {
  server_lookup: "Server lookup is switched off for the project.",
  sandbox: "The project is no sandbox: its operator registers devices.",
  enabled: "The device is disabled.",
};

async function findScope(
  ctx: ScopeCtx,
  route: Route,
  caller: Authenticated | undefined,
  named: Named,
): Promise<Found> {
  if (route.scope === "public") return {};
  if (caller?.kind === "claimToken") return { registration: caller.registration };
  const actor = caller?.actor;
  if (!actor) throw new Error(`${route.operationId} has a scope but no credential`);
  if (route.scope === "caller") return { actor };
  if (route.scope === "organization") {
    const organization = (await named.organization)?.value;
    if (!organization || !administers(actor, organization)) throw notFound();
    return { actor, organization };
  }
  if (caller.kind === "deviceKey") return enterAsTerminal(ctx, route, caller, named);
  return route.scope === "device" || route.scope === "devicePalms"
    ? enterDevice(ctx, route, actor, named)
    : enterProject(ctx, route, actor, named);
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
async function enterDevice(ctx: ScopeCtx, route: Route, actor: Actor, named: Named): Promise<Found> {
  const device = await named.device;
  if (!device) throw notFound();
  const [project, administered] = await Promise.all([
    ctx.projects.get(device.value.project_id),
    administeredBy(ctx, actor),
  ]);
  if (!project) throw notFound();
  const may =
    actor.type === "user"
      ? administered.some(({ id }) => id === project.value.organization_id)
      : actor.type === "api_key" && opens(actor, project.value);
  if (!may) throw notFound();
  const found = { actor, project: project.value, device };
  return route.scope === "devicePalms" ? { ...found, ...(await readPalms(ctx, project.value)) } : found;
}

/** A terminal acts at itself alone: its key has named it. */
async function enterAsTerminal(
  ctx: ScopeCtx,
  route: Route,
  { actor, device }: Authenticated & { kind: "deviceKey" },
  named: Named,
): Promise<Found> {
  if (route.scope === "terminal") return { actor, device };
  const project = (await named.project)?.value;
  if (!project) throw new Error(`device ${device.value.id} has no project`);
  const { environment_id } = project;
  const begun = environment_id === null ? undefined : route.begins?.(ctx as Ctx<keyof Ports>, environment_id);
  return { actor, device, project, begun, ...(await readPalms(ctx, project)) };
}

/** @throws DomainError `environment_not_tenant_managed` where palms cannot live. */
async function readPalms(ctx: ScopeCtx, project: Project): Promise<{ environment: Environment }> {
  const { environment_id } = project;
  const environment = environment_id === null ? undefined : await ctx.environments.get(environment_id);
  if (!takesPalms(project, environment?.value)) {
    throw new DomainError("environment_not_tenant_managed", "The project has no environment for palms.");
  }
  return { environment: environment?.value as Environment };
}

/** Whether a key opens a project. */
const opens = (key: Actor & { type: "api_key" }, project: Project): boolean =>
  key.organization_id === project.organization_id &&
  (key.project_ids === null || key.project_ids.includes(project.id));
