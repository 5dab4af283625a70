import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findTakenPort } from "./ports.ts";
import { profileConfig, ROOT } from "./profiles.ts";
import { endLeftovers, processesOf, STATE_DIR } from "./runs.ts";

/*
 * Shows what `npm start` promises about its start and its end: `npm run check:suite`, four minutes.
 * It uses the ports of `npm start`.
 */

const { project, ports } = profileConfig("dev");
const FIRST_WORDS_MS = 10_000;
const READY_MS = 120_000;
const END_MS = 15_000;
const temp = mkdtempSync(join(tmpdir(), "palmgate-check-"));
const rows: { name: string; expected: string; seen: string; ok: boolean }[] = [];

endLeftovers("dev");
const taken = await findTakenPort("dev");
if (taken !== undefined) {
  console.error(`suite-check: ${taken}: end that program first`);
  process.exit(1);
}
try {
  await showPreflight();
  await showBrokenFunctions();
  await showEnds();
  await showData();
} finally {
  rmSync(temp, { recursive: true, force: true });
}
console.log();
for (const { name, expected, seen, ok } of rows) {
  console.log(`${ok ? "ok  " : "FAIL"}  ${name}\n        expected  ${expected}\n        seen      ${seen}`);
}
const failures = rows.filter(({ ok }) => !ok).length;
console.log(`\n${rows.length - failures} of ${rows.length} cases as expected`);
process.exit(failures > 0 ? 1 : 0);

/** One case: `see` tells what happened, and `expected` is found in it. */
async function show(name: string, expected: RegExp, see: () => Promise<string> | string): Promise<void> {
  let seen: string;
  try {
    seen = await see();
  } catch (error) {
    seen = `${error}`;
  }
  const ok = expected.test(seen);
  const [line] = seen.split("\n");
  rows.push({ name, expected: expected.source, seen: ok ? `${line}` : seen, ok });
  console.log(`${ok ? "ok  " : "FAIL"}  ${name}`);
}

