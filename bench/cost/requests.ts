import { randomUUID } from "node:crypto";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import type { Delivery } from "../../functions/src/domain/delivery/delivery.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { registerDevice } from "../../functions/src/domain/device/registerDevice.ts";
import type { Session } from "../../functions/src/domain/enrollment/session.ts";
import { DomainError } from "../../functions/src/domain/errors.ts";
import type { Checks } from "../../functions/src/domain/health/checkHealth.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import { startRegistration } from "../../functions/src/domain/registration/startRegistration.ts";
import { MAX_WEBHOOKS, type Webhook } from "../../functions/src/domain/webhook/webhook.ts";
import { encodePng, newSample, syntheticPalm } from "../../test/support/palms.ts";
import {
  NOWHERE,
  newAttempt,
  newDelivery,
  newDevice,
  newDeviceWithKey,
  newRegistration,
  newSession,
  newTestEvent,
  newWebhook,
  store,
} from "../../test/support/rows.ts";
import { type Deps, NOBODY, newApiKey, newTenant, type Tenant } from "../../test/support/tenant.ts";

/** How many of everything a list finds, and of what it shows a page of. */
export const ROWS = 100;
export const PAGE = 50;
const KEYS = 10;
const PROJECTS = 3;

/** Every port there is. */
export type AllDeps = Deps & { checks: Checks };

/** A tenant, and the ids that its paths name. */
export interface Place extends Tenant {
  ids: Record<string, string>;
  /** Of the device in `ids`. */
  deviceKey: string;
  /** Of a terminal whose code nobody has entered. */
  claimToken: string;
}

/** Where requests are measured: one tenant is changed by them, the other one has lists, which nobody changes. */
export interface Places {
  deps: AllDeps;
  busy: Place;
  full: Place;
  /** A palm that nobody has. */
  newSeed(): number;
}

/** A request to be measured. */
interface Sent {
  ids?: Record<string, string>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Of somebody else than the place's. */
  token?: string;
}

export interface Example {
  /** What is special about it, where one operation has several. */
  which?: string;
  at?: "full";
  /** Makes what this request needs for itself. */
  send?(places: Places): Sent | Promise<Sent>;
}

const page: Example = { which: `a page of ${PAGE}`, at: "full", send: () => ({ query: `per_page=${PAGE}` }) };
const all: Example = { which: `all ${ROWS}`, at: "full" };
const plain: Example = {};

async function otherKey({ deps, busy }: Places): Promise<Sent> {
  const { record } = await newApiKey(deps, { organization_id: busy.organization.id, project_ids: null });
  return { ids: { key_id: record.id } };
}

const updates: Example[] = [
  { which: "its name", send: () => ({ body: { name: "Ada" } }) },
  {
    which: "its `external_id`",
    async send(places) {
      const { id } = await newMember(places, "before");
      return { ids: { member_id: id }, body: { external_id: randomUUID() } };
    },
  },
];

