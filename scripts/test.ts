import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { interruption, type Suite, startSuite } from "./emulators.ts";
import { emulatorEnv, type Profile, profileConfig, ROOT } from "./profiles.ts";
import { startWorld } from "./world-start.ts";

/**
 * The suites in the order of their speed, each with the emulators that it runs on: those of a profile are started once.
 * `docs` runs on the demo world; with --running that is the one of `npm start`.
 */
const SUITES = { unit: undefined, firestore: "test", security: "test", e2e: "test", docs: "docs" } as const;
type SuiteName = keyof typeof SUITES;
type Emulators = Pick<Suite, "baseUrl" | "env" | "stop"> & { profile: Profile };

const RUNNING = "--running";
const given = process.argv.slice(2);
// Names come first: after an option they may be its value.
const asked = given.slice(
  0,
  [...given, "-"].findIndex((arg) => arg.startsWith("-")),
);
const options = given.slice(asked.length).filter((arg) => arg !== RUNNING);
const unknown = asked.filter((name) => !Object.hasOwn(SUITES, name));
if (unknown.length > 0) {
  console.error(`There is no suite ${unknown.join(", ")}: choose among ${Object.keys(SUITES).join(", ")}.`);
  process.exit(1);
}
const chosen = (Object.keys(SUITES) as SuiteName[]).filter(
  (name) => asked.length === 0 || asked.includes(name),
);

const interrupted = interruption();
let failed = false;
let emulators: Emulators | undefined;
rmSync(new URL("../.reports", import.meta.url), { recursive: true, force: true });
try {
  for (const name of chosen) {
    emulators = await emulatorsFor(SUITES[name], emulators);
    const started = Date.now();
    const passed = await mocha(name, emulators);
    console.log(
      `${name}: ${passed ? "passed" : "failed"} in ${Math.round((Date.now() - started) / 1000)} s\n`,
    );
    failed ||= !passed;
    // A later suite says nothing new about what an earlier one found broken.
    if (failed) break;
  }
} finally {
  await emulators?.stop();
}
process.exitCode = failed ? 1 : 0;

async function emulatorsFor(
  profile: Profile | undefined,
  now: Emulators | undefined,
): Promise<Emulators | undefined> {
  if (profile === undefined || profile === now?.profile) return now;
  await now?.stop();
  if (profile === "test") return { profile, ...(await startSuite({ profile, signal: interrupted })) };
  if (given.includes(RUNNING)) return running();
  const importDir = join(ROOT, "emulator-data");
  return { profile, ...(await startWorld({ profile, importDir, signal: interrupted })) };
}

/** What `npm start` has started. */
function running(): Emulators {
  const { project, ports } = profileConfig("dev");
  return {
    profile: "dev",
    baseUrl: `http://127.0.0.1:${ports.hosting}`,
    env: { GCLOUD_PROJECT: project, ...emulatorEnv(ports) },
    stop: async () => {},
  };
}

async function mocha(name: SuiteName, emulators: Emulators | undefined): Promise<boolean> {
  const args = ["node_modules/mocha/bin/mocha.js", "--reporter", "test/support/reporter.cjs", ...options];
  const env = emulators && {
    ...emulators.env,
    BASE_URL: emulators.baseUrl,
    PROFILE: emulators.profile,
    METADATA_SERVER_DETECTION: "none",
  };
  const child = spawn(process.execPath, [...args, `test/${name}/**/*.test.ts`], {
    cwd: ROOT,
    env: { ...process.env, ...env, SUITE: name },
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  return code === 0;
}
