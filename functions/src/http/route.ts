import type * as z from "zod";
import type { Permission } from "../domain/apikey/permission.ts";
import type { Actor, Caller, Ctx, Ports } from "../domain/context.ts";
import type { Device } from "../domain/device/device.ts";
import type { Environment } from "../domain/environment/environment.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { Organization } from "../domain/organization/organization.ts";
import type { Project } from "../domain/project/project.ts";
import type { Registration } from "../domain/registration/registration.ts";
import type { Stored, Target } from "../domain/store.ts";
import type { Streamed } from "./stream.ts";

/** Kinds of credential: a console user's Firebase ID token, an integrator's API key, a terminal's key, its claim token. */
export type Credential = "firebase" | "apiKey" | "deviceKey" | "claimToken";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * What a route acts in, found by the pipeline before the handler runs:
 * `public` nothing, `caller` whoever asks, `organization`, `project` and `device` those that the path names, `tenant`
 * a project whose environment is tenant-managed, `terminal` the device that asks, `claim` the registration that does.
 * `…Palms`: the device's project has an environment that palms can live in, of its organization or global.
 */
export interface Scopes {
  public: unknown;
  caller: { actor: Caller };
  organization: { actor: Actor; organization: Organization };
  project: { actor: Actor; project: Project };
  tenant: { actor: Actor; project: Project; environment: Environment };
  device: { actor: Actor; project: Project; device: Stored<Device> };
  devicePalms: { actor: Actor; project: Project; device: Stored<Device>; environment: Environment };
  terminal: { actor: Actor; device: Stored<Device> };
  terminalPalms: { actor: Actor; project: Project; device: Stored<Device>; environment: Environment };
  claim: { registration: Stored<Registration> };
}

/** The scopes that need a path parameter, and which. */
export const SCOPE_PARAMS = {
  organization: "org_id",
  project: "project_id",
  tenant: "project_id",
  device: "device_id",
  devicePalms: "device_id",
} as const satisfies Partial<Record<keyof Scopes, string>>;

/** A state that a route asks for beyond its scope: of the project, or that the device is enabled. */
type State = "server_lookup" | "sandbox" | "enabled";

/** How large a body may be, in bytes after decompression, and how long it may take to arrive, in ms. */
export interface BodyLimit {
  bytes: number;
  ms: number;
}

/** Of bodies without pictures, with one sample (a photograph has up to 8 MiB, a third more in base64), with five. */
export const BODY_LIMITS = {
  standard: { bytes: 256 * 1024, ms: 10_000 },
  sample: { bytes: 12 * 1024 * 1024, ms: 20_000 },
  samples: { bytes: 24 * 1024 * 1024, ms: 30_000 },
} as const satisfies Record<string, BodyLimit>;

/** The credentials that a route accepts. */
type Accepted = "public" | readonly [Credential, ...Credential[]];

/** The permission that an API key needs, exactly where API keys are accepted. */
type Permitted<Auth extends Accepted> = Auth extends readonly Credential[]
  ? "apiKey" extends Auth[number]
    ? { permission: Permission }
    : { permission?: never }
  : { permission?: never };
/** A budget that a request counts against besides its credential's. */
type RateBudget = "free" | "address" | "registration" | "organization";

/** Whether clients reach a path through Hosting or at its function's own URL. */
export type ReachedBy = "hosting" | "direct";

type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { [K in Name]: string } & PathParams<Rest>
  : unknown;

/** One endpoint as data: pipeline, documentation, rewrites check and security tests all read it. */
export interface RouteSpec<
  Path extends string,
  Scope extends keyof Scopes,
  Query,
  Body,
  Output,
  Needs extends keyof Ports,
  Found,
  Begun,
  Result,
  Auth extends Accepted = Accepted,
