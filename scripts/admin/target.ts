import { existsSync } from "node:fs";
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
type Deps = Awaited<ReturnType<typeof deps>>;

/** Opens what a project stores, by a keyring where one is named; says first which project that is. */
const opener =
  <P>(give: (deps: Deps) => P | Promise<P>, ring?: string) =>
  async (project: string | undefined, say: (words: string) => void): Promise<P> => {
    await surround(project ?? DEV.project, say);
    if (ring) demand(ring, project);
    return give(await deps());
  };

export const openPorts = opener((deps) => deps.adminDeps());
export const openKeys = opener((deps) => deps.keyDeps(), "TEMPLATE_KEYS");
export const openSecretKeys = opener((deps) => deps.secretKeyDeps(), "WEBHOOK_KEYS");
export const openSealKeys = opener((deps) => deps.sealKeyDeps(), "SEAL_KEYS");

function demand(ring: string, project: string | undefined): void {
  if (process.env[ring]) return;
  throw new Error(
    `${ring} is not set: ${ring}="$(npx firebase functions:secrets:access ${ring} --project ${project})"`,
  );
}

/** Gives this process the surroundings that the project's functions have; what is set already stays. */
async function surround(project: string, say: (words: string) => void): Promise<void> {
  process.env["GCLOUD_PROJECT"] = project;
  const parameters = join(ROOT, `functions/.env.${project}`);
  if (existsSync(parameters)) process.loadEnvFile(parameters);
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