async function showPreflight(): Promise<void> {
  const preflight = (root: string, env: NodeJS.ProcessEnv = {}, node = process.execPath) =>
    firstWords(node, [join(root, "scripts", "preflight.js"), "start"], env);

  await show(
    "no Java",
    /^exit 1 in \d s: preflight: .*needs Java and there is none: install Java 17.*$/,
    () => preflight(ROOT, { PATH: folder("empty") }),
  );
  await show("Java 11", /^exit 1 in \d s: preflight: this is Java 11, too old.*install Java 17.*$/, () => {
    const bin = folder("java11");
    writeFileSync(join(bin, "java"), `#!/bin/sh\necho 'openjdk version "11.0.2" 2019-01-15' >&2\n`);
    chmodSync(join(bin, "java"), 0o755);
    return preflight(ROOT, { PATH: `${bin}${delimiter}/bin` });
  });
  await show(
    "a taken port",
    new RegExp(`^exit 1 in \\d s: preflight: port ${ports.hosting} is taken.*$`),
    async () => {
      const server = createServer().listen(ports.hosting, "127.0.0.1");
      await once(server, "listening");
      try {
        return await preflight(ROOT);
      } finally {
        server.close();
      }
    },
  );
  await show(
    "functions/node_modules missing",
    /^exit 1 in \d s: preflight: .*missing: run npm --prefix functions ci$/,
    () => {
      const copy = copyOf("uninstalled");
      rmSync(join(copy, "functions", "node_modules"));
      return preflight(copy);
    },
  );
  await show(
    "functions/node_modules too old",
    /^exit 1 in \d s: preflight: .*older.*run npm --prefix functions ci$/,
    () => {
      const copy = copyOf("stale");
      const lockfile = join(copy, "functions", "package-lock.json");
      writeFileSync(
        lockfile,
        readFileSync(lockfile, "utf8").replaceAll(/"version": "\d+/g, '"version": "999'),
      );
      return preflight(copy);
    },
  );

  const old = oldNode();
  const unseen = "no Node older than 24 on this machine";
  await show(
    "Node too old, not through npm",
    new RegExp(`^exit 1 in \\d s: preflight: .*through npm.*$|^${unseen}$`),
    () => (old === undefined ? unseen : preflight(ROOT, {}, old)),
  );
  await show(
    "Node too old, not installed",
    new RegExp(`^exit 1 in \\d s: preflight: .*npm ci.*$|^${unseen}$`),
    () => {
      const copy = copyOf("no-node");
      rmSync(join(copy, "node_modules"));
      return old === undefined ? unseen : preflight(copy, {}, old);
    },
  );
}

async function showBrokenFunctions(): Promise<void> {
  const brokenStart = (copy: string) =>
    firstWords(process.execPath, [join(copy, "scripts", "start.ts")], {}, READY_MS);
  await show(
    "functions that do not load",
    /^exit 1 .*did not start.*this module is broken.*whole log/s,
    () => {
      const copy = copyOf("broken");
      rmSync(join(copy, "functions", "lib"), { recursive: true });
      mkdirSync(join(copy, "functions", "lib"));
      writeFileSync(
        join(copy, "functions", "lib", "index.js"),
        'throw new Error("this module is broken");\n',
      );
      return brokenStart(copy);
    },
  );
  await show(
    "a parameter without a value",
    new RegExp(`^exit 1 .*functions/.env.${project} has no value for \\w+`, "s"),
    () => {
      const copy = copyOf("unset");
      rmSync(join(copy, "functions", `.env.${project}`));
      return brokenStart(copy);
    },
  );
}

async function showEnds(): Promise<void> {
  const before = checkout();
  const cleanly = /^ready in \d+ s, ended in \d+ s with 0, nothing left$/;
  const byNpm = /^ready in \d+ s, ended in \d+ s with (0|130|SIGINT|SIGTERM), nothing left$/;

  await show("Ctrl-C on npm start", byNpm, () =>
    startAndEnd(({ child }) => signal(-pidOf(child), "SIGINT"), ["npm", "start"]),
  );
  await show("Ctrl-C, and once more", /^ready in \d+ s, ended in \d+ s with (0|130), nothing left$/, () =>
    startAndEnd(async ({ child }) => {
      signal(-pidOf(child), "SIGINT");
      await sleep(10);
      signal(-pidOf(child), "SIGINT");
    }),
  );
  await show("SIGTERM to npm alone", byNpm, () =>
    startAndEnd(({ child }) => signal(pidOf(child), "SIGTERM"), ["npm", "start"]),
  );
  await show("SIGTERM to the script alone", cleanly, () =>
    startAndEnd(({ child }) => signal(pidOf(child), "SIGTERM")),
  );
  await show("SIGHUP", cleanly, () => startAndEnd(({ child }) => signal(pidOf(child), "SIGHUP")));
  await show("Ctrl-C during the start", /^ended in \d+ s with 0, nothing left$/, async () => {
    const suite = start();
    await suite.said("Starting");
    await sleep(4_000);
    signal(-pidOf(suite.child), "SIGINT");
    return await ending(suite, await processIds());
  });
  await show("kill -9 of the script", /^ready in \d+ s, ended in \d+ s with SIGKILL, nothing left$/, () =>
    startAndEnd(({ child }) => signal(pidOf(child), "SIGKILL")),
  );
  await show("kill -9 of firebase", /^ready in \d+ s, ended in \d+ s with 1, nothing left$/, () =>
    startAndEnd(({ ids }) => signal(ids.firebase, "SIGKILL")),
  );
  await show("the start after kill -9 of the script and its watcher", cleanly, async () => {
    const suite = start();
    await suite.said("Palmgate is ready");
    const ids = await processIds();
    signal(ids.watcher, "SIGKILL");
    signal(pidOf(suite.child), "SIGKILL");
    await suite.ended;
    if (!isAlive(ids.firebase)) return "nothing was left for the next start to end";
    return await startAndEnd(({ child }) => signal(pidOf(child), "SIGTERM"), undefined, ids.all);
  });
  await show("files of the checkout after all that", /^unchanged$/, () =>
    checkout() === before ? "unchanged" : "changed",
  );
}

async function showData(): Promise<void> {
  const seeded = fingerprint(join(ROOT, "emulator-data"));
  const data = join(temp, "data");
  const args = [process.execPath, join(ROOT, "scripts", "start.ts"), "--data", data];
  await show(
    "--data DIR, first run",
    /^wrote document, account, object; ready in .* with 0, nothing left$/,
    async () => {
      let wrote = "";
      const seen = await startAndEnd(async ({ child }) => {
        wrote = await writeData();
        signal(pidOf(child), "SIGINT");
      }, args);
      return `wrote ${wrote}; ${seen}`;
    },
  );
  await show(
    "--data DIR, second run, Ctrl-C twice",
    /^found document, account, object; ready in .* with (0|130), nothing left; the export is whole$/,
    async () => {
      let found = "";
      const seen = await startAndEnd(async ({ child }) => {
        found = await findData();
        signal(pidOf(child), "SIGINT");
        await sleep(700);
        signal(pidOf(child), "SIGINT");
      }, args);
      const whole = [data, `${data}.new`].some((dir) =>
        existsSync(join(dir, "firebase-export-metadata.json")),
      );
      return `found ${found}; ${seen}; the export is ${whole ? "whole" : "lost"}`;
    },
  );
  await show("emulator-data after that", /^untouched$/, () =>
    fingerprint(join(ROOT, "emulator-data")) === seeded ? "untouched" : "changed",
  );
  await show(
    "--data emulator-data",
    /^exit 1 in \d s: start: --data emulator-data lies in the checkout.*$/,
    () => firstWords(process.execPath, [join(ROOT, "scripts", "start.ts"), "--data", "emulator-data"]),
  );
}

interface Started {
  child: ChildProcess;
  said: (words: string) => Promise<void>;
  ended: Promise<string>;
}

interface Ids {
  firebase: number;
  watcher: number;
  all: number[];
}

/** Starts it in a process group of its own, as a terminal does, so that a Ctrl-C can be sent to the group. */
function start(command = [process.execPath, join(ROOT, "scripts", "start.ts")]): Started {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const heard = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  const ended = once(child, "exit").then(([code, name]) => String(code ?? name));
  return {
    child,
    ended,
    said: async (words) => {
      const deadline = Date.now() + READY_MS;
      while (!output.includes(words)) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`it did not say "${words}":\n${output}`);
        await sleep(50);
      }
    },
  };
}

