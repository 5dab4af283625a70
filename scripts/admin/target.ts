import { join } from "node:path";
import type { adminDeps, keyDeps, sealKeyDeps, secretKeyDeps } from "../../functions/src/deps.ts";
import { answers } from "../ports.ts";
import { emulatorEnv, profileConfig, ROOT } from "../profiles.ts";

export type Ports = Awaited<ReturnType<typeof adminDeps>>;
export type KeyPorts = Awaited<ReturnType<typeof keyDeps>>;
export type SecretKeyPorts = Awaited<ReturnType<typeof secretKeyDeps>>;
export type SealKeyPorts = Awaited<ReturnType<typeof sealKeyDeps>>;

const DEV = profileConfig("dev");

/** Loaded late: help and wrong usage need no client of Google's. */
const deps = () => import("../../functions/src/deps.ts");

/** Opens what a project stores; says first which project that is. */
export async function openPorts(project: string | undefined, say: (words: string) => void): Promise<Ports> {
  await surround(project ?? DEV.project, say);
  return (await deps()).adminDeps();
}

/** The same with the keyring of palms. */
export async function openKeys(project: string | undefined, say: (words: string) => void): Promise<KeyPorts> {
  await surround(project ?? DEV.project, say);
  demand("TEMPLATE_KEYS", project);
  return (await deps()).keyDeps();
}

/** The same with the keyring of webhooks' secrets. */
export async function openSecretKeys(
  project: string | undefined,
  say: (words: string) => void,
): Promise<SecretKeyPorts> {
  await surround(project ?? DEV.project, say);
  demand("WEBHOOK_KEYS", project);
  return (await deps()).secretKeyDeps();
}

/** The same with the keyring of what is kept for a while. */
export async function openSealKeys(
  project: string | undefined,
  say: (words: string) => void,
): Promise<SealKeyPorts> {
  await surround(project ?? DEV.project, say);
  demand("SEAL_KEYS", project);
  return (await deps()).sealKeyDeps();
}

function demand(ring: string, project: string | undefined): void {
  if (process.env[ring]) return;
  throw new Error(
    `${ring} is not set: ${ring}="$(npx firebase functions:secrets:access ${ring} --project ${project})"`,
  );
}

/** Gives this process the surroundings that the project's functions have; what is set already stays. */
async function surround(project: string, say: (words: string) => void): Promise<void> {
  process.env["GCLOUD_PROJECT"] = project;
  if (!project.startsWith("demo-")) {
    say(`production project ${project}`);
    return;
  }
  for (const [name, value] of Object.entries(emulatorEnv(DEV.ports))) process.env[name] ??= value;
  // Nobody's real project is to be asked for credentials.
  process.env["METADATA_SERVER_DETECTION"] = "none";
  process.loadEnvFile(join(ROOT, "functions/.secret.local"));
  for (const name of ["FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST"]) {
    const host = process.env[name] ?? "";
    const { hostname, port } = new URL(`http://${host}`);
    if (!(await answers(Number(port), hostname))) {
      throw new Error(`the emulators are not running (nobody answers at ${host}): npm start starts them`);
    }
  }
  say(`emulators at ${process.env["FIRESTORE_EMULATOR_HOST"]}, project ${project}`);
}