> {
  method: Method;
  /** With `/v1`; parameters in braces are UUIDs. */
  path: Path;
  operationId: string;
  /** The function that serves it (index.ts). */
  fn: string;
  summary: string;
  description: string;
  /** Still served, no longer recommended. */
  deprecated?: boolean;
  /** One that includes `apiKey` needs a `permission` beside it. @see Permitted */
  auth: Auth;
  scope: Scope;
  requires?: readonly State[];
  /**
   * Which budget the request counts against besides its credential's. Public routes declare one: `free` none, `address`
   * the client's address, `registration` the same and registrations. A terminal's `organization`: its organization's scans.
   */
  rate?: RateBudget;
  /**
   * Which URL clients call, and so how many proxies append to `X-Forwarded-For`: Hosting's unless given, or the
   * function's own (`direct`), as terminals do.
   */
  reachedBy?: ReachedBy;
  /** How long shared caches may keep a 200, in seconds; such a response has an `ETag`. Without it: `no-store`. */
  maxAge?: number;
  /** Whether a POST takes an `Idempotency-Key`; each of them says it. */
  idempotent?: boolean;
  /** Whether it must have one, where a second effect would cost somebody money. */
  needsKey?(body: Body): boolean;
  /** What kind of thing the audit log says it changes; `null` when it keeps silent. Whatever is no GET says it. */
  audits?: Target | null;
  /**
   * Reads what the path names inside the scope (a member, a key); absent or another scope's is 404 before the
   * request's input is looked at. The handler gets it as `found`. A terminal's id is in no path.
   */
  finds?(ctx: Ctx<Needs>, params: PathParams<Path>, device?: Device): Promise<Found | undefined>;
  /**
   * Begins what the handler will wait for, as soon as the project's environment is known and before it is read: a
   * round trip less. It must not reject unheard, and change nothing: the request may yet be refused. The handler
   * gets it as `begun`.
   */
  begins?(ctx: Ctx<Needs>, environment_id: string): Begun | undefined;
  /** Without it any query parameter is refused. */
  query?: z.ZodType<Query>;
  /** Without it the body is not read. */
  body?: z.ZodType<Body>;
  bodyLimit?: keyof typeof BODY_LIMITS;
  /** The status of success; 200 unless said. */
  status?: 200 | 201 | 202 | 204;
  /** Where the answer itself decides its status (health's 503 is a document, no problem). */
  statusOf?(output: Output): number;
  /** The shape of success; `null` for 204. */
  response: z.ZodType<Output> | null;
  /** Makes the answer of what the handler gives; needed where an effect's result is kept for whoever repeats it. */
  answers?(result: Result): Output;
  /**
   * Required on an idempotent route whose answer has a person's data. A replay asks for the answer without that data
   * when the person was deleted since; `undefined` leaves the stored answer as it is.
   */
  redacts?(ctx: Ctx<Needs>, answer: Output): Promise<Output | undefined>;
  /** Of success; JSON unless said. */
  mediaType?: "text/csv; charset=utf-8";
  /** Codes that the handler itself answers; those of the pipeline are implied (`errorsOf`). */
  errors: readonly ErrorCode[];
  handle(
    ctx: Ctx<Needs>,
    input: Scopes[Scope] & {
      params: PathParams<Path>;
      found: Found;
      begun: Begun | undefined;
      query: Query;
      body: Body;
      /** Aborts when the caller no longer listens. */
      signal: AbortSignal;
    },
  ): Promise<Result | Streamed>;
}

/** A route in a table, its types forgotten but for the ports it needs. */
export interface Route<Needs extends keyof Ports = keyof Ports> {
  method: Method;
  path: string;
  operationId: string;
  fn: string;
  summary: string;
  description: string;
  deprecated?: boolean;
  auth: "public" | readonly [Credential, ...Credential[]];
  /** What an API key must be allowed to do; every route that accepts API keys has it. */
  permission?: Permission;
  scope: keyof Scopes;
  requires: readonly State[];
  rate?: RateBudget;
  reachedBy: ReachedBy;
  maxAge?: number;
  idempotent?: boolean;
  needsKey?(body: unknown): boolean;
  audits?: Target | null;
  finds?(ctx: Ctx<Needs>, params: Record<string, string>, device?: Device): Promise<unknown>;
  begins?(ctx: Ctx<Needs>, environment_id: string): unknown;
  query: z.ZodType | null;
  body: z.ZodType | null;
  bodyLimit: keyof typeof BODY_LIMITS;
  status: number;
  statusOf?(output: unknown): number;
  response: z.ZodType | null;
  answers(result: unknown): unknown;
  redacts?(ctx: Ctx<Needs>, answer: unknown): Promise<unknown>;
  mediaType: string;
  errors: readonly ErrorCode[];
  handle(ctx: Ctx<Needs>, input: unknown): Promise<unknown>;
}

/** Makes a route; its contract is checked by the compiler against its handler. */
export function defineRoute<
  const Path extends `/v1/${string}`,
  Scope extends keyof Scopes,
  Query = undefined,
  Body = undefined,
  Output = undefined,
  Needs extends keyof Ports = never,
  Found = undefined,
  Begun = undefined,
  Result = Output,
  const Auth extends Accepted = Accepted,
>(
  spec: RouteSpec<Path, Scope, Query, Body, Output, Needs, Found, Begun, Result, Auth> &
    Permitted<Auth> &
    // biome-ignore lint/suspicious/noConfusingVoidType: a handler may answer nothing
    ([Result] extends [Output | Streamed | void] ? unknown : { answers(result: Result): Output }),
): Route<Needs> {
  const defaults = {
    requires: [],
    reachedBy: "hosting",
    query: null,
    body: null,
    bodyLimit: "standard",
    status: 200,
    answers: (result: unknown) => result,
    mediaType: "application/json; charset=utf-8",
  };
  // The pipeline has validated what it hands over; from here on the types are its promise.
  return { ...defaults, ...spec } as unknown as Route<Needs>;
}

const PALM_SCOPES = new Set<keyof Scopes>(["tenant", "devicePalms", "terminalPalms"]);

/** What is answered where a state is missing. */
export const STATES = {
  server_lookup: "server_lookup_disabled",
  sandbox: "project_not_sandbox",
  enabled: "device_disabled",
} as const satisfies Record<State, ErrorCode>;

/** Every code that a route can answer, those of the pipeline included. */
export function errorsOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(["internal", "unavailable", "invalid_request"]);
  if (route.auth !== "public") codes.add("unauthenticated").add("forbidden");
  if (route.rate !== "free") codes.add("rate_limited");
  if (route.idempotent) codes.add("idempotency_mismatch").add("conflict");
  if (route.scope in SCOPE_PARAMS) codes.add("not_found");
  if (PALM_SCOPES.has(route.scope)) codes.add("environment_not_tenant_managed");
  for (const state of route.requires) codes.add(STATES[state]);
  if (route.body) codes.add("too_large").add("unsupported_media_type");
  for (const code of route.errors) codes.add(code);
  return [...codes];
}
