/**
 * How long an instance takes from its spawn to its first answers, against a floor: a function of firebase-functions
 * and the same Firestore client alone, bundled alike. Fails when a function but `identify` is over the limit.
 *
 *   npm run bench:coldstart -- [--rounds 15] [--only members]
 *
 * The services are stubs in this process. Times are by the clock, so a busy machine makes all of them longer.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import * as http from "node:http";
import * as http2 from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { allRoutes } from "../functions/src/api/routes.ts";
import { newKey } from "../functions/src/domain/credential/key.ts";
import type { Route } from "../functions/src/http/route.ts";
import { bundle } from "../scripts/build.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FUNCTIONS = join(ROOT, "functions");
const FRAMEWORK = join(ROOT, "node_modules/@google-cloud/functions-framework/build/src/main.js");

/** How many times the floor's a function's medians may be. */
const LIMIT = 1.25;
/** The palm engine takes its time to load, and a first answer of the sweeper is a whole sweep: some 50 queries. */
const UNLIMITED = ["identify", "sweeper"];

const UUID = "00000000-0000-4000-8000-000000000000";

const FLOOR = `
  import { Firestore } from "@google-cloud/firestore";
  import { onRequest } from "firebase-functions/https";
  const db = new Firestore({ projectId: process.env.GCLOUD_PROJECT });
  export const floor = onRequest({ cors: false, invoker: "public" }, async (request, response) => {
    if (request.path === "/read") await db.collection("floor").doc("nothing").get();
    response.send("ok");
  });`;

interface Ask {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** The answer that is expected; left out where any will do. */
  status?: number;
}

interface Subject {
  name: string;
  source: string;
  signature: "http" | "cloudevent";
  /** Answered by all of the function's code and no service; a trigger and a schedule have nothing like that. */
  first?: Ask;
  /** Asked next: answered when Firestore has been read; by `health`, when every service has been asked. A queue has none. */
  read?: Ask;
}

/** One cold start: milliseconds from the spawn to both answers, MiB after them. */
interface Start {
  first: number | undefined;
  read: number | undefined;
  memory: number;
}

/** How a function is asked that has no routes: what is no task is acknowledged, nothing has happened to no event. */
const ASKS: Record<string, Pick<Subject, "first" | "read">> = {
  taskQueueTrigger: {
    first: {
      method: "POST",
      path: "/",
      // A token of nobody: before a function of a queue the platform checks it.
      headers: { authorization: "Bearer e30.e30.none", "content-type": "application/json" },
      body: '{ "data": {} }',
      status: 204,
    },
  },
  eventTrigger: {
    read: {
      method: "POST",
      path: "/",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify({
        specversion: "1.0",
        id: UUID,
        source: "//firestore.googleapis.com/projects/demo-palmgate/databases/(default)",
        type: "google.cloud.firestore.document.v1.created",
        document: `projects/${UUID}/events/${UUID}`,
      }),
      status: 204,
    },
  },
  scheduleTrigger: { read: { method: "POST", path: "/", status: 200 } },
};

/** Every function of the built deployment table. */
async function subjects(): Promise<Subject[]> {
  const table: Record<string, { __endpoint: object }> = await import(join(FUNCTIONS, "lib/index.js"));
  return Object.entries(table).map(([name, { __endpoint }]) => ({
    name,
    source: FUNCTIONS,
    signature: "eventTrigger" in __endpoint ? "cloudevent" : "http",
    ...(Object.entries(ASKS).find(([trigger]) => trigger in __endpoint)?.[1] ??
      asks(allRoutes.filter(({ fn }) => fn === name))),
  }));
}

/**
 * A path refuses at once a method that it has not, and its route, after a read and the limit of the address, who has
 * an unknown credential.
 */
