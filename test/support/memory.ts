import { randomBytes } from "node:crypto";
import {
  createDeviceKeySealing,
  createSealing,
  createSecretSealing,
  parseKeyring,
} from "../../functions/src/data/keyring.ts";
import type { AuditEntry } from "../../functions/src/domain/audit/audit.ts";
import type { Device, Devices } from "../../functions/src/domain/device/device.ts";
import type { Environment } from "../../functions/src/domain/environment/environment.ts";
import type { Organization } from "../../functions/src/domain/organization/organization.ts";
import type { Changes, Manifest } from "../../functions/src/domain/palm/changes.ts";
import type { Palms } from "../../functions/src/domain/palm/palm.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import type { Registration } from "../../functions/src/domain/registration/registration.ts";
import type { Commit, Stored, Write } from "../../functions/src/domain/store.ts";
import type { User, Users } from "../../functions/src/domain/user/user.ts";
import type { Webhook, Webhooks } from "../../functions/src/domain/webhook/webhook.ts";
import { testSurroundings } from "./surroundings.ts";

/** A write of this store: whether it may be done, and doing it. */
interface Step {
  holds(): boolean;
  apply(): void;
}

/** Documents by id, each read as a version of its own. */
export class Shelf<T> {
  readonly stored = new Map<string, Stored<T>>();

  get = async (id: string): Promise<Stored<T> | undefined> => this.stored.get(id);
  all = async (): Promise<T[]> => [...this.stored.values()].map(({ value }) => value);
  put = (id: string, value: T) => this.stored.set(id, { value, version: {} } as Stored<T>);

  create = (id: string, value: T): Write =>
    step({ holds: () => !this.stored.has(id), apply: () => this.put(id, value) });

  replace = (was: Stored<T>, value: T): Write => {
    const find = () => [...this.stored].find(([, stored]) => stored === was)?.[0];
    return step({ holds: () => find() !== undefined, apply: () => this.put(find() as string, value) });
  };

  remove = (was: Stored<T>): Write => {
    const find = () => [...this.stored].find(([, stored]) => stored === was)?.[0];
    return step({ holds: () => find() !== undefined, apply: () => this.stored.delete(find() as string) });
  };

  /** Those that a test finds, in an order. */
  find(test: (value: T) => boolean, limit = Infinity): Stored<T>[] {
    return [...this.stored.values()].filter(({ value }) => test(value)).slice(0, limit);
  }
}

/** Does every step or none. */
export const commitSteps: Commit = async (writes) => {
  const steps = writes as unknown as readonly Step[];
  if (!steps.every(({ holds }) => holds())) return "conflict";
  for (const { apply } of steps) apply();
  return "committed";
};

export const step = (made: Step): Write => made as unknown as Write;

/** A keyring secret of new keys. */
export const newRing = (...kids: string[]): Record<string, string> =>
  Object.fromEntries(kids.map((kid) => [kid, randomBytes(32).toString("base64")]));

export const sealingOf = (ring: Record<string, string>) =>
  createSealing(parseKeyring("TEMPLATE_KEYS", JSON.stringify(ring)));

export const secretsOf = (ring: Record<string, string>) =>
  createSecretSealing(parseKeyring("WEBHOOK_KEYS", JSON.stringify(ring)));

export const deviceKeysOf = (ring: Record<string, string>) =>
  createDeviceKeySealing(parseKeyring("SEAL_KEYS", JSON.stringify(ring)));

/** When the users of `memoryPorts` were created. */
export const CREATED_AT = new Date("2026-01-01T00:00:00.000Z");

/** What the operator's verbs use, in memory: commits are all or nothing, and hold to what was read. */
export function memoryPorts(sealing = sealingOf(newRing("k1"))) {
  const organizations = new Shelf<Organization>();
  const environments = new Shelf<Environment>();
  const projects = new Shelf<Project>();
  const manifests = new Shelf<Manifest>();
  const webhooks = new Shelf<Webhook>();
  const registrations = new Shelf<Registration>();
  const codes = new Shelf<string>();
  const devices = new Shelf<Device>();
  const entries = new Shelf<AuditEntry>();
  const known: User[] = [];
  let commits = 0;
  const commit: Commit = async (writes) => {
    const outcome = await commitSteps(writes);
    if (outcome === "committed") commits += 1;
    return outcome;
  };
  return {
    ...testSurroundings(),
    commit,
    commits: () => commits,
    manifests,
    entries: entries.all,
    audit: { create: (entry: AuditEntry) => entries.create(entry.id, entry) },
    organizations: {
      get: organizations.get,
      all: organizations.all,
      ofAdmin: async () => [],
      create: (organization: Organization) => organizations.create(organization.id, organization),
      replace: organizations.replace,
    },
    environments: {
      get: environments.get,
      all: environments.all,
      create: (environment: Environment) => environments.create(environment.id, environment),
      replace: environments.replace,
    },
    projects: {
      get: projects.get,
      getMany: async () => [],
      ofOrganizations: async (ids: readonly string[]) =>
        (await projects.all()).filter(({ organization_id }) => ids.includes(organization_id)),
      create: (project: Project) => projects.create(project.id, project),
      replace: projects.replace,
    },
    changes: {
      manifest: manifests.get,
      readAfter: async (id: string) => ({
        manifest: manifests.stored.get(id)?.value,
        ...{ changes: [], malformed: [], more: false },
      }),
      createManifest: manifests.create,
      replaceManifest: manifests.replace,
    } as unknown as Changes,
    palms: {
      count: async () => 24,
      after: async () => ({ palms: [], malformed: [] }),
    } as unknown as Palms,
    webhooks: {
      get: (_project: string, id: string) => webhooks.get(id),
      create: (webhook: Webhook) => webhooks.create(webhook.id, webhook),
      replace: webhooks.replace,
      async *all() {
        yield await webhooks.all();
      },
    } as unknown as Webhooks,
    registrations: {
      get: registrations.get,
      withCode: async (code_hash: string) => registrations.get((await codes.get(code_hash))?.value ?? ""),
      create: (registration: Registration) => registrations.create(registration.id, registration),
      claimCode: ({ code_hash, id }: Registration) => codes.create(code_hash, id),
      replace: registrations.replace,
    },
    devices: {
      get: devices.get,
      ofProject: (id: string) => ({
        count: async () => devices.find(({ project_id }) => project_id === id).length,
      }),
      create: (device: Device) => devices.create(device.id, device),
      replace: devices.replace,
      remove: devices.remove,
    } as unknown as Devices,
    /** What is stored of devices. */
    allDevices: devices.all,
    deviceKeys: deviceKeysOf(newRing("k1")),
    deviceLimits: { sandbox: 5, business: 100, enterprise: Number.POSITIVE_INFINITY },
    secrets: secretsOf(newRing("k1")),
    sealing,
    known,
    users: {
      find: async (who) => known.find(({ id, email }) => id === who || email === who),
      async create({ email }) {
        if (known.some((user) => user.email === email)) return undefined;
        const user = { id: `uid-of-${email}`, email, email_verified: true, created_at: CREATED_AT };
        known.push(user);
        return user;
      },
    } satisfies Users,
  };
}
