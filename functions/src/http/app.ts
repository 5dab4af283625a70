import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Ctx, Ports, Surroundings } from "../domain/context.ts";
import { DomainError, notFound } from "../domain/errors.ts";
import { authenticate, present } from "./auth.ts";
import { readInput } from "./input.ts";
import { PROBLEMS, problemResponse, toDomainError } from "./problem.ts";
import { errorsOf, type Route } from "./route.ts";
import { enterScope, readNamed } from "./scope.ts";
import { Streamed } from "./stream.ts";

/** The ports that the pipeline itself uses, on every function that serves routes. */
export type PipelinePorts =
  | "apiKeys"
  | "devices"
  | "environments"
  | "identityTokens"
  | "organizations"
  | "projects";

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * An HTTP application of these routes. Paths that none of them has are 404, known paths with another method 405.
 */
export function createApp<Needs extends keyof Ports>(
  routes: readonly Route<Needs>[],
  ctx: Surroundings & Pick<Ports, Needs | PipelinePorts>,
): Hono {
  const app = new Hono();
  const handleFor = (table: Map<string, Route>) => (c: Context) =>
    respond(ctx, c, (request_id) => serve(ctx as Ctx<keyof Ports>, pick(table, c.req.method), c, request_id));

  const tables = Map.groupBy(routes as readonly Route[], (route) => route.path);
  for (const [path, atPath] of tables) {
    const byMethod = new Map(atPath.map((route) => [route.method as string, route]));
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), handleFor(byMethod));
  }
  app.notFound((c) => respond(ctx, c, () => Promise.reject(notFound())));
  return app;
}

/** The application as a Node request handler; it reads the body that the platform has already read. */
export function toListener(app: Hono, ctx: Surroundings): ReturnType<typeof getRequestListener> {
  return (incoming, outgoing) => {
    const errorHandler = (cause: unknown): Response => {
      const request_id = requestId(ctx, incoming.headers["x-request-id"]);
      return finish(problemResponse(unreadable(cause), request_id), request_id);
    };
    return getRequestListener(app.fetch, { errorHandler })(incoming, outgoing);
  };
}

const unreadable = (cause: unknown): DomainError =>
  new DomainError("invalid_request", "The request is not valid.", {
    cause,
    errors: [{ path: "", message: "is no readable HTTP request" }],
  });

function pick(table: Map<string, Route>, method: string): Route {
  const route = table.get(method === "HEAD" ? "GET" : method);
  if (route) return route;
  const allow = [...table.keys()].flatMap((known) => (known === "GET" ? ["GET", "HEAD"] : [known]));
  throw new DomainError("method_not_allowed", "The path has no such method.", {
    headers: { Allow: allow.join(", ") },
  });
}

/**
 * The order of refusals, in this one place: credential 401 → rate 429 → kind of credential 403 → scope 404 →
 * tenant 403 → what the path names in it 404 → server lookup 403 → body and query 413, 415, 400 → idempotency 409 →
 * the handler's own.
 */
async function serve(ctx: Ctx<keyof Ports>, route: Route, c: Context, request_id: string): Promise<Response> {
  const params = c.req.param() as Record<string, string>;
  const presented = route.auth === "public" ? undefined : present(c.req.header("authorization"));
  const named = readNamed(ctx, route, params);
  const caller = presented && (await authenticate(ctx, presented));
  try {
    if (caller && !(route.auth as readonly string[]).includes(caller.kind)) {
      throw new DomainError("forbidden", "This kind of credential cannot be used here.");
    }
    const scope = await enterScope(ctx, route, caller?.actor, named);
    const input = await readInput(route, c.req.raw);
    const output = await route.handle(ctx, { ...scope, ...input, params });
    if (output instanceof Streamed) return await stream(ctx, route, output, c, request_id);
    return serialise(route, output);
  } catch (error) {
    warnOfUndeclared(ctx, route, error, request_id);
    throw error;
  } finally {
    await caller?.aside;
  }
}

function serialise(route: Route, output: unknown): Response {
  const status = route.statusOf?.(output) ?? route.status;
  if (!route.response) return new Response(null, { status });
  return new Response(JSON.stringify(route.response.parse(output)), {
    status,
    headers: { "Content-Type": route.mediaType },
  });
}

async function stream(
  ctx: Surroundings,
  route: Route,
  output: Streamed,
  c: Context,
  request_id: string,
): Promise<Response> {
  if (c.req.method === "HEAD") await output.cancel();
  const outgoing = (c.env as { outgoing?: { destroy(): void } } | undefined)?.outgoing;
  const body = await output.open((error) => {
    ctx.log.error("stream failed", { request_id, method: c.req.method, error: describe(error) });
    // Before anybody else ends the answer as if it were whole.
    outgoing?.destroy();
    return outgoing !== undefined;
  });
  return new Response(body, { headers: { "Content-Type": route.mediaType, ...output.headers } });
}

/** Gives every answer its request id and cache header, and every failure its problem document. */
async function respond(
  ctx: Surroundings,
  c: Context,
  answer: (request_id: string) => Promise<Response>,
): Promise<Response> {
  const request_id = requestId(ctx, c.req.header("x-request-id"));
  const response = await attempt(answer, request_id, (error) => {
    ctx.log.error("request failed", { request_id, method: c.req.method, error: describe(error) });
  });
  return finish(response, request_id);
}

/** A caller's request id when it is a safe one, else ours. */
const requestId = (ctx: Surroundings, sent: unknown): string =>
  typeof sent === "string" && REQUEST_ID.test(sent) ? sent : ctx.id();

function finish(response: Response, request_id: string): Response {
  response.headers.set("X-Request-Id", request_id);
  response.headers.set("Cache-Control", "no-store");
  return response;
}

async function attempt(
  answer: (request_id: string) => Promise<Response>,
  request_id: string,
  report: (error: unknown) => void,
): Promise<Response> {
  try {
    return await answer(request_id);
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (PROBLEMS[error.code].status >= 500) report(error.cause ?? error);
    return problemResponse(error, request_id);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** A code that the route does not declare is missing from the documentation: say so loudly, answer all the same. */
function warnOfUndeclared(ctx: Surroundings, route: Route, thrown: unknown, request_id: string): void {
  const { code } = toDomainError(thrown);
  if (errorsOf(route).includes(code)) return;
  ctx.log.error("undeclared error code", { request_id, operation: route.operationId, code });
}
