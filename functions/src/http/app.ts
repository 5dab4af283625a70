import type { IncomingMessage } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { includesPermission } from "../domain/apikey/permission.ts";
import { audited } from "../domain/audit/audit.ts";
import type { Verdict } from "../domain/budget/limiter.ts";
import type { Ctx, Ports, Surroundings } from "../domain/context.ts";
import { DomainError, notFound } from "../domain/errors.ts";
import type { Commit } from "../domain/store.ts";
import { type Authenticated, authenticate, present } from "./auth.ts";
import { bodyOf, readBody } from "./body.ts";
import { cacheableResponse } from "./cache.ts";
import { IDEMPOTENCY_KEY, isIdempotencyKey, Once } from "./idempotency.ts";
import type { Input } from "./input.ts";
import { type InputReader, ReaderInTurn } from "./inputReader.ts";
import { PROBLEMS, problemResponse, toDomainError } from "./problem.ts";
import { ProvenCredentials } from "./proven.ts";
import {
  type Addresses,
  addressesOf,
  admit,
  admitAddress,
  admitAlso,
  admitRegistration,
  admitStranger,
  admitTerminals,
  isInGoodStanding,
  knownRefusal,
  rateHeaders,
  refuse,
} from "./ratelimit.ts";
import { BODY_LIMITS, errorsOf, type ReachedBy, type Route } from "./route.ts";
import { enterScope, type Found, type Named, readNamed, readTerminalProject } from "./scope.ts";
import { Streamed } from "./stream.ts";

/** The ports that the pipeline itself uses, on every function that serves routes. */
export type PipelinePorts =
  | "apiKeys"
  | "audit"
  | "commit"
  | "devices"
  | "environments"
  | "identityTokens"
  | "limiter"
  | "organizations"
  | "policies"
  | "projects"
  | "registrations";

/** And where a POST takes an idempotency key. */
export type App<Needs extends keyof Ports> = Surroundings &
  Pick<Ports, Needs | PipelinePorts> &
  Partial<Pick<Ports, "idempotency">>;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Both ids of a request, as the log and the audit log name them. */
interface RequestIds {
  /** Ours: no caller can choose it. */
  request_id: string;
  /** The caller's `X-Request-Id` when it sent a valid one, which the answer repeats. */
  client_request_id: string | null;
}

/** One request on its way: its ids, and what its answer will say whatever it is. */
interface Exchange {
  c: Context;
  ids: RequestIds;
  headers: Record<string, string>;
}

/** How many proxies append to `X-Forwarded-For` before a request arrives, by how its path is reached. */
type Proxies = Readonly<Record<ReachedBy, number>>;

/** What the requests of one application share. */
interface Shared {
  proxies: Proxies;
  proven: ProvenCredentials;
  reader: InputReader;
}

/**
 * An HTTP application of these routes. Paths that none of them has are 404, known paths with another method 405.
 */
export function createApp<Needs extends keyof Ports>(
  routes: readonly Route<Needs>[],
  ctx: App<Needs>,
  {
    proxies = { hosting: 0, direct: 0 },
    reader = new ReaderInTurn(),
  }: Partial<Pick<Shared, "proxies" | "reader">> = {},
): Hono {
  if (routes.some(({ idempotent }) => idempotent) && !ctx.idempotency) {
    throw new Error("a route takes an idempotency key, but there is nowhere to record it");
  }
  const app = new Hono();
  const all = ctx as Ctx<keyof Ports>;
  const shared = { proxies, proven: new ProvenCredentials(ctx), reader };
  const handleFor = (table: Map<string, Route>) => (c: Context) =>
    respond(ctx, c, (exchange) => serve(all, pick(table, c.req.method), exchange, shared));

  const tables = Map.groupBy(routes as readonly Route[], (route) => route.path);
  for (const [path, atPath] of tables) {
    const byMethod = new Map(atPath.map((route) => [route.method as string, route]));
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), handleFor(byMethod));
  }
  app.notFound((c) => respond(ctx, c, () => Promise.reject(notFound())));
  return app;
}

