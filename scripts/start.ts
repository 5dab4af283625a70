import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { interruption } from "./emulators.ts";
import { ROOT } from "./profiles.ts";
import { startWorld } from "./world-start.ts";

const HELP = `Usage: npm start [-- --data DIR]

Runs Palmgate on the Firebase emulators until Ctrl-C, starting from emulator-data/ each time.

  --data DIR   keep the data: start from DIR if it holds some, and save it there on Ctrl-C
  --help       show this`;

const EXPORT_METADATA = "firebase-export-metadata.json";
const SEEDED = join(ROOT, "emulator-data");

const interrupted = interruption();
try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupted.aborted) {
    console.error(`start: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { data: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const dataDir = values.data === undefined ? undefined : checkedDataDir(values.data);
  const importDir = [dataDir, SEEDED].find((dir) => dir !== undefined && holdsExport(dir));

  console.log("Starting the emulators ...");
  const suite = await startWorld({
    profile: "dev",
    importDir,
    exportDir: dataDir,
    log: (line) => console.log(`[functions] ${line}`),
    signal: interrupted,
  });
  const { ports } = suite;
  console.log(`  API        ${suite.baseUrl}/v1
  emulators  firestore ${ports.firestore}, auth ${ports.auth}, storage ${ports.storage}, tasks ${ports.tasks}, functions ${ports.functions}
  data       ${importDir ?? "none"}${dataDir === undefined ? ", changes are lost at the end" : `, saved in ${dataDir} at the end`}
Palmgate is ready on ${suite.baseUrl} (Ctrl-C stops it)`);

  const code = await suite.exited;
  if (!interrupted.aborted) console.error(`start: the emulators have died, see ${suite.logFile}`);
  // Here it has been stopped: what went wrong, if anything, was saving the data.
  else await suite.stop();
  return code;
}

function holdsExport(dir: string): boolean {
  return existsSync(join(dir, EXPORT_METADATA));
}

/** The folder with its links resolved. An export replaces it whole, so it must be nothing else's. */
function checkedDataDir(given: string): string {
  const dir = realPath(resolve(process.env["INIT_CWD"] ?? ".", given));
  if (existsSync(dir)) {
    if (!statSync(dir).isDirectory()) throw new Error(`--data ${given} is a file`);
    if (!holdsExport(dir) && readdirSync(dir).length > 0)
      throw new Error(`--data ${given} holds other files`);
  }
  const path = relative(realpathSync(ROOT), dir);
  if (
    !path.startsWith("..") &&
    spawnSync("git", ["check-ignore", "--quiet", `${path}/`], { cwd: ROOT }).status !== 0
  ) {
    throw new Error(
      `--data ${given} lies in the checkout: choose a folder that git ignores, or one elsewhere`,
    );
  }
  return dir;
}

function realPath(path: string): string {
  if (existsSync(path) || path === dirname(path)) return realpathSync(path);
  return join(realPath(dirname(path)), basename(path));
}