async function startAndEnd(
  end: (suite: Started & { ids: Ids }) => Promise<void> | void,
  command?: string[],
  older: number[] = [],
): Promise<string> {
  const since = Date.now();
  const suite = start(command);
  try {
    await suite.said("Palmgate is ready");
    const ready = seconds(since);
    const ids = await processIds();
    const ending_ = ending(suite, { ...ids, all: [...ids.all, ...older] });
    await end({ ...suite, ids });
    return `ready in ${ready} s, ${await ending_}`;
  } finally {
    // A case that went wrong must not spoil the next.
    if (suite.child.exitCode === null) signal(-pidOf(suite.child), "SIGKILL");
  }
}

/** What is still there once the script has ended, after the time that the watcher takes. */
async function ending(suite: Started, ids: Ids): Promise<string> {
  const since = Date.now();
  const code = await Promise.race([suite.ended, sleep(END_MS, "nothing: it runs on")]);
  const ended = seconds(since);
  let left: string[] = [];
  for (let attempt = 0; attempt < 20; attempt++) {
    left = [
      ...ids.all.filter(isAlive).map((pid) => `process ${pid}`),
      ...readdirSync(STATE_DIR).filter((name) => name.startsWith("dev-")),
      await findTakenPort("dev"),
    ].filter((one) => one !== undefined);
    if (left.length === 0) break;
    await sleep(100);
  }
  return `ended in ${ended} s with ${code}, ${left.join(", ") || "nothing"} left`;
}

async function processIds(): Promise<Ids> {
  const dirs = readdirSync(STATE_DIR).filter((name) => name.startsWith("dev-"));
  const marked = dirs.flatMap((name) => processesOf(join(STATE_DIR, name)));
  const { stdout } = spawnSync("ps", ["-axww", "-o", "pid=,command="], { encoding: "utf8" });
  const find = (words: string, among?: number[]) => {
    const lines = stdout.split("\n").filter((line) => line.includes(words));
    const pids = lines.map((line) => Number.parseInt(line, 10));
    return pids.find((pid) => among === undefined || among.includes(pid)) ?? 0;
  };
  const firebase = find("emulators:start", marked);
  const watcher = find(`watcher.ts ${join(STATE_DIR, "dev-")}`);
  return { firebase, watcher, all: [...marked, watcher].filter((pid) => pid !== 0) };
}

