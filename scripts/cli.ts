import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { findJars } from "./jars.ts";
import { type Ports, type Profile, profileConfig, ROOT } from "./profiles.ts";
import { STATE_DIR } from "./runs.ts";

const ONLY = "auth,functions,firestore,storage,tasks,hosting";
const FAILURE = /Failed to (load|start|initialize|handle)|Port \d+ is not open|has exited/;
const NOISE = /^\s*$|[│─]|^ {2}(Emulator Hub|Other reserved)|^Issues\?|support for Java version/;
const TAIL_LINES = 30;

/** The Firebase CLI running the emulators. What it says goes to a log file; some of it means something to us. */
export interface Cli {
  logFile: string;
  /** Resolves when all emulators listen. */
  ready: Promise<void>;
  /** Rejects when they never will. */
  failed: Promise<never>;
  /** Resolves when the CLI has ended. */
  ended: Promise<void>;
  isAlive(): boolean;
  /** From now on the functions' log lines, and warnings about functions, go here. */
  show(log: (line: string) => void): void;
  tail(): string;
}

/** Starts the CLI in `dir`, which also takes its log files, and gives it nothing of the user's but the PATH. */
export async function startCli(dir: string, profile: Profile, importDir?: string): Promise<Cli> {
  const { project, config, ports } = profileConfig(profile);
  const configFile = join(ROOT, `.suite-${profile}.json`); // paths in it are relative to where it lies
  writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`);
  presetCli(dir);

  const jars = await findJars(dir);
  const args = ["--require", join(ROOT, "scripts", "firebase-preload.cjs"), ...jars.nodeArgs];
  args.push(join(ROOT, "node_modules", "firebase-tools", "lib", "bin", "firebase.js"), "emulators:start");
  args.push("--project", project, "--config", configFile, "--only", ONLY);
  if (importDir !== undefined) args.push("--import", resolve(importDir));
  const child = spawn(process.execPath, args, {
    cwd: dir,
    detached: true, // so that Ctrl-C comes to us, and we end the suite
    env: { ...ownEnvironment(), ...cliEnvironment(dir, ports), ...jars.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return listenTo(child, join(STATE_DIR, `${profile}.log`), project);
}

/** What the user's shell says about real projects, credentials and other emulators stays outside. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^(CLOUDSDK|FIREBASE|FIRESTORE|FUNCTIONS?|GCLOUD|GCP|GOOGLE)_|_EMULATOR_HOST$|^(DEBUG|FORCE_COLOR)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function cliEnvironment(dir: string, ports: Ports): Record<string, string> {
  const hub = `http://127.0.0.1:${ports.hub}`;
  return {
    // Hides the logins of the Firebase CLI and of gcloud, and marks the processes as the run's.
    HOME: dir,
    XDG_CONFIG_HOME: join(dir, ".config"),
    // Here the CLI keeps the hub's address and Storage's blobs, which suites must not share.
    TMPDIR: dir,
    // Discovery runs the first `node` of the PATH, and through a file it needs no port.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
    FIREBASE_FUNCTIONS_DISCOVERY_OUTPUT_PATH: "true",
    FUNCTIONS_DISCOVERY_TIMEOUT: "120",
    // The hub's 404 instead of a wait for Google's word that there is no such project.
    FIREBASE_API_URL: hub,
    FIREBASE_HOSTING_API_URL: hub,
    FIREBASE_RESOURCEMANAGER_URL: hub,
    METADATA_SERVER_DETECTION: "none",
    NO_COLOR: "1",
    NO_UPDATE_NOTIFIER: "1",
  };
}

/** No usage statistics, and the message of the day has been read. */
function presetCli(dir: string): void {
  const folder = join(dir, ".config", "configstore");
  mkdirSync(folder, { recursive: true });
  const preset = { usage: false, motd: { fetched: Date.now() } };
  writeFileSync(join(folder, "firebase-tools.json"), JSON.stringify(preset));
}

function listenTo(child: ChildProcess, logFile: string, project: string): Cli {
  const ready = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  const ended = Promise.withResolvers<void>();
  failed.promise.catch(() => {}); // it may fail after everybody has stopped listening
  const file = createWriteStream(logFile);
  const tail: string[] = [];
  let hasFailed = false;
  let log: ((line: string) => void) | undefined;
  let isShown = false;

  const hear = (line: string) => {
    file.write(`${line}\n`);
    if (!NOISE.test(line)) tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (FAILURE.test(line) && !hasFailed) {
      hasFailed = true;
      // The reason is in the next lines.
      setTimeout(() => failed.reject(new Error("the emulator suite did not start")), 500);
    }
    if (line.includes("All emulators ready") && !hasFailed) ready.resolve();
    // A line without a sign of its own belongs to the one before.
    if (/^(>|i|✔|\+|⚠|!|⬢|!!) /.test(line)) isShown = /^> |^(⚠|!|⬢|!!) .*functions/.test(line);
    if (isShown) log?.(line.replace(/^> +/, ""));
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", hear);
    stream.on("data", (chunk) => {
      const [, name] = /^\? .* value for (.+?):/m.exec(String(chunk)) ?? [];
      if (name !== undefined) failed.reject(new Error(`functions/.env.${project} has no value for ${name}`));
    });
  }
  // Not "close": what the CLI started may hold its pipes open. Its last lines come a moment later.
  child.once("exit", () => {
    setTimeout(() => {
      failed.reject(new Error("the Firebase CLI has ended"));
      file.end(() => ended.resolve());
    }, 200);
  });

  return {
    logFile,
    ready: ready.promise,
    failed: failed.promise,
    ended: ended.promise,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    show: (to) => {
      log = to;
    },
    tail: () => tail.join("\n"),
  };
}