/** What is measured of each operation. */
export const EXAMPLES: Record<string, readonly Example[]> = {
  listScans: [page],
  scanSummary: [
    {
      which: "48 hours, by the hour",
      send: () => ({ query: "bucket=hour&from=2026-01-01T00:30:00Z&to=2026-01-03T00:30:00Z" }),
    },
    {
      which: "7 days, by the day",
      send: () => ({ query: "bucket=day&from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:00Z" }),
    },
  ],
  listTransactions: [page, all],
  exportTransactions: [{ ...all, which: `${ROWS} rows` }],

  listOrganizationApiKeys: [{ which: `${KEYS} keys`, at: "full" }],
  createOrganizationApiKey: [
    { which: "of all projects", send: () => ({ body: { name: "Door", project_ids: null } }) },
    {
      which: "of one project",
      send: ({ busy }) => ({ body: { name: "Door", project_ids: [busy.project.id] } }),
    },
  ],
  revokeOrganizationApiKey: [{ send: otherKey }],
  rotateApiKey: [{ send: async (places) => ({ ...(await otherKey(places)), body: {} }) }],
  listProjectApiKeys: [{ which: `${KEYS} keys`, at: "full" }],
  createProjectApiKey: [{ send: () => ({ body: { name: "Door" } }) }],

  identify: [
    {
      which: "somebody",
      async send(places) {
        const { image } = await newPalm(places);
        return { body: sample(image) };
      },
    },
    { which: "nobody", send: (places) => ({ body: sample(newImage(places)) }) },
  ],
  enrollPalm: [
    {
      which: "a new palm",
      async send(places) {
        const { id: member_id } = await newMember(places);
        return { body: { member_id, samples: [sample(newImage(places))] } };
      },
    },
    {
      which: "a palm that the member has",
      async send(places) {
        const { member_id, image } = await newPalm(places);
        return { body: { member_id, samples: [sample(image)] } };
      },
    },
    {
      which: "a new palm, server lookup off",
      async send(places) {
        const project_id = await newProject(places, { server_lookup_enabled: false });
        const { id: member_id } = await createMember(places.deps, { project_id, fields: NOBODY });
        return { ids: { project_id }, body: { member_id, samples: [sample(newImage(places))] } };
      },
    },
  ],
  verifyPalm: [
    {
      async send(places) {
        const { member_id, image } = await newPalm(places);
        return { ids: { member_id }, body: sample(image) };
      },
    },
  ],

  submitSample: [
    { which: "the first of two", send: async (places) => submitted(places, { samples_required: 2 }) },
    { which: "the last", send: async (places) => submitted(places) },
    {
      which: "one that is refused",
      send: async (places) => ({ ...(await submitted(places)), body: { sample_id: randomUUID(), ...POOR } }),
    },
  ],
  scan: [
    {
      which: "somebody",
      async send(places) {
        const { image } = await newPalm(places);
        return { body: sample(image) };
      },
    },
    { which: "nobody", send: (places) => ({ body: sample(newImage(places)) }) },
    {
      which: "nobody, with a transaction and its `Idempotency-Key`",
      send: (places) => ({
        body: { ...sample(newImage(places)), transaction: { amount_minor: 450, currency: "EUR" } },
        headers: { "Idempotency-Key": randomUUID() },
      }),
    },
  ],

  listDevices: [page],
  getDevice: [plain],
  registerDevice: [
    { send: async (places) => ({ body: { registration_code: await newCodeAt(places), name: "Door" } }) },
  ],
  updateDevice: [{ send: () => ({ body: { name: "Back door" } }) }],
  rotateDeviceKey: [{ send: async (places) => ({ ids: await otherDevice(places), body: {} }) }],
  deleteDevice: [{ send: async (places) => ({ ids: await otherDevice(places) }) }],

  startRegistration: [{ send: () => ({ body: {} }) }],
  claimRegistration: [
    { which: "pending", send: () => ({ body: {} }) },
    { which: "registered", send: async (places) => ({ token: await newClaim(places), body: {} }) },
  ],

  startEnrollment: [
    {
      which: "the first one of a device",
      async send(places) {
        const { id: member_id } = await newMember(places);
        return { ids: { device_id: (await newTerminal(places)).id }, body: { member_id } };
      },
    },
    {
      which: "the next one",
      async send(places) {
        const { id: member_id } = await newMember(places);
        const created_at = new Date(Date.now() - 600_000);
        return { ids: { device_id: (await newTerminal(places, { created_at })).id }, body: { member_id } };
      },
    },
  ],
  getEnrollment: [{ send: async (places) => ({ ids: { device_id: (await newTerminal(places, {})).id } }) }],
  pollEnrollment: [
    {
      which: "answered at once",
      async send(places) {
        const { id, session } = await newTerminal(places, {});
        return { ids: { device_id: id }, body: { session_id: session?.id } };
      },
    },
    {
      which: "a wait",
      async send(places) {
        const { id, session } = await newTerminal(places, {});
        return {
          ids: { device_id: id },
          body: { session_id: session?.id, version: session?.version, wait: 1 },
        };
      },
    },
  ],
  cancelEnrollment: [
    {
      async send(places) {
        const { id, session } = await newTerminal(places, {});
        const session_id = session?.id as string;
        return { ids: { device_id: id, session_id }, query: `session_id=${session_id}` };
      },
    },
  ],
  nextCommand: [
    {
      which: "answered at once",
      send: async (places) => ({ token: (await newTerminal(places, {})).key, body: {} }),
    },
    {
      which: "a wait",
      send: async (places) => ({ token: (await newTerminal(places)).key, body: { wait: 1 } }),
    },
    {
      which: "a wait, the first one in a minute",
      async send(places) {
        const last_seen_at = new Date(Date.now() - 60_000);
        return { token: (await newTerminal(places, undefined, { last_seen_at })).key, body: { wait: 1 } };
      },
    },
  ],

  listMembers: [page, all],
  createMember: [
    { which: "plain", send: () => ({ body: { name: "Ada" } }) },
    { which: "with an `external_id`", send: () => ({ body: { external_id: randomUUID() } }) },
  ],
  getMember: [plain],
  updateMember: updates,
  updateMemberPut: updates,
  deleteMember: [
    {
      which: "with one palm",
      async send(places) {
        const { member_id } = await newPalm(places);
        return { ids: { member_id } };
      },
    },
  ],
  listPalms: [{ which: "one palm" }],
  deletePalm: [
    {
      async send(places) {
        const { member_id, palm_id } = await newPalm(places);
        return { ids: { member_id, palm_id } };
      },
    },
  ],

  listOrganizations: [{ which: "one organization" }],
  listProjects: [{ which: `${PROJECTS} projects`, at: "full" }],
  getProject: [plain],
  getEnvironment: [plain],
  listAudit: [page],
  updateServerLookup: [
    {
      which: "on",
      async send({ deps, busy }) {
        const id = randomUUID();
        await deps.commit([deps.projects.create({ ...busy.project, id, server_lookup_enabled: false })]);
        return { ids: { project_id: id }, body: { enabled: true } };
      },
    },
  ],

  listWebhooks: [
    {
      which: `${MAX_WEBHOOKS} webhooks`,
      async send(places) {
        const project_id = await newProject(places);
        const rows = Array.from({ length: MAX_WEBHOOKS }, () => newWebhook(places.deps, { project_id }));
        await store(places.deps, places.deps.webhooks, rows);
        return { ids: { project_id } };
      },
    },
  ],
  createWebhook: [{ send: () => ({ body: { url: NOWHERE, event_types: ["enrollment.completed"] } }) }],
  getWebhook: [plain],
  updateWebhook: [
    { which: "its description", send: () => ({ body: { description: "Front door" } }) },
    {
      which: "enabled, with a delivery that waits",
      async send(places) {
        const waits = { ...NOT_MADE, status: "pending" } as const;
        return {
          ids: await newHistory(places, { webhook: { enabled: false }, delivery: waits }),
          body: { enabled: true },
        };
      },
    },
  ],
  deleteWebhook: [
    {
      which: "with a delivery of one attempt",
      send: async (places) => ({ ids: await newHistory(places, { attempts: 1 }) }),
    },
  ],
  testWebhook: [{ send: () => ({ body: {} }) }],
  rotateWebhookSecret: [{ send: () => ({ body: {} }) }],
  listDeliveries: [
    {
      which: `a page of ${PAGE}`,
      send: async (places) => ({
        ids: await newHistory(places, { deliveries: ROWS }),
        query: `per_page=${PAGE}`,
      }),
    },
  ],
  listAttempts: [
    { which: `all ${ROWS}`, send: async (places) => ({ ids: await newHistory(places, { attempts: ROWS }) }) },
  ],
  retryDelivery: [{ send: async (places) => ({ ids: await newHistory(places), body: {} }) }],
  recoverDeliveries: [
    {
      which: "a delivery that has failed",
      async send(places) {
        const created_at = new Date(Date.now() - 60_000);
        const failed = { ...NOT_MADE, status: "failed", error: "subscription_disabled" } as const;
        return {
          ids: await newHistory(places, { delivery: { ...failed, created_at } }),
          body: { since: created_at.toISOString() },
        };
      },
    },
  ],
  listEvents: [
    {
      which: `a page of ${PAGE}`,
      async send(places) {
        const project_id = await newProject(places);
        const created_at = new Date(Date.now() - 60_000);
        const rows = Array.from({ length: ROWS }, () => newTestEvent({ project_id, created_at }));
        await store(places.deps, places.deps.events, rows);
        return { ids: { project_id }, query: `per_page=${PAGE}` };
      },
    },
  ],

  liveness: [plain],
  health: [plain],
  openapi: [plain],
};