async function writeData(): Promise<string> {
  const wrote = [
    ["document", await ask(documentUrl(), "PATCH", { fields: { said: { stringValue: "hello" } } })],
    ["account", await ask(accountsUrl(""), "POST", { localId: "checker", email: "checker@example.com" })],
    ["object", await ask(objectUrl("upload/", "?uploadType=media&name=check.txt"), "POST", "hello")],
  ] as const;
  return wrote
    .filter(([, answer]) => answer !== "")
    .map(([name]) => name)
    .join(", ");
}

async function findData(): Promise<string> {
  const found = [
    ["document", (await ask(documentUrl(), "GET")).includes("hello")],
    [
      "account",
      (await ask(accountsUrl(":lookup"), "POST", { localId: ["checker"] })).includes("checker@example.com"),
    ],
    ["object", (await ask(objectUrl("download/", "/check.txt?alt=media"), "GET")) === "hello"],
  ] as const;
  return found
    .filter(([, isThere]) => isThere)
    .map(([name]) => name)
    .join(", ");
}

function documentUrl(): string {
  return `http://127.0.0.1:${ports.firestore}/v1/projects/${project}/databases/(default)/documents/checks/one`;
}

function accountsUrl(method: string): string {
  return `http://127.0.0.1:${ports.auth}/identitytoolkit.googleapis.com/v1/projects/${project}/accounts${method}`;
}

function objectUrl(kind: string, rest: string): string {
  return `http://127.0.0.1:${ports.storage}/${kind}storage/v1/b/${project}.appspot.com/o${rest}`;
}

async function ask(url: string, method: string, body?: object | string): Promise<string> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: "Bearer owner",
      "content-type": typeof body === "string" ? "text/plain" : "application/json",
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return response.ok ? await response.text() : "";
}

/** Runs a program that is to fail soon and tells how it did. */
async function firstWords(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  limit = FIRST_WORDS_MS,
): Promise<string> {
  const since = Date.now();
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    timeout: limit,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const [code, name] = await once(child, "close");
  return `exit ${code ?? name} in ${seconds(since)} s: ${output.trim()}`;
}

function folder(name: string): string {
  const dir = join(temp, name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** The checkout as far as a start needs it, with links to what is installed. */
function copyOf(name: string): string {
  const copy = folder(name);
  const files = [
    "package.json",
    "package-lock.json",
    "firebase.json",
    "firestore.rules",
    "storage.rules",
    "hosting",
    "scripts",
  ];
  const functions = ["package.json", "package-lock.json", "lib", `.env.${project}`, ".secret.local"];
  for (const file of [...files, ...functions.map((file) => join("functions", file))]) {
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(copy, file), { recursive: true });
  }
  for (const installed of ["node_modules", join("functions", "node_modules")]) {
    symlinkSync(join(ROOT, installed), join(copy, installed));
  }
  return copy;
}

function oldNode(): string | undefined {
  const nodes = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, "node"));
  const major = (node: string) =>
    Number(/^v(\d+)/.exec(spawnSync(node, ["--version"], { encoding: "utf8" }).stdout)?.[1]);
  return nodes.filter(existsSync).find((node) => major(node) < 24);
}

/** Changes with every change that git sees. */
function checkout(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: ROOT, encoding: "utf8" }).stdout;
  return git("status", "--porcelain", "--untracked-files=all") + git("diff");
}

function fingerprint(dir: string): string {
  if (!existsSync(dir)) return "absent";
  const hash = createHash("sha256");
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    hash.update(path).update(entry.isFile() ? readFileSync(path) : "");
  }
  return hash.digest("hex");
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("it did not start");
  return child.pid;
}

function signal(pid: number, name: NodeJS.Signals): void {
  if (pid === 0) throw new Error("there is no such process");
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
