import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCli } from "./cli.ts";
import { findTakenPort } from "./ports.ts";
import { emulatorEnv, type Ports, type Profile, profileConfig } from "./profiles.ts";
import { closeRun, endLeftovers, endRun, openRun, type Run } from "./runs.ts";

const LIVE = "/v1/health/live";
/** Generous: on a machine that others keep busy a start takes minutes, and a suite that is stuck says so anyway. */
const START_LIMIT_MS = 600_000;
const EXPORT_LIMIT_MS = 120_000;
const CLOCK_MS = 5_000;
/** The emulator starts a process per function: more at once would only wait for each other. */
const WARM_AT_ONCE = 2;

export interface SuiteOptions {
  profile: Profile;
  /** An export to start from; it is only read. */
  importDir?: string | undefined;
  /** Where stop() leaves an export. */
  exportDir?: string | undefined;
  /** Gets the functions' log lines and warnings about functions, once the suite is ready. */
  log?: ((line: string) => void) | undefined;
  /** Whether scheduled functions run, every few seconds. Default true. */
  clock?: boolean | undefined;
  /** Stops the suite, even while it starts. */
  signal?: AbortSignal | undefined;
}

export interface Suite {
  project: string;
  region: string;
  ports: Ports;
  /** Where Hosting, and with it the API, listens. */
  baseUrl: string;
  /** For processes that want to talk to the emulators. */
  env: Record<string, string>;
  /** What the Firebase CLI says. */
  logFile: string;
  /** Ends every process and waits for that. Rejects if the state could not be exported. */
  stop(): Promise<void>;
  /** Resolves when every process has ended: 0 after stop(), 1 if the suite died or could not export. */
  exited: Promise<number>;
}

/** Starts the emulators; resolves when every function answers, rejects with the end of the CLI's log. */
export async function startSuite(options: SuiteOptions): Promise<Suite> {
  options.signal?.throwIfAborted();
  endLeftovers(options.profile);
  const taken = await findTakenPort(options.profile);
  if (taken !== undefined) throw new Error(taken);

  const run = openRun(options.profile);
  // For every way out that does not pass stop(): an error, process.exit().
  const endNow = () => endRun(run.dir);
  process.on("exit", endNow);
  const end = async () => {
    await closeRun(run);
    process.off("exit", endNow);
  };
  try {
    return await startIn(run, end, options);
  } catch (error) {
    // No export: what has not been loaded yet would replace what has been saved.
    await end();
    throw error;
  }
}

async function startIn(run: Run, end: () => Promise<void>, options: SuiteOptions): Promise<Suite> {
  const { project, ports } = profileConfig(options.profile);
  const baseUrl = `http://127.0.0.1:${ports.hosting}`;
  const functionsUrl = `http://127.0.0.1:${ports.functions}`;
  const log = options.log ?? (() => {});
  const running = new AbortController();
  const cli = await startCli(run.dir, options.profile, options.importDir);

  const limits = [running.signal, AbortSignal.timeout(START_LIMIT_MS), options.signal ?? []].flat();
  const starting = AbortSignal.any(limits);
  const warmed = async () => {
    await cli.ready;
    const loaded = await loadedFunctions(functionsUrl, starting);
    await warm(loaded, `${functionsUrl}/${project}`, starting);
    await expectLive(`${baseUrl}${LIVE}`, starting);
    return loaded;
  };
  let functions: LoadedFunction[];
  try {
    functions = await Promise.race([warmed(), cli.failed, aborted(starting)]);
  } catch (error) {
    running.abort();
    options.signal?.throwIfAborted();
    throw new Error(`${reason(error)}\n\n${cli.tail()}\n\nThe whole log: ${cli.logFile}`);
  }
  cli.show(log);

  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      running.abort();
      try {
        if (options.exportDir !== undefined && cli.isAlive()) {
          await exportState(`http://127.0.0.1:${ports.hub}`, resolve(options.exportDir));
        }
      } finally {
        await end();
      }
    })();
    return stopped;
  };
  const exited = cli.ended.then(async () => {
    const died = !running.signal.aborted;
    try {
      await stop();
      return died ? 1 : 0;
    } catch {
      return 1;
    }
  });
  options.signal?.addEventListener("abort", () => void stop().catch(() => {}));

  if (options.clock !== false) {
    for (const { name, region, schedule } of functions) {
      if (schedule === undefined) continue;
      void runOften(name, `${functionsUrl}/${project}/${region}/${name}-0`, running.signal, log);
    }
  }
  return {
    project,
    region: functions[0]?.region ?? "",
    ports,
    baseUrl,
    env: { GCLOUD_PROJECT: project, ...emulatorEnv(ports) },
    logFile: cli.logFile,
    stop,
    exited,
  };
}

