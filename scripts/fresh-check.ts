import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ROOT } from "./profiles.ts";
import { printTable } from "./table.ts";

/**
 * Does what somebody does who has just found the project: clones it, and runs README's commands as they stand,
 * with the Node that their shell has. After each the working tree must be as it was. `npm run check:fresh`
 */

const READY = "Palmgate is ready on http://127.0.0.1:5005";
const READY_LIMIT_S = 600;

const folder = mkdtempSync(join(tmpdir(), "palmgate-fresh-"));
/** Of a user whose folders have names as people write them: a path is not a URL, nor a word of the shell. */
const clone = join(folder, "pälm gate", "palmgate");
const row = printTable([
  { title: "command", width: 44 },
  { title: "seconds", width: 8, right: true },
  { title: "tree as it was", width: 14 },
  { title: "it works", width: 8, look: "verdict" },
]);
let failed = false;
try {
  must(spawnSync("git", ["clone", "--quiet", ROOT, clone]), "git clone");
  console.log(`Node ${shell("node -v").stdout.trim()}, ${shell("git log -1 --format=%h").stdout.trim()}\n`);
  step("npm ci");
  await startAndPages();
  step("npm run demo");
  step("npm run check");
  step("npm test");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed ? "\nA fresh clone does not work." : "\nA fresh clone works.");
process.exitCode = failed ? 1 : 0;

function step(command: string): void {
  const started = performance.now();
  const { status, stdout, stderr } = shell(command);
  report(command, started, status === 0, `${stdout}${stderr}`);
}

/** `npm start` until it says that it is ready, the pages' examples against it, then Ctrl-C. */
async function startAndPages(): Promise<void> {
  const started = performance.now();
  const child = spawn("npm", ["start"], { cwd: clone, env: environment(), detached: true });
  let output = "";
  const ready = Promise.withResolvers<boolean>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes(READY)) ready.resolve(true);
    });
  }
  const exited = once(child, "exit");
  void exited.then(() => ready.resolve(false));
  const timer = setTimeout(() => ready.resolve(false), READY_LIMIT_S * 1000);
  const isReady = await ready.promise;
  clearTimeout(timer);
  report(`npm start, ready within ${READY_LIMIT_S} s`, started, isReady, output);
  if (isReady) step("npm run test:docs -- --running");
  const stopping = performance.now();
  // As a terminal does: to the whole foreground group.
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
  await exited;
  const gone = await fetch("http://127.0.0.1:5005").then(
    () => false,
    () => true,
  );
  report("Ctrl-C", stopping, gone, output);
}

function report(command: string, started: number, worked: boolean, output: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const changed = shell("git status --porcelain").stdout;
  const good = worked && changed === "";
  row([command, seconds, changed === "" ? "yes" : "no", good ? "ok" : "FAILED"], good);
  if (good) return;
  failed = true;
  console.log(changed, output.split("\n").slice(-60).join("\n"));
}

function shell(command: string): SpawnSyncReturns<string> {
  return spawnSync("bash", ["-c", command], {
    cwd: clone,
    env: environment(),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** The user's own shell: nothing of the npm that runs this, and so their own Node first on the PATH. */
function environment(): NodeJS.ProcessEnv {
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((entry) => !entry.includes("node_modules") && !entry.includes("node-gyp-bin"));
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE$)/.test(name));
  return { ...Object.fromEntries(own), PATH: path.join(delimiter) };
}

function must(result: SpawnSyncReturns<Buffer>, what: string): void {
  if (result.status !== 0) throw new Error(`${what} failed: ${result.stderr}`);
}