function asks(routes: readonly Route[]): Pick<Subject, "first" | "read"> {
  const ask = ({ method, path }: Route, rest: Partial<Ask>): Ask => ({
    method,
    path: path.replaceAll(/\{\w+\}/g, UUID),
    ...rest,
  });
  const guarded = routes.find(({ auth }) => auth !== "public");
  if (guarded) {
    const authorization = `Bearer ${newKey("pg", UUID).key}`;
    return {
      first: ask(guarded, { method: "OPTIONS", status: 405 }),
      read: ask(guarded, { status: 401, headers: { authorization } }),
    };
  }
  const [liveness, health] = routes;
  if (!liveness || !health) throw new Error("a function without routes and trigger");
  return { first: ask(liveness, { status: 200 }), read: ask(health, {}) };
}

/** The floor, built in a folder of its own. */
async function buildFloor(source: string): Promise<Subject> {
  await symlink(join(FUNCTIONS, "node_modules"), join(source, "node_modules"));
  await writeFile(join(source, "package.json"), '{ "type": "module", "main": "lib/floor.js" }');
  await writeFile(join(source, "floor.ts"), FLOOR);
  await bundle({ floor: join(source, "floor.ts") }, join(source, "lib"));
  const ask = (path: string): Ask => ({ method: "GET", path, status: 200 });
  return { name: "floor", source, signature: "http", first: ask("/"), read: ask("/read") };
}

/** Starts an instance as the platform does, and ends it when it has answered. */
async function start({ name, source, signature, first, read }: Subject): Promise<Start> {
  const port = await freePort();
  const spawned = performance.now();
  const child = spawn(
    process.execPath,
    [FRAMEWORK, `--source=${source}`, `--target=${name}`, `--signature-type=${signature}`, `--port=${port}`],
    {
      env: { ...process.env, FUNCTION_TARGET: name, HOST: "127.0.0.1" },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const time = async (ask: Ask | undefined): Promise<number | undefined> => {
    if (!ask) return undefined;
    const status = await Promise.race([patiently(port, ask), ended.then(() => "the end")]);
    if (status !== (ask.status ?? status)) throw new Error(`${name} ${ask.path}: ${status}\n${said}`);
    return performance.now() - spawned;
  };
  try {
    const times = { first: await time(first), read: await time(read) };
    return { ...times, memory: Number(execFileSync("ps", ["-o", "rss=", "-p", `${child.pid}`])) / 1024 };
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/** Asks until somebody listens. */
async function patiently(port: number, ask: Ask): Promise<number> {
  for (const until = performance.now() + 30_000; ; await sleep(2)) {
    try {
      return await send(port, ask);
    } catch (error) {
      if (performance.now() > until || (error as { code?: string }).code !== "ECONNREFUSED") throw error;
    }
  }
}

/** Resolves with the status when the answer is complete. */
async function send(port: number, { method, path, headers, body }: Ask): Promise<number> {
  const request = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false }).end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  await response.resume().toArray();
  return response.statusCode ?? 0;
}

/** A Firestore that holds nothing, takes everything, and says so at once. */
const emptyFirestore = (): Server =>
  http2.createServer().on("stream", async (stream, { ":path": method }) => {
    const asked = Buffer.concat(await stream.toArray()).toString("latin1");
    const [missing = ""] = /projects\/[^/]+\/databases\/[^/]+\/documents\/[\w/-]+/.exec(asked) ?? [];
    // A length of 128 and more takes two bytes.
    const size = (length: number) => (length < 128 ? [length] : [(length & 127) | 128, length >> 7]);
    const field = (number: number, bytes: Uint8Array) => [(number << 3) | 2, ...size(bytes.length), ...bytes];
    const readTime = Buffer.of(0x08, 1);
    const answers: Record<string, number[]> = {
      BatchGetDocuments: [...field(2, Buffer.from(missing)), ...field(4, readTime)],
      Commit: [...field(1, Buffer.from(field(1, readTime))), ...field(2, readTime)],
    };
    const message = answers[method?.split("/").at(-1) ?? ""] ?? field(3, readTime);
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.of(0, 0, 0, 0, message.length, ...message));
  });

/** Every other service: to all that is asked it answers an empty object. */
const emptyService = (): Server =>
  http.createServer((_request, response) => {
    response.setHeader("Content-Type", "application/json").end("{}");
  });

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  return port;
}

