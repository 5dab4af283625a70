import type { Environment } from "../environment/environment.ts";
import { DomainError } from "../errors.ts";
import type { Effect, Stored, Write } from "../store.ts";

/** One place or app of an organization: members, scans and webhooks live in it. */
export interface Project {
  id: string;
  organization_id: string;
  environment_id: string | null;
  name: string;
  phone_number: string | null;
  website: string | null;
  sandbox: boolean;
  server_lookup_enabled: boolean;
  created_at: Date;
}

export interface Projects {
  get(id: string): Promise<Stored<Project> | undefined>;
  /** Those of `ids` that exist, in any order. */
  getMany(ids: readonly string[]): Promise<Project[]>;
  /** All projects of the organizations (any number of them), in any order. */
  ofOrganizations(organization_ids: readonly string[]): Promise<Project[]>;
  create(project: Project): Write;
  replace(was: Stored<Project>, now: Project): Write;
}

export const effectOn = ({ id, organization_id }: Project): Effect => ({
  target: { type: "project", id },
  organization_id,
  project_id: id,
});

/** @throws DomainError `conflict` where server lookup cannot be switched on. */
export function requireLookupAllowed(environment: Environment | undefined): void {
  if (environment?.server_lookup_allowed) return;
  throw new DomainError("conflict", "The project has no environment that allows server lookup.");
}

/** Whether the project's palms may be looked up on the server, which its environment can forbid. */
export const isServerLookupOn = (project: Project, environment: Environment | undefined): boolean =>
  project.server_lookup_enabled && environment?.server_lookup_allowed !== false;

/** Palms of the project can live in the environment: with members, or in a global one without. */
export const takesPalms = (project: Project, environment: Environment | undefined): boolean =>
  environment?.type === "global" || isTenantManaged(project, environment);

/** Members and their palms are the customer's own: an environment of the project's organization alone. */
export function isTenantManaged(project: Project, environment: Environment | undefined): boolean {
  return environment?.type === "organization" && environment.organization_id === project.organization_id;
}