const sample = (image: Uint8Array) => ({ image: Buffer.from(image).toString("base64") });
const newImage = ({ newSeed }: Places) => encodePng(syntheticPalm({ seed: newSeed() }));

/** A picture of nothing. */
const POOR = sample(encodePng({ width: 144, height: 144, gray: new Uint8Array(144 * 144).fill(128) }));

/** A sample for a session that has just been started at the place's terminal. */
async function submitted(places: Places, more: Partial<Session> = {}): Promise<Sent> {
  const { deps, busy } = places;
  const { project_id = "", device_id = "" } = busy.ids;
  const { id: member_id } = await newMember(places);
  const session = newSession({ device_id, project_id, member_id, ...more });
  const device = await deps.devices.get(device_id);
  if (!device) throw new Error("the place has no terminal");
  await deps.commit([deps.devices.replace(device, { ...device.value, session })]);
  return { ids: { session_id: session.id }, body: { sample_id: randomUUID(), ...sample(newImage(places)) } };
}

/** What is said of a delivery of which no attempt was made. */
const NOT_MADE = { attempts: [], attempt_count: 0, scheduled: 0, last_status_code: null, completed_at: null };

/** Another project of the same customer. */
async function newProject({ deps, busy }: Places, fields: Partial<Project> = {}): Promise<string> {
  const id = randomUUID();
  await deps.commit([deps.projects.create({ ...busy.project, ...fields, id })]);
  return id;
}