/** The surroundings of an instance, which it inherits. */
function surround(firestore: number, service: number): void {
  for (const file of [".env.demo-palmgate", ".secret.local"]) process.loadEnvFile(join(FUNCTIONS, file));
  Object.assign(process.env, {
    NODE_ENV: "production",
    GCLOUD_PROJECT: "demo-palmgate",
    FIRESTORE_EMULATOR_HOST: `127.0.0.1:${firestore}`,
    FIREBASE_AUTH_EMULATOR_HOST: `127.0.0.1:${service}`,
    FIREBASE_STORAGE_EMULATOR_HOST: `127.0.0.1:${service}`,
    STORAGE_EMULATOR_HOST: `http://127.0.0.1:${service}`,
    CLOUD_TASKS_EMULATOR_HOST: `127.0.0.1:${service}`,
    // Or Google's libraries look for the machine's own credentials.
    METADATA_SERVER_DETECTION: "none",
  });
}

/** The floor before each function, so that a busy moment of the machine meets both. */
async function measure(floor: Subject, functions: Subject[], rounds: number): Promise<Map<string, Start[]>> {
  const starts = new Map([floor, ...functions].map(({ name }): [string, Start[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of functions.flatMap((each) => [floor, each])) {
      starts.get(subject.name)?.push(await start(subject));
    }
  }
  return starts;
}

/** Values in order, those that there are. */
const sorted = (starts: readonly Start[], key: keyof Start): number[] =>
  starts.flatMap((each) => each[key] ?? []).sort((a, b) => a - b);

const median = (values: readonly number[]): number | undefined => values[Math.floor(values.length / 2)];

/** Prints the table; answers the functions that are over the limit. */
function report(measured: Map<string, Start[]>): string[] {
  const print = ([name, ...cells]: string[]) =>
    console.log(name?.padEnd(16) + cells.map((cell) => cell.padStart(9)).join(""));
  const figure = (value: number | undefined, digits = 0) => value?.toFixed(digits) ?? "–";
  const over: string[] = [];
  print(["", "first", "fastest", "ratio", "read", "fastest", "ratio", "MiB"]);
  for (const [name, starts] of measured) {
    const cells = (["first", "read"] as const).flatMap((key) => {
      const times = sorted(starts, key);
      const [mine, floor] = [median(times), median(sorted(measured.get("floor") ?? [], key))];
      const ratio = mine && floor && mine / floor;
      if (ratio && ratio > LIMIT && !UNLIMITED.includes(name)) over.push(name);
      return [figure(mine), figure(times[0]), figure(ratio, 2)];
    });
    print([name, ...cells, figure(median(sorted(starts, "memory")))]);
  }
  return over;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "15" }, only: { type: "string" } },
  });
  const services = [emptyFirestore(), emptyService()] as const;
  const folder = await mkdtemp(join(tmpdir(), "palmgate-floor-"));
  try {
    surround(await listen(services[0]), await listen(services[1]));
    const functions = (await subjects()).filter(({ name }) => !values.only || name === values.only);
    const measured = await measure(await buildFloor(folder), functions, Number(values.rounds));
    console.log(
      "Milliseconds from the spawn of an instance, medians and least; ratios of medians to the floor's\n",
    );
    const over = report(measured);
    console.log(over.length > 0 ? `\nover ${LIMIT}: ${over.join(", ")}` : `\nnone over ${LIMIT}`);
    process.exitCode = over.length > 0 ? 1 : 0;
  } finally {
    for (const service of services) service.close();
    await rm(folder, { recursive: true });
  }
}

await main();
