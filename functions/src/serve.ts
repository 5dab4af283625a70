import { createRequire } from "node:module";
import type { DocumentOptions, onDocumentCreated } from "firebase-functions/firestore";
import { type HttpsFunction, type HttpsOptions, onRequest } from "firebase-functions/https";
import * as logger from "firebase-functions/logger";
import { onSchedule, type ScheduleFunction, type ScheduleOptions } from "firebase-functions/scheduler";
import { onTaskDispatched, type TaskQueueFunction, type TaskQueueOptions } from "firebase-functions/tasks";
import type * as z from "zod";
import { params } from "./config.ts";
import type { Ports, Surroundings } from "./domain/context.ts";
import type { App } from "./http/app.ts";
import type { InputReader } from "./http/inputReader.ts";
import type { Route } from "./http/route.ts";
import { hideRequestsFromPlatform, restoreRequest } from "./rawRequests.ts";

const require = createRequire(import.meta.url);

type EventsPackage = typeof import("firebase-functions/firestore");
type Deps = typeof import("./deps.ts");
type Given<Needs extends keyof Ports> = Surroundings & Pick<Ports, Needs>;

/**
 * An HTTPS function that serves its routes of a group; their code is loaded by the instances that serve it alone.
 * @param readAside makes a reader of large inputs that does not use the serving thread
 */
export function serve<Needs extends keyof Ports>(
  id: string,
  options: HttpsOptions,
  group: () => Promise<{ routes: readonly Route<Needs>[] }>,
  give: (deps: Deps) => App<NoInfer<Needs>> | Promise<App<NoInfer<Needs>>>,
  readAside?: () => Promise<InputReader>,
): HttpsFunction {
  const start = once(id, async () => {
    const [{ createApp, toListener }, { routes }, deps] = await Promise.all([
      import("./http/app.ts"),
      group(),
      import("./deps.ts"),
    ]);
    const own = routes.filter(({ fn }) => fn === id);
    const ctx = await give(deps);
    const proxies = { hosting: params.HOSTING_PROXIES.value(), direct: params.DIRECT_PROXIES.value() };
    const aside = readAside && { reader: await readAside() };
    return toListener(createApp(own, ctx, { proxies, ...aside }), ctx);
  });
  if (process.env["FUNCTION_TARGET"] === id) hideRequestsFromPlatform();
  return onRequest({ ...options, cors: false, invoker: "public" }, async (request, response) => {
    leaveDomain();
    restoreRequest(request);
    const listener = await start();
    await listener(request, response);
  });
}

/**
 * The platform runs a request in a `node:domain`, whose hooks cost a stream of rows more than all our work on it
 * (docs/adr/0007-leaving-the-domain.md). What is thrown unheard still ends the instance, as it should.
 */
function leaveDomain(): void {
  (process as { domain?: { exit(): void } }).domain?.exit();
}

/** A function that runs by the clock. */
export function schedule<Needs extends keyof Ports>(
  id: string,
  options: ScheduleOptions,
  task: () => Promise<(ctx: Given<Needs>) => Promise<void>>,
  give: (deps: Deps) => Given<Needs> | Promise<Given<Needs>>,
): ScheduleFunction {
  const start = once(id, async () => {
    const [run, deps] = await Promise.all([task(), import("./deps.ts")]);
    const ctx = await give(deps);
    return () => run(ctx);
  });
  return onSchedule(options, async () => {
    const run = await start();
    await run();
  });
}

/**
 * A function that runs the tasks of the queue of its name. A task that rejects is answered 500 and runs again, as
 * `retryConfig` says: never 503, at which Cloud Tasks would slow the whole queue. What is no task is acknowledged.
 */
export function taskQueue<Needs extends keyof Ports, Task>(
  id: string,
  options: TaskQueueOptions,
  task: () => Promise<{ schema: z.ZodType<Task>; run(ctx: Given<Needs>, task: Task): Promise<void> }>,
  give: (deps: Deps) => Given<NoInfer<Needs>> | Promise<Given<NoInfer<Needs>>>,
): TaskQueueFunction {
  const start = once(id, async () => {
    const [{ schema, run }, deps] = await Promise.all([task(), import("./deps.ts")]);
    const ctx = await give(deps);
    return async (data: unknown) => {
      const parsed = schema.safeParse(data);
      if (parsed.success) await run(ctx, parsed.data);
      else ctx.log.error("this is no task, and never will be", { id, issues: parsed.error.issues });
    };
  });
  return onTaskDispatched({ ...options, invoker: "private" }, async ({ data }) => {
    const run = await start();
    await run(data);
  });
}

type Params<Document extends string> = Parameters<
  Parameters<typeof onDocumentCreated<Document>>[1]
>[0]["params"];

/**
 * Defines a function that runs when a document is created, and is retried for up to 24 h until it does not reject. It
 * gets only the path of the document: the event's copy of the fields can be stale.
 * @returns undefined in an instance of another function, which would only lose 30 ms by loading the events' package
 */
export function trigger<Needs extends keyof Ports, Document extends string>(
  id: string,
  options: Omit<DocumentOptions, "document" | "retry">,
  document: Document,
  task: () => Promise<(ctx: Given<Needs>, params: Params<Document>) => Promise<void>>,
  give: (deps: Deps) => Given<NoInfer<Needs>> | Promise<Given<NoInfer<Needs>>>,
): ReturnType<typeof onDocumentCreated<Document>> | undefined {
  const target = process.env["FUNCTION_TARGET"];
  if (target !== undefined && target !== id) return undefined;
  // Not by a dynamic import: the emulator loads the deployment table with `require`, which cannot wait for one.
  const { onDocumentCreated } = require("firebase-functions/firestore") as EventsPackage;
  const start = once(id, async () => {
    const [run, deps] = await Promise.all([task(), import("./deps.ts")]);
    const ctx = await give(deps);
    return (params: Params<Document>) => run(ctx, params);
  });
  return onDocumentCreated({ ...options, document, retry: true }, async ({ params }) => {
    const run = await start();
    await run(params);
  });
}

/**
 * Starts at the first use, or with the instance when this is the function that it is for. An instance that
 * cannot start (an empty secret, say) ends, so that a bad deployment never replaces a good one.
 */
function once<T>(id: string, start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  const get = (): Promise<T> => (started ??= start());
  if (process.env["FUNCTION_TARGET"] === id) {
    get().catch((error: unknown) => {
      logger.error(`${id} cannot start`, error);
      process.exit(1);
    });
  }
  return get;
}