/** A webhook with deliveries; the first of them has attempts. Made when asked for: few requests look at them. */
async function newHistory(
  { deps, busy }: Places,
  more: {
    webhook?: Partial<Webhook>;
    delivery?: Partial<Delivery>;
    deliveries?: number;
    attempts?: number;
  } = {},
): Promise<{ webhook_id: string; delivery_id: string }> {
  const { deliveries: many = 1, attempts = 0 } = more;
  const project_id = busy.project.id;
  const webhook = newWebhook(deps, { project_id, ...more.webhook });
  const rows = Array.from({ length: many }, () =>
    newDelivery({ project_id, webhook_id: webhook.id, ...more.delivery }),
  );
  const [first] = rows as [Delivery];
  await deps.commit([
    deps.webhooks.create(webhook),
    ...rows.map((row) => deps.deliveries.create(row)),
    ...Array.from({ length: attempts }, (_, index) =>
      deps.deliveries.createAttempt(first, newAttempt({ attempt: index + 1 })),
    ),
  ]);
  return { webhook_id: webhook.id, delivery_id: first.id };
}

/** The code of a terminal that waits. */
async function newCodeAt({ deps }: Places): Promise<string> {
  const { code } = await startRegistration(deps, { app_version: null, model: null });
  return code;
}

/** The claim token of a terminal whose code was entered. */
async function newClaim({ deps, busy }: Places): Promise<string> {
  const { code, claim_token } = await startRegistration(deps, { app_version: null, model: null });
  await registerDevice(deps, { project: busy.project, code, name: "Door" });
  return claim_token;
}

/** A device that nobody else needs. */
async function otherDevice({ deps, busy }: Places): Promise<{ device_id: string }> {
  const device = newDevice({ project_id: busy.project.id });
  await deps.commit([deps.devices.create(device)]);
  return { device_id: device.id };
}

export const newMember = ({ deps, busy }: Places, external_id: string | null = null) =>
  createMember(deps, {
    project_id: busy.project.id,
    fields: { ...NOBODY, external_id: external_id && `${external_id}-${randomUUID()}` },
  });

/** A terminal that was seen right now, and its key; `session` is of one that was started on it. */
export async function newTerminal(
  { deps, busy }: Places,
  session?: Partial<Session>,
  fields: Partial<Device> = {},
): Promise<Device & { key: string }> {
  const id = randomUUID();
  const project_id = busy.project.id;
  const { device, key } = newDeviceWithKey({
    ...{ id, project_id, last_seen_at: deps.now() },
    session: session ? newSession({ device_id: id, project_id, ...session }) : null,
    ...fields,
  });
  await deps.commit([deps.devices.create(device)]);
  return { ...device, key };
}

