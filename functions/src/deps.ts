import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as logger from "firebase-functions/logger";
import { params, readRuntime, readSecret } from "./config.ts";
import { createApiKeys } from "./data/apikeys.ts";
import { createEnvironments } from "./data/environments.ts";
import { createEvents } from "./data/events.ts";
import { createCommit, openFirestore } from "./data/firestore.ts";
import { createGarbage } from "./data/garbage.ts";
import { createIdentityTokens, openAuth } from "./data/identity.ts";
import { createMembers } from "./data/members.ts";
import { createOrganizations } from "./data/organizations.ts";
import { createProjects } from "./data/projects.ts";
import { createScans } from "./data/scans.ts";
import type { Ports, Surroundings } from "./domain/context.ts";
import { REGION } from "./options.ts";

/** The real time, ids and log. */
export const surroundings: Surroundings = {
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
  | "environments"
  | "events"
  | "garbage"
  | "identityTokens"
  | "members"
  | "organizations"
  | "projects"
  | "scans";
type GalleryPorts = "changes" | "galleries" | "palms" | "sealing" | "templates";

/** What every function has: Firestore's plain collections, and Auth. The clients open no connection until used. */
export function coreDeps(): Surroundings & Pick<Ports, CorePorts> {
  const { projectId } = readRuntime(process.env);
  const db = openFirestore(projectId);
  return {
    ...surroundings,
    apiKeys: createApiKeys(db),
    commit: createCommit(db),
    environments: createEnvironments(db),
    events: createEvents(db),
    garbage: createGarbage(db),
    identityTokens: createIdentityTokens(openAuth(projectId)),
    members: createMembers(db),
    organizations: createOrganizations(db),
    projects: createProjects(db),
    scans: createScans(db),
  };
}

/** For `identify` alone: galleries, templates and the keys that open them. */
export async function galleryDeps(): Promise<Surroundings & Pick<Ports, CorePorts | GalleryPorts>> {
  const { projectId } = readRuntime(process.env);
  const [keyring, log, palms, templates, storage, live] = await Promise.all([
    import("./data/keyring.ts"),
    import("./data/changes.ts"),
    import("./data/palms.ts"),
    import("./data/templates.ts"),
    import("./data/storage.ts"),
    import("./domain/palm/galleries.ts"),
  ]);
  const db = openFirestore(projectId);
  const sealing = keyring.createSealing(
    keyring.parseKeyring("TEMPLATE_KEYS", readSecret("TEMPLATE_KEYS", projectId)),
  );
  const changes = log.createChanges(db);
  return {
    ...coreDeps(),
    changes,
    galleries: new live.Galleries({ changes, sealing }, params.GALLERY_MEMORY_MIB.value() * 2 ** 20),
    palms: palms.createPalms(db),
    sealing,
    templates: templates.createTemplates(storage.openStorage(projectId), params.TEMPLATE_BUCKET.value()),
  };
}

/** For `health`: a check of each dependency. */
export async function healthDeps(): Promise<Surroundings & Pick<Ports, CorePorts | "checks">> {
  const { projectId, tasksEmulatorHost } = readRuntime(process.env);
  const [checks, health, queue, storage] = await Promise.all([
    import("./data/health.ts"),
    import("./domain/health/checkHealth.ts"),
    import("./data/queue.ts"),
    import("./data/storage.ts"),
  ]);
  const list = [
    checks.createFirestoreCheck(openFirestore(projectId)),
    checks.createAuthCheck(openAuth(projectId)),
    checks.createStorageCheck(storage.openStorage(projectId), params.TEMPLATE_BUCKET.value()),
    queue.createQueueCheck({
      projectId,
      region: REGION,
      name: "deliverwebhook",
      emulatorHost: tasksEmulatorHost,
    }),
  ];
  return { ...coreDeps(), checks: new health.Checks(list, surroundings.now) };
}

/** For `sweeper`: what it sweeps. */
export async function sweeperDeps(): Promise<Surroundings & Pick<Ports, CorePorts | "templates">> {
  const { projectId } = readRuntime(process.env);
  const [templates, storage] = await Promise.all([
    import("./data/templates.ts"),
    import("./data/storage.ts"),
  ]);
  return {
    ...coreDeps(),
    templates: templates.createTemplates(storage.openStorage(projectId), params.TEMPLATE_BUCKET.value()),
  };
}
