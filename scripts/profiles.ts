import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** `dev` is `npm start`, `demo` is `npm run demo`, `test` and `docs` are `npm test`: all of them can run side by side. */
export type Profile = "demo" | "dev" | "docs" | "test";

export const ROOT = dirname(import.meta.dirname);

const PROFILES: Record<Profile, { project: string; shift: number }> = {
  dev: { project: "demo-palmgate", shift: 0 },
  demo: { project: "demo-palmgate", shift: 100 },
  test: { project: "demo-palmgate-test", shift: 200 },
  docs: { project: "demo-palmgate", shift: 300 },
};

type Emulator =
  | "auth"
  | "eventarc"
  | "firestore"
  | "functions"
  | "hosting"
  | "hub"
  | "logging"
  | "storage"
  | "tasks";

export type Ports = Record<Emulator | "firestoreWebsocket", number>;

interface FirebaseConfig {
  emulators: Record<Emulator, { port?: number; websocketPort?: number }>;
}

/** firebase.json for a profile: the ports there are those of `dev`, the others use them moved by a hundred. */
export function profileConfig(profile: Profile): { project: string; config: FirebaseConfig; ports: Ports } {
  const { project, shift } = PROFILES[profile];
  const config = JSON.parse(readFileSync(join(ROOT, "firebase.json"), "utf8")) as FirebaseConfig;
  const ports: Partial<Ports> = {};
  for (const [name, emulator] of Object.entries(config.emulators)) {
    if (emulator.port === undefined) continue;
    emulator.port += shift;
    ports[name as Emulator] = emulator.port;
    if (emulator.websocketPort === undefined) continue;
    emulator.websocketPort += shift;
    ports.firestoreWebsocket = emulator.websocketPort;
  }
  return { project, config, ports: ports as Ports };
}

/** What points a process to a profile's emulators. */
export function emulatorEnv(ports: Ports) {
  return {
    FIRESTORE_EMULATOR_HOST: `127.0.0.1:${ports.firestore}`,
    FIREBASE_AUTH_EMULATOR_HOST: `127.0.0.1:${ports.auth}`,
    FIREBASE_STORAGE_EMULATOR_HOST: `127.0.0.1:${ports.storage}`,
    STORAGE_EMULATOR_HOST: `http://127.0.0.1:${ports.storage}`,
    CLOUD_TASKS_EMULATOR_HOST: `127.0.0.1:${ports.tasks}`,
  };
}