/** The application as a Node request handler. */
export function toListener(app: Hono, ctx: Surroundings): ReturnType<typeof getRequestListener> {
  return (incoming, outgoing) => {
    const errorHandler = (cause: unknown): Response => {
      const answered = answeredId(requestIds(ctx, incoming.headers["x-request-id"]));
      return finish(problemResponse(unreadable(cause), answered), answered);
    };
    return getRequestListener(app.fetch, { errorHandler })(incoming, outgoing);
  };
}

const unreadable = (cause: unknown): DomainError =>
  new DomainError("invalid_request", "The request is not valid.", {
    cause,
    errors: [{ path: "", message: "must be a readable HTTP request" }],
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
 * tenant 403 → what the path names in it 404 → server lookup 403 → body, query and headers 413, 415, 400 →
 * idempotency 409 → the handler's own.
 */
async function serve(
  ctx: Ctx<keyof Ports>,
  route: Route,
  exchange: Exchange,
  shared: Shared,
): Promise<Response> {
  const addresses = readAddresses(route, exchange, shared);
  const { caller, named } = await recognise(ctx, route, exchange, shared, addresses);
  try {
    const { entering, once } = await enter(ctx, route, exchange, caller, named, addresses);
    const scope = await entering;
    const owner = scope.organization?.id ?? scope.project?.organization_id ?? caller?.account ?? "";
    const { raw, ...input } = await receive(route, exchange, shared, owner);
    const { c } = exchange;
    const params = c.req.param();
    const handle = async (commit: Commit): Promise<Response> => {
      const { signal } = c.req.raw;
      const output = await route.handle({ ...ctx, commit }, { ...scope, ...input, params, signal });
      return output instanceof Streamed
        ? stream(ctx, route, output, exchange)
        : toResponse(route, render(route, output), exchange);
    };
    const commit = commitFor(ctx, route, exchange, caller, scope);
    return once ? await once.answer(raw, commit, handle) : await handle(commit);
  } catch (error) {
    warnOfUndeclared(ctx, route, error, exchange.ids);
    throw error;
  } finally {
    await caller?.aside;
  }
}

async function receive(route: Route, { c }: Exchange, { reader }: Shared, owner: string): Promise<Input> {
  const request = c.req.raw;
  const limit = BODY_LIMITS[route.bodyLimit];
  const raw = route.body
    ? await readBody(limit, request.headers, bodyOf(request, incomingOf(c)))
    : new Uint8Array();
  const { search } = new URL(request.url);
  const key = request.headers.get(IDEMPOTENCY_KEY);
  return reader.read(route, { search, key, raw }, { owner, signal: request.signal });
}

function readAddresses({ reachedBy }: Route, { c }: Exchange, { proxies }: Shared): Addresses {
  return addressesOf(c.req.header("x-forwarded-for"), socketAddress(c), proxies[reachedBy]);
}

interface Recognised {
  caller: Authenticated | undefined;
  named: Named;
}

/** Who calls. A request without a valid credential counts against its address. */
async function recognise(
  ctx: Ctx<keyof Ports>,
  route: Route,
  exchange: Exchange,
  shared: Shared,
  addresses: Addresses,
): Promise<Recognised> {
  if (route.auth === "public") {
    if (route.rate === "registration") await admitRegistration(ctx, addresses);
    else if (route.rate === "address") await admitStranger(ctx, addresses);
    return { caller: undefined, named: readNamed(ctx, route, exchange.c.req.param()) };
  }
  try {
    return await lookUp(ctx, route, exchange, shared, addresses);
  } catch (error) {
    if (toDomainError(error).code === "unauthenticated") await admitStranger(ctx, addresses);
    throw error;
  }
}

/**
 * Looks the credential up, unless its address is over the limit: then only credentials that passed here before are
 * worth a read, and ID tokens, which need none. What the path names is read concurrently where the credential is likely
 * to be valid, else afterwards, so that a stranger pays for one look-up at most.
 */
async function lookUp(
  ctx: Ctx<keyof Ports>,
  route: Route,
  { c }: Exchange,
  { proven }: Shared,
  addresses: Addresses,
): Promise<Recognised> {
  const authorization = c.req.header("authorization") ?? "";
  const presented = present(authorization);
  const isProven = proven.has(authorization);
  const refusal = isProven || presented.kind === "firebase" ? undefined : knownRefusal(ctx, addresses);
  if (refusal) refuse(refusal);
  const read = () => readNamed(ctx, route, c.req.param());
  const prefetched = isProven || isInGoodStanding(ctx, addresses) ? read() : undefined;
  try {
    const caller = await authenticate(ctx, presented);
    // A claim token is free to anybody, so it opens no way around the limit of its address.
    if (caller.kind !== "firebase" && caller.kind !== "claimToken") proven.add(authorization);
    return { caller, named: prefetched ?? read() };
  } catch (error) {
    if (toDomainError(error).code === "unauthenticated") proven.remove(authorization);
    throw error;
  }
}

/**
 * Takes a token of the caller's budget. Scope and idempotency record are read beside that, unless the answer is known
 * at once: they are refused afterwards, in their order.
 */
async function enter(
  ctx: Ctx<keyof Ports>,
  route: Route,
  exchange: Exchange,
  caller: Authenticated | undefined,
  named: Named,
  addresses: Addresses,
): Promise<{ entering: Promise<Found>; once: Once | undefined }> {
  if (!caller) return { entering: enterScope(ctx, route, undefined, named), once: undefined };
  const own = admit(ctx, caller);
  if (!(own instanceof Promise)) refuse(tell(exchange, own));
  const refusal = refusalOf(route, caller);
  const within = refusal ? named : readTerminalProject(ctx, route, caller, named);
  const entering = refusal ? Promise.reject(refusal) : enterScope(ctx, route, caller, within);
  entering.catch(() => undefined);
  const once = refusal ? undefined : onceOf(ctx, route, exchange, caller);
  const verdict = admitShared(ctx, route, caller, own, within, addresses);
  if (verdict instanceof Promise) refuse(tell(exchange, await verdict));
  return { entering, once };
}

/** Counts what a caller shares with others: a claim token with its address, a terminal with its organization. */
function admitShared(
  ctx: Ctx<keyof Ports>,
  route: Route,
  caller: Authenticated,
  own: Verdict | Promise<Verdict>,
  { project }: Named,
  addresses: Addresses,
): Verdict | Promise<Verdict> {
  if (caller.kind === "claimToken") return admitAlso(own, () => admitAddress(ctx, addresses));
  if (route.rate !== "organization" || caller.kind !== "deviceKey") return own;
  return admitAlso(own, async () => {
    const organization_id = (await project)?.value.organization_id;
    return organization_id === undefined ? own : admitTerminals(ctx, organization_id);
  });
}

function tell(exchange: Exchange, verdict: Verdict): Verdict {
  Object.assign(exchange.headers, rateHeaders(verdict));
  return verdict;
}

/** Why a valid credential cannot be used on a route, whatever it acts in; `undefined` when it can. */
function refusalOf({ auth, permission }: Route, caller: Authenticated): DomainError | undefined {
  if (!(auth as readonly string[]).includes(caller.kind)) {
    return new DomainError("forbidden", "This kind of credential cannot be used here.");
  }
  if (caller.kind === "firebase" && caller.lacks_second_factor) {
    return new DomainError("forbidden", "Sign in with a second factor: this deployment requires one.");
  }
  if (caller.kind === "apiKey" && permission && !includesPermission(caller.actor.permissions, permission)) {
    return new DomainError("forbidden", `The API key does not have the permission ${permission}.`);
  }
  return undefined;
}

function onceOf(
  ctx: Ctx<keyof Ports>,
  route: Route,
  { c }: Exchange,
  { owner }: Authenticated,
): Once | undefined {
  const key = c.req.header(IDEMPOTENCY_KEY);
  if (!route.idempotent || key === undefined || !isIdempotencyKey(key)) return undefined;
  const { method, path } = c.req;
  return new Once(
    ctx,
    { owner, method, path, key },
    (result) => render(route, result),
    (text) => redact(ctx, route, text),
  );
}

/** A stored answer as its replay may show it. @see RouteSpec.redacts */
async function redact(ctx: Ctx<keyof Ports>, route: Route, text: string): Promise<string> {
  const redacted = await route.redacts?.(ctx, JSON.parse(text));
  return redacted === undefined ? text : JSON.stringify(redacted);
}

/** The commit of a request: what a route changes goes into the audit log in the same batch. */
function commitFor(
  ctx: Ctx<keyof Ports>,
  route: Route,
  { ids }: Exchange,
  caller: Authenticated | undefined,
  { organization, project }: Found,
): Commit {
  if (!route.audits || !caller?.actor) return ctx.commit;
  return audited(ctx, {
    actor: { type: caller.actor.type, id: caller.actor.id },
    operation: route.operationId,
    ...ids,
    organization_id: organization?.id ?? project?.organization_id,
    project_id: project?.id,
  });
}

/** Node's request; undefined where the application is called without a server. */
const incomingOf = (c: Context): IncomingMessage | undefined =>
  (c.env as { incoming?: IncomingMessage } | undefined)?.incoming;

const socketAddress = (c: Context): string | undefined => incomingOf(c)?.socket.remoteAddress;

/** What the route answers to what its handler gives. */
function render(route: Route, output: unknown): { status: number; text: string } {
  const answer = route.answers(output);
  const status = route.statusOf?.(answer) ?? route.status;
  return { status, text: route.response ? JSON.stringify(route.response.parse(answer)) : "" };
}

function toResponse(
  route: Route,
  { status, text }: { status: number; text: string },
  { c }: Exchange,
): Response {
  if (!route.response) return new Response(null, { status });
  if (route.maxAge !== undefined && status === 200) {
    return cacheableResponse(text, route, c.req.header("if-none-match"));
  }
  return new Response(text, { status, headers: { "Content-Type": route.mediaType } });
}

async function stream(
  ctx: Surroundings,
  route: Route,
  output: Streamed,
  { c, ids }: Exchange,
): Promise<Response> {
  if (c.req.method === "HEAD") await output.cancel();
  const outgoing = (c.env as { outgoing?: { destroy(): void } } | undefined)?.outgoing;
  const body = await output.open((error) => {
    ctx.log.error("stream failed", { ...ids, method: c.req.method, error: describe(error) });
    // Before anybody else ends the answer as if it were whole.
    outgoing?.destroy();
    return outgoing !== undefined;
  });
  return new Response(body, { headers: { "Content-Type": route.mediaType, ...output.headers } });
}

/** Gives every answer its request id, cache and security headers, and every failure its problem document. */
async function respond(
  ctx: Surroundings,
  c: Context,
  answer: (exchange: Exchange) => Promise<Response>,
): Promise<Response> {
  const ids = requestIds(ctx, c.req.header("x-request-id"));
  const exchange: Exchange = { c, ids, headers: {} };
  const response = await attempt(answer, exchange, (error) => {
    ctx.log.error("request failed", { ...ids, method: c.req.method, error: describe(error) });
  });
  for (const [name, value] of Object.entries(exchange.headers)) response.headers.set(name, value);
  return finish(response, answeredId(ids));
}

const requestIds = (ctx: Surroundings, sent: unknown): RequestIds => ({
  request_id: ctx.id(),
  client_request_id: typeof sent === "string" && REQUEST_ID.test(sent) ? sent : null,
});

/** The id that the answer carries. */
const answeredId = ({ request_id, client_request_id }: RequestIds): string => client_request_id ?? request_id;

/** On every answer, whatever it is: no browser may guess its type, use plain HTTP next time or show it in a frame. */
const SECURITY_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Strict-Transport-Security": "max-age=31536000",
  "Content-Security-Policy": "frame-ancestors 'none'",
};

function finish(response: Response, request_id: string): Response {
  response.headers.set("X-Request-Id", request_id);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
  if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
  return response;
}

async function attempt(
  answer: (exchange: Exchange) => Promise<Response>,
  exchange: Exchange,
  report: (error: unknown) => void,
): Promise<Response> {
  try {
    return await answer(exchange);
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (PROBLEMS[error.code].status >= 500) report(error.cause ?? error);
    return problemResponse(error, answeredId(exchange.ids));
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** A code that the route does not declare is missing from the documentation: say so loudly, answer all the same. */
function warnOfUndeclared(ctx: Surroundings, route: Route, thrown: unknown, ids: RequestIds): void {
  const { code } = toDomainError(thrown);
  if (errorsOf(route).includes(code)) return;
  ctx.log.error("undeclared error code", { ...ids, operation: route.operationId, code });
}
