import { randomUUID } from "node:crypto";
import type { ApiKey } from "../../functions/src/domain/apikey/apikey.ts";
import type { AuditEntry } from "../../functions/src/domain/audit/audit.ts";
import type { Ctx, Ports, Surroundings } from "../../functions/src/domain/context.ts";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import { type Device, dueAt } from "../../functions/src/domain/device/device.ts";
import { isActive, type Session } from "../../functions/src/domain/enrollment/session.ts";
import type { Environment } from "../../functions/src/domain/environment/environment.ts";
import { Formats } from "../../functions/src/domain/environment/formats.ts";
import type { Event } from "../../functions/src/domain/event/event.ts";
import type { GarbageItem } from "../../functions/src/domain/garbage/garbage.ts";
import type { IdempotencyRecord } from "../../functions/src/domain/idempotency/record.ts";
import type { Member } from "../../functions/src/domain/member/member.ts";
import type { Organization } from "../../functions/src/domain/organization/organization.ts";
import type { Change, Manifest } from "../../functions/src/domain/palm/changes.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import type { Palm } from "../../functions/src/domain/palm/palm.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import type { Scan } from "../../functions/src/domain/scan/scan.ts";
import type { Stored, Write } from "../../functions/src/domain/store.ts";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
import { POLICIES, UNLIMITED } from "./limits.ts";
import { commitSteps, deviceKeysOf, newRing, Shelf, sealingOf, step } from "./memory.ts";
import { newDeviceWithKey } from "./rows.ts";
import { NOBODY } from "./tenant.ts";

/** Passes when the caller may go on: between two of its calls of ports anything may happen. */
export type Gate = (call: string) => Promise<void>;

/** What routes of terminals, sessions, members and palms use; everything but limits and the queue is real. */
export type TerminalCtx = Ctx<
  | ("apiKeys" | "audit" | "changes" | "commit" | "deliveries" | "deviceKeys" | "devices" | "environments")
  | ("events" | "galleries" | "garbage" | "idempotency" | "identityTokens" | "limiter" | "members")
  | ("organizations" | "palms" | "policies" | "projects" | "queue" | "registrations" | "scans" | "schedule")
  | ("sealing" | "sessions" | "templates" | "transactions" | "webhooks")
>;

const ORGANIZATION = "aaaaaaaa-0000-4000-8000-00000000000a";
const PROJECT = "bbbbbbbb-0000-4000-8000-00000000000b";
const ENVIRONMENT = "cccccccc-0000-4000-8000-00000000000c";

/**
 * One customer's stores in memory, by a clock that a test moves. Each `instance` is a process with a gallery of its own;
 * they meet in the stores alone, whose commits are all or nothing and hold to what was read.
 */
