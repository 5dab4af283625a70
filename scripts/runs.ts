import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Profile } from "./profiles.ts";

/*
 * A run of the suite owns a folder outside the tree. The folder is HOME to every process that the run starts,
 * so each of them can be told by its environment, whoever its parent is by now: the Firebase CLI gives Java
 * a process group of its own, and what it started outlives it.
 */

/** A UNIX socket's path has at most 103 bytes, and macOS' temporary folder takes half of them. */
const TEMP = tmpdir().length > 40 ? "/tmp" : tmpdir();
const USER = userInfo();
export const STATE_DIR = join(TEMP, `palmgate-${USER.uid}`);

export interface Run {
  dir: string;
  /** Ends the run's processes, however this process dies. */
  watcher: ChildProcess;
}

export function openRun(profile: Profile): Run {
  makeStateDir();
  const dir = join(STATE_DIR, `${profile}-${process.pid}`);
  mkdirSync(dir);
  writeFileSync(join(dir, "owner"), startOf(process.pid) ?? "");
  const watcher = spawn(process.execPath, [join(import.meta.dirname, "watcher.ts"), dir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  return { dir, watcher };
}

export async function closeRun(run: Run): Promise<void> {
  endRun(run.dir);
  if (run.watcher.exitCode !== null || run.watcher.signalCode !== null) return;
  await new Promise((resolve) => {
    run.watcher.once("exit", resolve);
    run.watcher.stdin?.end();
  });
}

/** Kills what the run started and removes its folder. Synchronous, so that it also works in an exit handler. */
export function endRun(dir: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const killed = new Set<number>();
  for (let attempt = 0; attempt < 200; attempt++) {
    const pids = processesOf(dir);
    for (const pid of pids) kill(pid);
    for (const pid of pids) killed.add(pid);
    // A dying process first loses its environment and then its ports.
    if (pids.length === 0 && [...killed].every(hasEnded)) break;
    Atomics.wait(pause, 0, 0, 20);
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}

/** Ends what an earlier run of the profile left behind, if whoever started it is gone. */
export function endLeftovers(profile: Profile): void {
  makeStateDir();
  for (const name of readdirSync(STATE_DIR)) {
    const [prefix, pid] = name.split("-");
    if (prefix === profile && pid !== undefined && !isOwned(join(STATE_DIR, name), Number(pid))) {
      endRun(join(STATE_DIR, name));
    }
  }
}

function isOwned(dir: string, pid: number): boolean {
  const start = startOf(pid);
  if (start === undefined) return false;
  try {
    return readFileSync(join(dir, "owner"), "utf8") === start;
  } catch {
    return true;
  }
}

/** Process ids of what the run started and is still there. */
export function processesOf(dir: string): number[] {
  if (process.platform === "win32") return [];
  const mark = `HOME=${dir}`;
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-axEww", "-o", "pid=,command="], { encoding: "utf8" })
      .split("\n")
      .filter((line) => `${line} `.includes(` ${mark} `))
      .map((line) => Number.parseInt(line, 10));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(mark))
    .map(Number);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** When a process started: with its id that is the same program, not a later one. Undefined: it has ended. */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : fields[19];
    }
    if (process.platform === "win32") return process.kill(pid, 0) ? "" : undefined;
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line.startsWith("Z") ? undefined : line.slice(line.indexOf(" ")).trim();
  } catch {
    return undefined;
  }
}

/** Whether the last of its threads is gone; what waits for its parent to notice counts as ended. */
function hasEnded(pid: number): boolean {
  if (startOf(pid) !== undefined) return false;
  if (process.platform !== "linux") return true;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function makeStateDir(): void {
  mkdirSync(STATE_DIR, { recursive: true, mode: 0o700 });
  const found = lstatSync(STATE_DIR);
  if (process.platform !== "win32" && !(found.isDirectory() && found.uid === USER.uid)) {
    throw new Error(`${STATE_DIR} belongs to somebody else: remove it or set TMPDIR`);
  }
}