/** Aborted by Ctrl-C, SIGTERM, SIGHUP or the end of npm. A second Ctrl-C ends this process, and the suite, at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const interrupt = () => {
    const now = performance.now();
    if (first === 0) first = now;
    // A terminal and npm may both deliver the same Ctrl-C.
    else if (now - first > 500) process.exit(130);
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, interrupt);

  // A signal to npm kills its shell, our parent, and does not come to us.
  const parent = process.ppid;
  if (process.env["npm_lifecycle_event"] !== undefined) {
    setInterval(() => process.ppid !== parent && controller.abort(), 500).unref();
  }
  return controller.signal;
}

interface LoadedFunction {
  name: string;
  region: string;
  httpsTrigger?: object;
  taskQueueTrigger?: object;
  eventTrigger?: object;
  schedule?: object;
}

async function loadedFunctions(url: string, signal: AbortSignal): Promise<LoadedFunction[]> {
  const response = await fetch(`${url}/backends`, { signal });
  const { backends } = (await response.json()) as { backends: { functionTriggers: LoadedFunction[] }[] };
  const functions = backends.flatMap((backend) => backend.functionTriggers);
  if (functions.length === 0) throw new Error("no function was loaded");
  return functions;
}

/** Starts every function's process: by its API where it has one, else by the emulator's own health check. */
async function warm(functions: LoadedFunction[], url: string, signal: AbortSignal): Promise<void> {
  const waiting = functions.map(({ name, region, httpsTrigger, taskQueueTrigger, eventTrigger }) => {
    const isApi = httpsTrigger !== undefined && taskQueueTrigger === undefined;
    return `${url}/${region}/${name}${eventTrigger ? "-0" : ""}${isApi ? LIVE : "/__/health"}`;
  });
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const response = await fetch(next, { signal });
      await response.arrayBuffer();
      if (response.status >= 500) throw new Error(`${next} answered ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: WARM_AT_ONCE }, work));
}

async function expectLive(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${body}`);
}

/** The clock that the emulator lacks: runs a scheduled function again and again, but never twice at once. */
async function runOften(
  name: string,
  url: string,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  let last = "";
  while (!signal.aborted) {
    const problem = await fetch(url, { method: "POST", signal }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok ? "" : `answered ${response.status}`;
      },
      (error) => reason(error),
    );
    if (problem !== last && !signal.aborted) log(`${name}: ${problem || "runs again"}`);
    last = problem;
    await sleep(CLOCK_MS, undefined, { signal }).catch(() => {});
  }
}

/** Writes the export beside the old one first: whatever interrupts it, one of them is whole. */
async function exportState(hub: string, dir: string): Promise<void> {
  const fresh = `${dir}.new`;
  mkdirSync(dirname(dir), { recursive: true });
  const response = await fetch(`${hub}/_admin/export`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path: fresh, initiatedBy: "exit" }),
    signal: AbortSignal.timeout(EXPORT_LIMIT_MS),
  });
  if (!response.ok) throw new Error(`the state was not saved in ${dir}: ${await response.text()}`);
  rmSync(dir, { recursive: true, force: true });
  renameSync(fresh, dir);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "TimeoutError" ? `not ready within ${START_LIMIT_MS / 1000} s` : error.message;
}
