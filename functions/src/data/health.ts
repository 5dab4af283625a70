import { applicationDefault } from "firebase-admin/app";
import { type Check, LIMIT_MS } from "../domain/health/checkHealth.ts";

/** Nobody and nothing has this id: asking for it costs a service the least. */
const NOBODY = "health";

/** One cheap read of Firestore; the emulator when `FIRESTORE_EMULATOR_HOST` is set. */
export function createFirestoreCheck(projectId: string): Check {
  const emulator = process.env["FIRESTORE_EMULATOR_HOST"];
  const root = emulator ? `http://${emulator}` : "https://firestore.googleapis.com";
  const database = `projects/${projectId}/databases/(default)`;
  return {
    name: "firestore",
    critical: true,
    run: () =>
      ask(`${root}/v1/${database}/documents:batchGet`, {
        documents: [`${database}/documents/organizations/${NOBODY}`],
      }),
  };
}

/** One look-up of a user that does not exist; in the emulator when `FIREBASE_AUTH_EMULATOR_HOST` is set. */
export function createAuthCheck(projectId: string): Check {
  const emulator = process.env["FIREBASE_AUTH_EMULATOR_HOST"];
  const root = `${emulator ? `http://${emulator}/` : "https://"}identitytoolkit.googleapis.com`;
  return {
    name: "auth",
    critical: true,
    run: () => ask(`${root}/v1/projects/${projectId}/accounts:lookup`, { localId: [NOBODY] }),
  };
}

/** One look at an object that does not exist, in the bucket of templates; 404 says so. */
export function createStorageCheck(bucket: string): Check {
  const root = process.env["STORAGE_EMULATOR_HOST"] ?? "https://storage.googleapis.com";
  return {
    name: "storage",
    critical: false,
    run: () => ask(`${root}/storage/v1/b/${bucket}/o/${NOBODY}`, undefined, 404),
  };
}

/** One look at a queue of Cloud Tasks; in the emulator, when `CLOUD_TASKS_EMULATOR_HOST` is set, at its statistics. */
export function createTasksCheck(at: { projectId: string; region: string; queue: string }): Check {
  const emulator = process.env["CLOUD_TASKS_EMULATOR_HOST"];
  const queue = `projects/${at.projectId}/locations/${at.region}/queues/${at.queue}`;
  const url = emulator ? `http://${emulator}/queueStats` : `https://cloudtasks.googleapis.com/v2/${queue}`;
  return { name: "cloud_tasks", critical: false, run: () => ask(url) };
}

/**
 * Asks by plain HTTP on a connection of its own, because the services' clients cannot be called off: they try
 * again for minutes, keep dead connections, and reconnect when they see fit.
 * @throws Error when nothing, or not the `expected` status, has come in LIMIT_MS.
 */
async function ask(url: string, body?: object, expected = 200): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const token = url.startsWith("https:")
    ? (await applicationDefault().getAccessToken()).access_token
    : "owner";
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Connection: "close" },
    ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
    signal,
  });
  await response.arrayBuffer();
  if (response.status !== expected) throw new Error(`${url} answered ${response.status}`);
}
