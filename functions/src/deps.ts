import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as logger from "firebase-functions/logger";
import {
  isDemoProject,
  params,
  readDestinations,
  readDeviceLimits,
  readRuntime,
  readSecrets,
  type secrets,
} from "./config.ts";
import { createApiKeys } from "./data/apikeys.ts";
import { createAudit } from "./data/audit.ts";
import { createBudgets } from "./data/budgets.ts";
import { createCalibrations } from "./data/calibrations.ts";
import { createDevices } from "./data/devices.ts";
import { createEnvironments } from "./data/environments.ts";
import { createEvents } from "./data/events.ts";
import { createCommit, openFirestore } from "./data/firestore.ts";
import { createGarbage } from "./data/garbage.ts";
import { createIdentityTokens, openAuth } from "./data/identity.ts";
import type { Keyring } from "./data/keyring.ts";
import { createMembers } from "./data/members.ts";
import { createOrganizations } from "./data/organizations.ts";
import { createProjects } from "./data/projects.ts";
import { createRegistrations } from "./data/registrations.ts";
import { createScans } from "./data/scans.ts";
import { createSessions } from "./data/sessions.ts";
import { createTransactions } from "./data/transactions.ts";
import { Limiter } from "./domain/budget/limiter.ts";
import { policiesOf } from "./domain/budget/policies.ts";
import type { Ports, Surroundings } from "./domain/context.ts";
import { Guesses } from "./domain/registration/guesses.ts";
import { REGION } from "./options.ts";

