// Says in one line each what is missing, and how to get it. Plain JavaScript, because the first thing that it
// may have to say is that this Node is too old for TypeScript.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const JAVA_MAJOR = 17;
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** @type {Record<string, "dev" | "test" | "demo" | undefined>} The suite that a command starts. */
const PROFILES = { start: "dev", test: "test", demo: "demo", check: undefined };

const command = process.argv[2] ?? "";
if (!(command in PROFILES)) {
  console.error(`usage: node scripts/preflight.js ${Object.keys(PROFILES).join("|")}`);
  process.exit(1);
}
const problems = await findProblems(PROFILES[command]);
for (const problem of problems) console.error(`preflight: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** @param {"dev" | "test" | "demo" | undefined} profile */
async function findProblems(profile) {
  const node = nodeProblem();
  // Everything else is of no use on that Node, and the modules below do not load there.
  if (node !== undefined) return [node];
  return [
    installProblem(".", "npm ci"),
    installProblem("functions", "npm --prefix functions ci"),
    ...(profile === undefined ? [] : [javaProblem(), await portProblem(profile)]),
  ].filter((problem) => problem !== undefined);
}

function nodeProblem() {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= NODE_MAJOR) return undefined;
  const need = `this is Node ${node} and Palmgate needs Node ${NODE_MAJOR}`;
  if (existsSync(join(ROOT, "node_modules", ".bin", "node"))) {
    return `${need}, which node_modules has: run it through npm (npm start, npm test, npm run ...)`;
  }
  const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return Object.keys(optionalDependencies ?? {}).some((name) => name.endsWith(platform))
    ? `${need}: run npm ci, which installs it into node_modules (not with --omit=optional)`
    : `${need}: install it from https://nodejs.org, as npm has no package of it for ${platform}`;
}

/**
 * @param {string} folder
 * @param {string} remedy
 */
function installProblem(folder, remedy) {
  const name = join(folder, "node_modules");
  const installed = packagesOf(join(ROOT, name, ".package-lock.json"));
  if (installed === undefined) return `${name} is missing: run ${remedy}`;
  const wanted = packagesOf(join(ROOT, folder, "package-lock.json")) ?? {};
  // What npm may leave out (optional, peer, dev) counts only if it is there in another version.
  const isStale = Object.entries(wanted).some(([path, { version, optional, peer, dev }]) => {
    if (path === "" || installed[path]?.version === version) return false;
    return path in installed || !(optional || peer || dev);
  });
  return isStale ? `${name} is older than its package-lock.json: run ${remedy}` : undefined;
}

/**
 * @param {string} lockfile
 * @returns {Record<string, {version?: string, optional?: boolean, peer?: boolean, dev?: boolean}> | undefined}
 */
function packagesOf(lockfile) {
  return existsSync(lockfile) ? JSON.parse(readFileSync(lockfile, "utf8")).packages : undefined;
}

function javaProblem() {
  const remedy = `install Java ${JAVA_MAJOR} or newer (https://adoptium.net) and put it on the PATH`;
  const { stderr, stdout } = spawnSync("java", ["-version"], { encoding: "utf8", timeout: 10_000 });
  const version = /version "(?:1\.)?(\d+)/.exec(`${stderr}${stdout}`)?.[1];
  if (version === undefined) return `the Firestore emulator needs Java and there is none: ${remedy}`;
  return Number(version) < JAVA_MAJOR
    ? `this is Java ${version}, too old for the Firestore emulator: ${remedy}`
    : undefined;
}

/** @param {"dev" | "test" | "demo"} profile */
async function portProblem(profile) {
  const { endLeftovers } = await import("./runs.ts");
  const { findTakenPort } = await import("./ports.ts");
  endLeftovers(profile);
  const taken = await findTakenPort(profile);
  return taken && `${taken}: end that program first`;
}
