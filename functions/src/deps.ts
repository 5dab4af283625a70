import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as logger from "firebase-functions/logger";
import { params, readRuntime, readSecret } from "./config.ts";
import { createApiKeys } from "./data/apikeys.ts";
import { createDevices } from "./data/devices.ts";
import { createEnvironments } from "./data/environments.ts";
import { createEvents } from "./data/events.ts";
import { createCommit, openFirestore } from "./data/firestore.ts";
import { createGarbage } from "./data/garbage.ts";
import { createIdentityTokens, openAuth } from "./data/identity.ts";
import { createMembers } from "./data/members.ts";
import { createOrganizations } from "./data/organizations.ts";
import { createProjects } from "./data/projects.ts";
import { createScans } from "./data/scans.ts";
import { createTransactions } from "./data/transactions.ts";
import type { Ports, Surroundings } from "./domain/context.ts";
import { REGION } from "./options.ts";

/** The real time, ids and log. */
const surroundings: Surroundings = {
  now: () => new Date(),
  id: () => randomUUID(),
  random: () => Math.random(),
  sleep: (ms) => sleep(ms),
  log: {
    warn: (message, facts) => logger.warn(message, facts),
    error: (message, facts) => logger.error(message, facts),
  },
};

type CorePorts =
  | "apiKeys"
  | "commit"
  | "devices"
  | "environments"
  | "events"
  | "garbage"
  | "identityTokens"
  | "members"
  | "organizations"
  | "projects"
  | "scans"
  | "transactions";
type AdminPorts = CorePorts | "changes" | "palms" | "users";
type GalleryPorts = "changes" | "galleries" | "palms" | "sealing" | "templates";

/** The clients that every function has; they open no connection until they are used. */
function connect() {
  const runtime = readRuntime(process.env);
  return { ...runtime, db: openFirestore(runtime.projectId), auth: openAuth(runtime.projectId) };
}

type Clients = ReturnType<typeof connect>;

/** Firestore's plain collections, and Auth. @public */
export function coreDeps({ db, auth }: Clients = connect()): Surroundings & Pick<Ports, CorePorts> {
  return {
    ...surroundings,
    apiKeys: createApiKeys(db),
    commit: createCommit(db),
    devices: createDevices(db),
    environments: createEnvironments(db),
    events: createEvents(db),
    garbage: createGarbage(db),
    identityTokens: createIdentityTokens(auth),
    members: createMembers(db),
    organizations: createOrganizations(db),
    projects: createProjects(db),
    scans: createScans(db),
    transactions: createTransactions(db),
  };
}

/** Storage is loaded when a template is first written or erased: few requests do either. */
async function templatesDeps({ projectId }: Clients): Promise<Pick<Ports, "templates">> {
  const { createTemplates } = await import("./data/templates.ts");
  const bucket = params.TEMPLATE_BUCKET.value();
  if (!bucket) throw new Error("the parameter TEMPLATE_BUCKET is empty");
  const open = () => import("./data/storage.ts").then(({ openStorage }) => openStorage(projectId));
  return { templates: createTemplates(open, bucket) };
}

/** For `projects` and `members`: palms as documents, and the log that says what was erased. @public */
export async function palmDeps(
  clients: Clients = connect(),
): Promise<Surroundings & Pick<Ports, CorePorts | "changes" | "palms">> {
  const [log, palms] = await Promise.all([import("./data/changes.ts"), import("./data/palms.ts")]);
  return {
    ...coreDeps(clients),
    changes: log.createChanges(clients.db),
    palms: palms.createPalms(clients.db),
  };
}

async function sealingDeps({ projectId }: Clients): Promise<Pick<Ports, "sealing">> {
  const { createSealing, parseKeyring } = await import("./data/keyring.ts");
  return { sealing: createSealing(parseKeyring("TEMPLATE_KEYS", readSecret("TEMPLATE_KEYS", projectId))) };
}

/** For `identify` alone: galleries, templates and the keys that open them. */
export async function galleryDeps(): Promise<Surroundings & Pick<Ports, CorePorts | GalleryPorts>> {
  const clients = connect();
  const [live, palms, templates, { sealing }] = await Promise.all([
    import("./domain/palm/galleries.ts"),
    palmDeps(clients),
    templatesDeps(clients),
    sealingDeps(clients),
  ]);
  const { changes } = palms;
  return {
    ...palms,
    ...templates,
    galleries: new live.Galleries({ changes, sealing }, params.GALLERY_MEMORY_MIB.value() * 2 ** 20),
    sealing,
  };
}

/** For `health`: a check of each dependency. @public */
export async function healthDeps(): Promise<Surroundings & Pick<Ports, CorePorts | "checks">> {
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
  return { ...coreDeps(clients), checks: new health.Checks(list, () => performance.now()) };
}

/** For `sweeper`: what it sweeps. @public */
export async function sweeperDeps(): Promise<Surroundings & Pick<Ports, CorePorts | "templates">> {
  const clients = connect();
  return { ...coreDeps(clients), ...(await templatesDeps(clients)) };
}

/** For the operator's command: what it lists, makes and changes. @public */
export async function adminDeps(
  clients: Clients = connect(),
): Promise<Surroundings & Pick<Ports, AdminPorts>> {
  const [palms, { createUsers }] = await Promise.all([palmDeps(clients), import("./data/users.ts")]);
  return { ...palms, users: createUsers(clients.auth) };
}

/** The same with the keyring, for what makes or wraps data keys. @public */
export async function keyDeps(): Promise<Surroundings & Pick<Ports, AdminPorts | "sealing">> {
  const clients = connect();
  return { ...(await adminDeps(clients)), ...(await sealingDeps(clients)) };
}