/** A member with one palm, and a picture of it. */
async function newPalm(places: Places) {
  const { deps, busy } = places;
  const { id: member_id } = await newMember(places);
  for (;;) {
    const image = newImage(places);
    try {
      const palm = await enrollPalm(deps, { ...busy, member_id, samples: [newSample(image)] });
      return { member_id, palm_id: palm.id, image };
    } catch (error) {
      // Among many synthetic palms two are alike now and then.
      if (!(error instanceof DomainError) || error.code !== "duplicate_palm") throw error;
    }
  }
}

/** Makes both tenants; the full one is filled when one of the examples needs it. */
export async function newPlaces(deps: AllDeps, examples?: readonly Example[]): Promise<Places> {
  // Behind the steady palms, which chains of requests enroll.
  let seed = 1000;
  const places: Places = {
    deps,
    busy: await newPlace(deps),
    full: await newPlace(deps),
    newSeed: () => ++seed,
  };
  const { member_id, palm_id } = await newPalm(places);
  Object.assign(places.busy.ids, { member_id, palm_id });
  if (examples?.every(({ at }) => at !== "full") !== true) await fill(places);
  return places;
}

/** A tenant with one of everything that a path names, but for members. */
export async function newPlace(deps: AllDeps, more: Parameters<typeof newTenant>[1] = {}): Promise<Place> {
  const tenant = await newTenant(deps, more);
  const { id: project_id } = tenant.project;
  const { device, key: deviceKey } = newDeviceWithKey({ project_id });
  const { registration, claimToken } = newRegistration();
  const webhook = newWebhook(deps, { project_id });
  const delivery = newDelivery({ project_id, webhook_id: webhook.id });
  await deps.commit([
    deps.devices.create(device),
    deps.registrations.create(registration),
    deps.webhooks.create(webhook),
    deps.deliveries.create(delivery),
  ]);
  const ids = {
    org_id: tenant.organization.id,
    project_id,
    key_id: parseKey("pg", tenant.key)?.id ?? "",
    device_id: device.id,
    webhook_id: webhook.id,
    delivery_id: delivery.id,
  };
  return { ...tenant, ids, deviceKey, claimToken };
}

/** Gives the full tenant its rows; its first key, project and device are there. */
async function fill({ deps, full }: Places): Promise<void> {
  const { project, organization } = full;
  const project_id = project.id;
  const now = Date.now();
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const id = randomUUID();
    const created_at = new Date(now - (index + 1) * 1000);
    return { id, project_id, created_at };
  });
  await deps.commit(
    rows.map((row) =>
      deps.members.create({
        ...row,
        ...NOBODY,
        palm_ids: [],
        last_session_id: null,
        updated_at: row.created_at,
      }),
    ),
  );
  await deps.commit(
    rows.map((row) =>
      deps.scans.create({
        ...row,
        device_id: null,
        api_key_id: null,
        source: "api",
        operation: "identify",
        outcome: "no_match",
        member_id: null,
        score: null,
        pad_score: null,
      }),
    ),
  );
  await deps.commit(
    rows.map((row) =>
      deps.transactions.create({
        ...row,
        device_id: randomUUID(),
        member_id: null,
        scan_id: randomUUID(),
        status: "declined",
        amount_minor: 450,
        currency: "EUR",
        reference: null,
      }),
    ),
  );
  const actor = { type: "user", id: full.user.uid } as const;
  const target = { type: "project", id: project_id } as const;
  const entry = {
    actor,
    target,
    organization_id: organization.id,
    operation: "updateServerLookup",
    request_id: "",
    client_request_id: null,
  };
  await deps.commit(rows.map((row) => deps.audit.create({ ...row, ...entry })));
  await deps.commit(rows.slice(1).map(() => deps.devices.create(newDevice({ project_id }))));
  await deps.commit(
    Array.from({ length: PROJECTS - 1 }, () => deps.projects.create({ ...project, id: randomUUID() })),
  );
  for (let keys = 1; keys < KEYS; keys++) {
    await newApiKey(deps, { organization_id: organization.id, project_ids: null });
  }
}
