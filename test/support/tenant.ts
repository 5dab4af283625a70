import { randomUUID } from "node:crypto";
import { adminDeps, deliveryDeps, devicesDeps, galleryDeps, terminalDeps } from "../../functions/src/deps.ts";
import type { ApiKey } from "../../functions/src/domain/apikey/apikey.ts";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import { createEnvironment } from "../../functions/src/domain/environment/createEnvironment.ts";
import type { Environment } from "../../functions/src/domain/environment/environment.ts";
import type { MemberFields } from "../../functions/src/domain/member/member.ts";
import type { Organization } from "../../functions/src/domain/organization/organization.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import { loadParameters, newUser } from "./suite.ts";

/** What is said of a member of whom nothing is. */
export const NOBODY: MemberFields = {
  name: null,
  external_id: null,
  email: null,
  phone_number: null,
  metadata: {},
};

/** Every port on the emulators, as the high-memory function and the operator's command have them. */
export type Deps = Awaited<ReturnType<typeof openDeps>>;

/** Opens all ports. Call it in a `before`. */
export async function openDeps() {
  loadParameters();
  return {
    ...(await adminDeps()),
    ...(await galleryDeps()),
    ...(await devicesDeps()),
    ...(await terminalDeps()),
    ...(await deliveryDeps()),
  };
}

/** One customer of its own: no test shares data with another. */
export interface Tenant {
  organization: Organization;
  environment: Environment;
  project: Project;
  user: { uid: string; token: string };
  /** A key of the whole organization, as sent. */
  key: string;
}

/** Makes an organization with an admin, an environment, a project and a key. */
export async function newTenant(
  deps: Deps,
  more: {
    organization?: Partial<Organization>;
    project?: Partial<Project>;
    environment?: Partial<Environment>;
  } = {},
): Promise<Tenant> {
  const created_at = new Date();
  const organization_id = randomUUID();
  const user = await newUser(`${organization_id}@tenant.example`);
  const organization: Organization = {
    id: organization_id,
    name: "Tenant",
    plan: "business",
    admins: [user.uid],
    created_at,
    ...more.organization,
  };
  const environment: Environment = {
    id: randomUUID(),
    organization_id,
    type: "organization",
    template_format: "palm-code.v1",
    target_fpir: 1e-3,
    server_lookup_allowed: true,
    calibration: null,
    created_at,
    ...more.environment,
  };
  const project: Project = {
    id: randomUUID(),
    organization_id,
    environment_id: environment.id,
    name: "Front door",
    phone_number: null,
    website: null,
    sandbox: true,
    server_lookup_enabled: true,
    created_at,
    ...more.project,
  };
  await createEnvironment(deps, environment);
  await deps.commit([deps.organizations.create(organization), deps.projects.create(project)]);
  const { key } = await newApiKey(deps, { organization_id, project_ids: null });
  return { organization, environment, project, user, key };
}

/** Stores a key directly. */
export async function newApiKey(
  deps: Deps,
  fields: Pick<ApiKey, "organization_id" | "project_ids"> & Partial<ApiKey>,
): Promise<{ record: ApiKey; key: string }> {
  const id = randomUUID();
  const { key, prefix, secret_hash } = newKey("pg", id);
  const record: ApiKey = {
    id,
    prefix,
    name: "test",
    created_by_user_id: "tester",
    permissions: null,
    expires_at: null,
    secret_hash,
    created_at: new Date(),
    last_used_at: null,
    revoked_at: null,
    ...fields,
  };
  await deps.commit([deps.apiKeys.create(record)]);
  return { record, key };
}
