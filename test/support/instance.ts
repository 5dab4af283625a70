import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type Client, createClient } from "./client.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** One instance of a function, as the platform runs it: the built bundle in a functions-framework process. */
export interface Instance {
  api: Client;
  baseUrl: string;
  /** Its resident memory, MiB. */
  resident(): number;
  /** The most resident memory that it ever had, MiB; where the system does not keep it, what it has now. */
  peak(): number;
  /** Whether its process still runs. */
  isAlive(): boolean;
  /** What it has printed so far. */
  output(): string;
  /** What the module that was loaded first answers to a message. */
  ask(): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts an instance; resolves when it listens. `loadParameters` must have been called.
 * @param source the folder of another function than ours; `first` the URL of a module to load before it
 */
export async function startInstance(
  target: string,
  env: Record<string, string> = {},
  { source = "functions", first }: { source?: string; first?: string } = {},
): Promise<Instance> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      "--expose-gc",
      ...(first === undefined ? [] : [`--import=${first}`]),
      "node_modules/@google-cloud/functions-framework/build/src/main.js",
      `--source=${source}`,
      `--target=${target}`,
      "--signature-type=http",
      `--port=${port}`,
    ],
    {
      cwd: ROOT,
      env: { ...process.env, FUNCTION_TARGET: target, HOST: "127.0.0.1", ...env },
      stdio: ["ignore", "pipe", "pipe", first === undefined ? "ignore" : "ipc"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const baseUrl = `http://127.0.0.1:${port}`;
  const resident = () =>
    Number(spawnSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" }).stdout) / 1024;
  await listening(child, baseUrl, () => output);
  return {
    api: createClient(baseUrl),
    baseUrl,
    resident,
    peak() {
      const status = `/proc/${child.pid}/status`;
      if (!existsSync(status)) return resident();
      return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]) / 1024;
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
    output: () => output,
    async ask() {
      child.send("");
      const [answer] = await once(child, "message");
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function listening(child: ChildProcess, url: string, output: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`the instance ended with ${child.exitCode}: ${output()}`);
    const up = await fetch(`${url}/v1/nothing`).then(
      () => true,
      () => false,
    );
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGKILL");
  throw new Error(`the instance does not listen: ${output()}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return address.port;
}