/** The real time, ids and log. */
const surroundings: Surroundings = {
  now: () => new Date(),
  id: () => randomUUID(),
  random: () => Math.random(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  log: {
    warn: (message, facts) => logger.warn(message, facts),
    error: (message, facts) => logger.error(message, facts),
  },
};

type CorePorts =
  | "apiKeys"
  | "audit"
  | "calibrations"
  | "commit"
  | "devices"
  | "environments"
  | "events"
  | "garbage"
  | "identityTokens"
  | "members"
  | "organizations"
  | "projects"
  | "registrations"
  | "scans"
  | "sessions"
  | "transactions";
type ApiDeps = Surroundings & Pick<Ports, CorePorts | "limiter" | "policies">;
type AdminPorts = CorePorts | "changes" | "palms" | "users";
type GalleryPorts = "changes" | "extraction" | "galleries" | "palms" | "sealing" | "templates";
/** What an event needs to become tasks. */
type DispatchPorts = "deliveries" | "queue" | "schedule" | "webhooks";

/** The clients that every function has; they open no connection until they are used. */
function connect() {
  const runtime = readRuntime(process.env);
  return { ...runtime, db: openFirestore(runtime.projectId), auth: openAuth(runtime.projectId) };
}

type Clients = ReturnType<typeof connect>;

/** Firestore's plain collections, and Auth. */
function coreDeps({ db, auth }: Clients): Surroundings & Pick<Ports, CorePorts> {
  return {
    ...surroundings,
    apiKeys: createApiKeys(db),
    audit: createAudit(db),
    calibrations: createCalibrations(db),
    commit: createCommit(db),
    devices: createDevices(db),
    environments: createEnvironments(db),
    events: createEvents(db),
    garbage: createGarbage(db),
    identityTokens: createIdentityTokens(auth, {
      requireSecondFactor: params.REQUIRE_SECOND_FACTOR.value(),
    }),
    members: createMembers(db),
    organizations: createOrganizations(db),
    projects: createProjects(db),
    registrations: createRegistrations(db),
    scans: createScans(db),
    sessions: createSessions(db),
    transactions: createTransactions(db),
  };
}

/** Limits, and who keeps them. */
function rateDeps({ db }: Clients): Pick<Ports, "limiter" | "policies"> {
  return {
    limiter: new Limiter({ ...surroundings, budgets: createBudgets(db) }),
    policies: policiesOf({
      sandbox: params.RATE_SANDBOX.value(),
      business: params.RATE_BUSINESS.value(),
      enterprise: params.RATE_ENTERPRISE.value(),
      user: params.RATE_USER.value(),
      terminal: params.RATE_TERMINAL.value(),
      address: params.RATE_ADDRESS.value(),
      proxy: params.RATE_PROXY.value(),
      registration: params.RATE_REGISTRATION.value(),
      code: params.RATE_CODE.value(),
      duplicate: params.RATE_DUPLICATE.value(),
      mismatch: params.RATE_MISMATCH.value(),
    }),
  };
}

/** A keyring of this process, which has checked all of its keyrings. */
async function keyringOf(name: keyof typeof secrets, { projectId }: Clients): Promise<Keyring> {
  const { openKeyring } = await import("./data/keyring.ts");
  return openKeyring(name, readSecrets(), { isDemo: isDemoProject(projectId) });
}

/** Where the answers to idempotent requests are recorded. */
async function onceDeps(clients: Clients): Promise<Pick<Ports, "idempotency">> {
  const [{ createIdempotencyRecords }, { createSealer }, keyring] = await Promise.all([
    import("./data/idempotency.ts"),
    import("./data/keyring.ts"),
    keyringOf("SEAL_KEYS", clients),
  ]);
  return { idempotency: createIdempotencyRecords(clients.db, createSealer(keyring)) };
}

/** The keys of devices that are not fetched yet. */
async function deviceKeyDeps(clients: Clients): Promise<Pick<Ports, "deviceKeys">> {
  const { createDeviceKeySealing } = await import("./data/keyring.ts");
  return { deviceKeys: createDeviceKeySealing(await keyringOf("SEAL_KEYS", clients)) };
}

/** Palms as documents, and the log that says what was erased. */
async function palmDeps({ db }: Clients): Promise<Pick<Ports, "changes" | "palms">> {
  const [{ createChanges }, { createPalms }] = await Promise.all([
    import("./data/changes.ts"),
    import("./data/palms.ts"),
  ]);
  return { changes: createChanges(db), palms: createPalms(db) };
}

/** Storage is loaded when a template is first written or erased: few requests do either. */
async function templatesDeps({ projectId }: Clients): Promise<Pick<Ports, "templates">> {
  const { createTemplates } = await import("./data/templates.ts");
  const bucket = params.TEMPLATE_BUCKET.value();
  if (!bucket) throw new Error("the parameter TEMPLATE_BUCKET is empty");
  const open = () => import("./data/storage.ts").then(({ openStorage }) => openStorage(projectId));
  return { templates: createTemplates(open, bucket) };
}

async function sealingDeps(clients: Clients): Promise<Pick<Ports, "sealing">> {
  const { createSealing } = await import("./data/keyring.ts");
  return { sealing: createSealing(await keyringOf("TEMPLATE_KEYS", clients)) };
}

/** Subscriptions and what is sent to them, the queue, and when. Its client is loaded for the first task. */
async function dispatchDeps({ db, projectId }: Clients): Promise<Pick<Ports, DispatchPorts>> {
  const [{ createWebhooks }, { createDeliveries }, { createQueue }, { createSchedule }] = await Promise.all([
    import("./data/webhooks.ts"),
    import("./data/deliveries.ts"),
    import("./data/queue.ts"),
    import("./domain/delivery/schedule.ts"),
  ]);
  const open = () => import("./data/tasks.ts").then(({ openTasks }) => openTasks());
  return {
    webhooks: createWebhooks(db),
    deliveries: createDeliveries(db),
    queue: createQueue({ projectId, region: REGION, open, now: surroundings.now }),
    schedule: createSchedule({ grace_ms: params.WEBHOOK_SWEEP_GRACE_S.value() * 1000 }),
  };
}

async function secretsDeps(clients: Clients): Promise<Pick<Ports, "secrets">> {
  const { createSecretSealing } = await import("./data/keyring.ts");
  return { secrets: createSecretSealing(await keyringOf("WEBHOOK_KEYS", clients)) };
}

/** The client for whatever a customer names, and the keys of their secrets. */
async function sendingDeps(clients: Clients): Promise<Pick<Ports, "outbound" | "secrets">> {
  const [{ createOutbound, hostsOf }, secrets] = await Promise.all([
    import("./data/outbound.ts"),
    secretsDeps(clients),
  ]);
  const policy = readDestinations();
  const ownHosts = [...policy.ownHosts, ...hostsOf(clients.projectId)];
  return { outbound: createOutbound({ ...policy, ownHosts }), ...secrets };
}

/** What every function that serves routes has. @public */
export function apiDeps(clients: Clients = connect()): ApiDeps {
  return { ...coreDeps(clients), ...rateDeps(clients) };
}

/** For `apikeys`. @public */
export async function apikeysDeps(): Promise<ApiDeps & Pick<Ports, "idempotency">> {
  const clients = connect();
  return { ...apiDeps(clients), ...(await onceDeps(clients)) };
}

/** For `devices`: and what limits devices and wrong registration codes. @public */
export async function devicesDeps(): Promise<
  ApiDeps & Pick<Ports, "deviceKeys" | "deviceLimits" | "guesses" | "idempotency">
> {
  const clients = connect();
  const [keys, once] = await Promise.all([deviceKeyDeps(clients), onceDeps(clients)]);
  const deps = apiDeps(clients);
  const guesses = new Guesses({ ...deps, budgets: createBudgets(clients.db) });
  return { ...deps, ...keys, ...once, guesses, deviceLimits: readDeviceLimits() };
}

/** For `enrollments`. @public */
export async function enrollmentsDeps(): Promise<ApiDeps & Pick<Ports, "idempotency">> {
  const clients = connect();
  return { ...apiDeps(clients), ...(await onceDeps(clients)) };
}

/** For `terminal`. @public */
export async function terminalDeps(): Promise<ApiDeps & Pick<Ports, "deviceKeys" | "formats">> {
  const clients = connect();
  const api = apiDeps(clients);
  const [keys, { Formats }] = await Promise.all([
    deviceKeyDeps(clients),
    import("./domain/environment/formats.ts"),
  ]);
  return { ...api, ...keys, formats: new Formats(api) };
}

/** For `projects`. @public */
export async function projectsDeps(): Promise<ApiDeps & Pick<Ports, "changes" | "palms">> {
  const clients = connect();
  return { ...apiDeps(clients), ...(await palmDeps(clients)) };
}

/** For `members`. @public */
export async function membersDeps(): Promise<ApiDeps & Pick<Ports, "changes" | "palms" | "idempotency">> {
  const clients = connect();
  const [palms, once] = await Promise.all([palmDeps(clients), onceDeps(clients)]);
  return { ...apiDeps(clients), ...palms, ...once };
}

/** For `webhooks`. @public */
export async function webhooksDeps(): Promise<
  ApiDeps & Pick<Ports, DispatchPorts | "idempotency" | "outbound" | "secrets">
> {
  const clients = connect();
  const [dispatch, sending, once] = await Promise.all([
    dispatchDeps(clients),
    sendingDeps(clients),
    onceDeps(clients),
  ]);
  return { ...apiDeps(clients), ...dispatch, ...sending, ...once };
}

/** For `identify` alone: galleries, templates and the keys that open them, and the limits of duplicates and mismatches. */
export async function galleryDeps(): Promise<
  ApiDeps & Pick<Ports, GalleryPorts | DispatchPorts | "duplicates" | "idempotency" | "mismatches">
> {
  const clients = connect();
  const [
    live,
    { Duplicates },
    { Mismatches },
    { ExtractionPool },
    palms,
    dispatch,
    once,
    templates,
    { sealing },
  ] = await Promise.all([
    import("./domain/palm/galleries.ts"),
    import("./domain/palm/duplicates.ts"),
    import("./domain/palm/mismatches.ts"),
    import("./data/extraction.ts"),
    palmDeps(clients),
    dispatchDeps(clients),
    onceDeps(clients),
    templatesDeps(clients),
    sealingDeps(clients),
  ]);
  const { changes } = palms;
  const deps = apiDeps(clients);
  const budgets = createBudgets(clients.db);
  return {
    ...deps,
    ...palms,
    ...dispatch,
    ...once,
    ...templates,
    extraction: new ExtractionPool(),
    galleries: new live.Galleries(
      { changes, sealing, log: surroundings.log },
      params.GALLERY_MEMORY_MIB.value() * 2 ** 20,
    ),
    duplicates: new Duplicates({ ...deps, budgets }),
    mismatches: new Mismatches({ ...deps, budgets }),
    sealing,
  };
}

/** For `health`: a check of each dependency. @public */
export async function healthDeps(): Promise<ApiDeps & Pick<Ports, "checks">> {
  const clients = connect();
  const { projectId } = clients;
  const [checks, health] = await Promise.all([
    import("./data/health.ts"),
    import("./domain/health/checkHealth.ts"),
  ]);
  const list = [
    checks.createFirestoreCheck(projectId),
    checks.createAuthCheck(projectId),
    checks.createStorageCheck(params.TEMPLATE_BUCKET.value()),
    checks.createTasksCheck({ projectId, region: REGION, queue: "deliverwebhook" }),
  ];
  // A first call fetches a token, which may take longer than a check may: let nobody wait for that.
  for (const { run } of list) run().catch(() => undefined);
  return { ...apiDeps(clients), checks: new health.Checks(list, () => performance.now()) };
}

/** For `deliverwebhook` and `retrywebhook`. @public */
export async function deliveryDeps(): Promise<
  Surroundings & Pick<Ports, CorePorts | DispatchPorts | "breaker" | "outbound" | "secrets">
> {
  const clients = connect();
  const [dispatch, sending, { Breaker }] = await Promise.all([
    dispatchDeps(clients),
    sendingDeps(clients),
    import("./domain/delivery/breaker.ts"),
  ]);
  return { ...coreDeps(clients), ...dispatch, ...sending, breaker: new Breaker(surroundings) };
}

/** For `outbox`. @public */
export async function outboxDeps(): Promise<Surroundings & Pick<Ports, CorePorts | DispatchPorts>> {
  const clients = connect();
  return { ...coreDeps(clients), ...(await dispatchDeps(clients)) };
}

/** For `sweeper`: what it sweeps. @public */
export async function sweeperDeps(): Promise<
  Surroundings & Pick<Ports, CorePorts | DispatchPorts | "templates">
> {
  const clients = connect();
  const [dispatch, templates] = await Promise.all([dispatchDeps(clients), templatesDeps(clients)]);
  return { ...coreDeps(clients), ...dispatch, ...templates };
}

/** For the operator's command: what it lists, makes and changes. @public */
export async function adminDeps(
  clients: Clients = connect(),
): Promise<Surroundings & Pick<Ports, AdminPorts>> {
  const [palms, { createUsers }] = await Promise.all([palmDeps(clients), import("./data/users.ts")]);
  return { ...coreDeps(clients), ...palms, users: createUsers(clients.auth) };
}

/** The same with webhooks and the keyring of their secrets, for what seals those anew. @public */
export async function secretKeyDeps(): Promise<
  Surroundings & Pick<Ports, AdminPorts | "secrets" | "webhooks">
> {
  const clients = connect();
  const [admin, secrets, { createWebhooks }] = await Promise.all([
    adminDeps(clients),
    secretsDeps(clients),
    import("./data/webhooks.ts"),
  ]);
  return { ...admin, ...secrets, webhooks: createWebhooks(clients.db) };
}

/** The same with the keyring, for what makes or wraps data keys or opens templates. @public */
export async function keyDeps(): Promise<Surroundings & Pick<Ports, AdminPorts | "extraction" | "sealing">> {
  const clients = connect();
  const [admin, sealing, { extractionHere }] = await Promise.all([
    adminDeps(clients),
    sealingDeps(clients),
    import("./data/extraction.ts"),
  ]);
  return { ...admin, ...sealing, extraction: extractionHere };
}

/** The same with the keyring of what is kept for a while, for what registers devices. @public */
export async function sealKeyDeps(): Promise<
  Surroundings & Pick<Ports, AdminPorts | "deviceKeys" | "deviceLimits">
> {
  const clients = connect();
  const [admin, keys] = await Promise.all([adminDeps(clients), deviceKeyDeps(clients)]);
  return { ...admin, ...keys, deviceLimits: readDeviceLimits() };
}
