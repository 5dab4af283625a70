import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { interruption, startSuite } from "./emulators.ts";

/** The suites in the order of their speed; all but `unit` run on the emulators, which are started once for them. */
const SUITES = ["unit", "firestore", "security", "e2e"] as const;
type SuiteName = (typeof SUITES)[number];

const asked = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
const options = process.argv.slice(2).filter((arg) => arg.startsWith("-"));
const unknown = asked.filter((name) => !SUITES.includes(name as SuiteName));
if (unknown.length > 0) {
  console.error(`There is no suite ${unknown.join(", ")}: choose among ${SUITES.join(", ")}.`);
  process.exit(1);
}
const chosen = SUITES.filter((name) => asked.length === 0 || asked.includes(name));

const interrupted = interruption();
let failed = false;
let suite: Awaited<ReturnType<typeof startSuite>> | undefined;
rmSync(new URL("../.reports", import.meta.url), { recursive: true, force: true });
try {
  for (const name of chosen) {
    if (name !== "unit") suite ??= await startSuite({ profile: "test", signal: interrupted });
    const started = Date.now();
    const passed = await mocha(
      name,
      suite ? { ...suite.env, BASE_URL: suite.baseUrl, METADATA_SERVER_DETECTION: "none" } : {},
    );
    console.log(
      `${name}: ${passed ? "passed" : "failed"} in ${Math.round((Date.now() - started) / 1000)} s\n`,
    );
    failed ||= !passed;
    // A later suite says nothing new about what an earlier one found broken.
    if (failed) break;
  }
} finally {
  await suite?.stop();
}
process.exitCode = failed ? 1 : 0;

async function mocha(name: SuiteName, env: Record<string, string>): Promise<boolean> {
  const args = ["node_modules/mocha/bin/mocha.js", "--reporter", "test/support/reporter.cjs", ...options];
  const child = spawn(process.execPath, [...args, `test/${name}/**/*.test.ts`], {
    cwd: new URL("..", import.meta.url),
    env: { ...process.env, ...env, SUITE: name },
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  return code === 0;
}