export function terminalWorld({ type = "organization" }: { type?: Environment["type"] } = {}) {
  let at = Date.parse("2026-01-02T03:04:05.678Z");
  const now = () => new Date(at);
  const created_at = now();
  const logged: string[] = [];
  const shelves = {
    apiKeys: new Shelf<ApiKey>(),
    audit: new Shelf<AuditEntry>(),
    changes: new Shelf<Change>(),
    devices: new Shelf<Device>(),
    events: new Shelf<Event>(),
    garbage: new Shelf<GarbageItem>(),
    idempotency: new Shelf<IdempotencyRecord>(),
    manifests: new Shelf<Manifest>(),
    members: new Shelf<Member>(),
    organizations: new Shelf<Organization>(),
    palms: new Shelf<Palm>(),
    scans: new Shelf<Scan>(),
    sessions: new Shelf<Session>(),
    transactions: new Shelf<Transaction>(),
  };
  const objects = new Map<string, Uint8Array>();
  const watchers = new Set<{ id: string; tell(): void }>();

  const environment: Environment = {
    id: ENVIRONMENT,
    organization_id: ORGANIZATION,
    type,
    template_format: "palm-code.v1",
    target_fpir: 1e-3,
    server_lookup_allowed: true,
    calibration: null,
    created_at,
  };
  const project: Project = {
    ...{ id: PROJECT, organization_id: ORGANIZATION, environment_id: ENVIRONMENT, name: "Front door" },
    ...{ phone_number: null, website: null, sandbox: true, server_lookup_enabled: true, created_at },
  };
  const ring = newRing("k1");
  const sealing = sealingOf(ring);
  shelves.manifests.put(ENVIRONMENT, { wrapped_key: sealing.newDataKey(ENVIRONMENT) });
  shelves.organizations.put(ORGANIZATION, {
    ...{ id: ORGANIZATION, name: "Acme", plan: "business", admins: [], device_count: 50, created_at },
  });
  const key_id = randomUUID();
  const made = newKey("pg", key_id);
  shelves.apiKeys.put(key_id, {
    ...{ id: key_id, prefix: made.prefix, secret_hash: made.secret_hash, organization_id: ORGANIZATION },
    ...{ name: "test", created_by_user_id: "tester", project_ids: null, created_at },
    ...{ permissions: null, expires_at: null, last_used_at: created_at, revoked_at: null },
  });
  const token = made.key;

  function newTerminal(): { id: string; key: string } {
    const { device, key } = newDeviceWithKey({ project_id: PROJECT, last_seen_at: created_at });
    shelves.devices.put(device.id, device);
    return { id: device.id, key };
  }

  function newMember(): string {
    const id = randomUUID();
    shelves.members.put(id, {
      ...{ id, project_id: PROJECT, ...NOBODY, palm_ids: [], last_session_id: null },
      ...{ created_at, updated_at: created_at },
    });
    return id;
  }

  const seqOf = (seq: number) => String(seq).padStart(12, "0");
  const log = () => [...shelves.changes.stored.keys()].sort();

  /** One process: `gate` is asked before each of its calls takes effect. */
  function instance(gate: Gate = async () => undefined): TerminalCtx {
    const gated =
      <A extends unknown[], R>(name: string, call: (...args: A) => R | Promise<R>) =>
      async (...args: A): Promise<R> => {
        await gate(name);
        return call(...args);
      };
    const nothing = async () => {
      throw new Error("nobody has this here");
    };
    const surroundings: Surroundings = {
      now,
      id: () => randomUUID(),
      random: () => 0.5,
      // It is over when its turn comes; by then so much time has passed.
      async sleep(ms, signal) {
        const until = at + ms;
        await gate(`sleep ${ms}`);
        if (!signal?.aborted) at = Math.max(at, until);
      },
      log: {
        warn: (message, facts) => logged.push(`warn ${message} ${JSON.stringify(facts)}`),
        error: (message, facts) => logged.push(`error ${message} ${JSON.stringify(facts)}`),
      },
    };
    const changes: Ports["changes"] = {
      readAfter: gated("changes.readAfter", (id, seq, limit) => ({
        manifest: shelves.manifests.stored.get(id)?.value,
        changes: log()
          .filter((one) => one > seqOf(seq))
          .slice(0, limit)
          .map((one) => shelves.changes.stored.get(one)?.value as Change),
        malformed: [],
        more: log().filter((one) => one > seqOf(seq)).length >= limit,
      })),
      head: gated("changes.head", () => Number(log().at(-1) ?? 0)),
      manifest: gated("changes.manifest", shelves.manifests.get),
      createManifest: shelves.manifests.create,
      replaceManifest: shelves.manifests.replace,
      bind: (_id, seq, mac) => edit(shelves.changes, seqOf(seq), { mac }),
      append: (_id, change) => shelves.changes.create(seqOf(change.seq), change),
      redact: (_id, seq) => edit(shelves.changes, seqOf(seq), { template: null }),
    };
    const ports = {
      apiKeys: {
        get: gated("apiKeys.get", shelves.apiKeys.get),
        touch: gated("apiKeys.touch", () => undefined),
      },
      audit: { create: (entry: AuditEntry) => shelves.audit.create(entry.id, entry) },
      changes,
      commit: gated("commit", async (writes: readonly Write[]) => {
        const outcome = await commitSteps(writes);
        if (outcome === "committed") for (const { tell } of watchers) tell();
        return outcome;
      }),
      deliveries: {},
      deviceKeys: deviceKeysOf(ring),
      devices: {
        get: gated("devices.get", shelves.devices.get),
        enrolling: gated("devices.enrolling", ({ id }: { id: string }) =>
          shelves.devices.find(
            ({ session }) => session !== null && isActive(session) && session.member_id === id,
          ),
        ),
        due: gated("devices.due", (until: Date, limit: number) =>
          shelves.devices.find((device) => (dueAt(device) ?? Infinity) <= until, limit),
        ),
        create: (device: Device) => shelves.devices.create(device.id, device),
        replace: shelves.devices.replace,
        remove: shelves.devices.remove,
        touch: (id: string, seen: Pick<Device, "last_seen_at" | "app_version">) =>
          step({
            holds: () => shelves.devices.stored.has(id),
            apply: () =>
              shelves.devices.put(id, { ...(shelves.devices.stored.get(id)?.value as Device), ...seen }),
          }),
        watch(id: string, { next }: { next(device: Stored<Device> | undefined): void }) {
          let last: Stored<Device> | null | undefined = null;
          const tell = () => {
            const current = shelves.devices.stored.get(id);
            if (current === last) return;
            last = current;
            void gate("devices.watch").then(() => watchers.has(watcher) && next(current));
          };
          const watcher = { id, tell };
          watchers.add(watcher);
          tell();
          return () => void watchers.delete(watcher);
        },
      },
      environments: { get: gated("environments.get", () => ({ value: environment })) },
      events: {
        create: (event: Event) => shelves.events.create(event.id, event),
        get: gated("events.get", (_project: string, id: string) => shelves.events.get(id)),
        markDispatched: (event: Event, dispatched_at: Date) =>
          step({
            holds: () => shelves.events.stored.has(event.id),
            apply: () => shelves.events.put(event.id, { ...event, dispatched_at }),
          }),
      },
      garbage: {
        add: gated("garbage.add", (item: GarbageItem) => {
          shelves.garbage.put(item.id, item);
          return shelves.garbage.stored.get(item.id);
        }),
        isCurrent: gated(
          "garbage.isCurrent",
          (was: Stored<GarbageItem>) => shelves.garbage.stored.get(was.value.id) === was,
        ),
        create: (item: GarbageItem) => shelves.garbage.create(item.id, item),
        replace: shelves.garbage.replace,
        remove: shelves.garbage.remove,
        forget: (id: string) =>
          step({ holds: () => true, apply: () => void shelves.garbage.stored.delete(id) }),
        due: gated("garbage.due", (until: Date, limit: number) =>
          shelves.garbage.find(({ due_at }) => due_at <= until, limit),
        ),
      },
      idempotency: {
        get: gated("idempotency.get", shelves.idempotency.get),
        create: (record: IdempotencyRecord) => shelves.idempotency.create(record.id, record),
        replace: shelves.idempotency.replace,
      },
      identityTokens: { verify: async () => undefined },
      limiter: UNLIMITED,
      members: {
        get: gated("members.get", (_project: string, id: string) => shelves.members.get(id)),
        replace: shelves.members.replace,
        remove: shelves.members.remove,
      },
      organizations: {
        get: gated("organizations.get", shelves.organizations.get),
        replace: shelves.organizations.replace,
      },
      palms: {
        getMany: gated("palms.getMany", (_environment: string, ids: readonly string[]) =>
          shelves.palms.find(({ id }) => ids.includes(id)),
        ),
        find: gated("palms.find", (_environment: string, ids: readonly string[]) => ({
          palms: shelves.palms.find(({ id }) => ids.includes(id)),
          malformed: [],
        })),
        create: (palm: Palm) => shelves.palms.create(palm.id, palm),
        replace: shelves.palms.replace,
        remove: shelves.palms.remove,
      },
      policies: POLICIES,
      projects: {
        get: gated("projects.get", (id: string) => (id === PROJECT ? { value: project } : undefined)),
      },
      queue: { enqueue: nothing },
      registrations: { get: gated("registrations.get", () => undefined) },
      scans: { create: (scan: Scan) => shelves.scans.create(scan.id, scan) },
      schedule: {},
      sealing,
      sessions: {
        get: gated("sessions.get", (_device: string, id: string) => shelves.sessions.get(id)),
        create: (session: Session) => shelves.sessions.create(session.id, session),
      },
      templates: {
        put: gated("templates.put", (object: string, bytes: Uint8Array) => void objects.set(object, bytes)),
        delete: gated("templates.delete", (object: string) => void objects.delete(object)),
      },
      transactions: { create: (one: Transaction) => shelves.transactions.create(one.id, one) },
      webhooks: { ofProject: gated("webhooks.ofProject", () => []) },
    };
    return {
      ...surroundings,
      ...ports,
      formats: new Formats({ ...surroundings, ...ports } as unknown as ConstructorParameters<
        typeof Formats
      >[0]),
      galleries: new Galleries({ changes, sealing, log: surroundings.log }, 2 ** 30),
    } as unknown as TerminalCtx;
  }

  return {
    ...{ project, environment, token, shelves, objects, logged, now },
    ...{ instance, newMember, newTerminal },
    advance: (ms: number) => {
      at += ms;
    },
  };
}

/** Changes fields of a change that is there. */
const edit = (changes: Shelf<Change>, id: string, fields: Partial<Change>): Write =>
  step({
    holds: () => changes.stored.has(id),
    apply: () => changes.put(id, { ...(changes.stored.get(id)?.value as Change), ...fields }),
  });
