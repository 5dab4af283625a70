import * as z from "zod";
import type { ErrorCode } from "../domain/errors.ts";
import { GUIDANCE } from "./guidance.ts";
import { allowNulls } from "./nulls.ts";
import { PROBLEMS } from "./problem.ts";
import { BODY_LIMITS, type Credential, errorsOf, type Route } from "./route.ts";

/** Any part of the document. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };
type JsonObject = { [name: string]: Json | undefined };

/** A request as documentation shows it. */
export interface ExampleRequest {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string | number>>;
  headers?: Readonly<Record<string, string>>;
  body?: Json;
}

/** A request of an operation and what it was answered, as documentation shows them; a 204 has no answer. */
export interface OperationExample extends ExampleRequest {
  summary: string;
  status: number;
  answer?: Json;
}

/** What the document says beyond the routes themselves. */
export interface Documented {
  info: JsonObject;
  servers: JsonObject[];
  /** Routes by group, and what the group is called and for. */
  groups: Readonly<Record<string, readonly Route[]>>;
  tags: Readonly<Record<string, { title: string; description: string }>>;
  /** What a name in braces stands for in every path. */
  pathParams: Readonly<Record<string, string>>;
  /** What customers' endpoints are sent, by event type. */
  webhooks: Readonly<Record<string, { schema: z.ZodType; summary: string; description: string }>>;
  /** By operationId. */
  examples: Readonly<Record<string, readonly OperationExample[]>>;
}

/** Every path of a route begins with it; the servers' URLs end with it. */
export const BASE = "/v1";

/** How each kind of credential is presented: all of them as `Authorization: Bearer …`. */
const SCHEMES: Record<Credential, { bearerFormat: string; description: string }> = {
  firebase: {
    bearerFormat: "JWT",
    description:
      "The Firebase ID token of a console user. A user administers the organizations that name them, and none while " +
      "the token has no verified e-mail address.",
  },
  apiKey: { bearerFormat: "pg_…", description: "An API key of an organization, for its servers." },
  deviceKey: { bearerFormat: "pd_…", description: "The key of a terminal, which it has fetched itself." },
  claimToken: {
    bearerFormat: "pt_…",
    description: "What a terminal out of its box asks with for its key.",
  },
};

const HEADERS: JsonObject = {
  RequestId: {
    description: "The request's id: the caller's own, where it is a fit one.",
    required: true,
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$" },
  },
  CacheControl: { description: "Nothing is to be kept.", required: true, schema: { const: "no-store" } },
  ContentTypeOptions: {
    description: "No client may guess another type than `Content-Type`.",
    required: true,
    schema: { const: "nosniff" },
  },
  StrictTransportSecurity: {
    description: "Use HTTPS only (RFC 6797).",
    required: true,
    schema: { const: "max-age=31536000" },
  },
  ContentSecurityPolicy: {
    description: "No page may show the answer in a frame.",
    required: true,
    schema: { const: "frame-ancestors 'none'" },
  },
  RateLimit: {
    description:
      "What is left of the limit, and in how many seconds more of it is there (IETF draft). Where several limits count a request: of the one with the fewest requests left.",
    schema: { type: "string", pattern: '^"[a-z]+(-[a-z]+)?";r=[0-9]+;t=[0-9]+$' },
  },
  RateLimitPolicy: {
    description: "The limit that `RateLimit` tells of: so many requests in so many seconds (IETF draft).",
    schema: { type: "string", pattern: '^"[a-z]+(-[a-z]+)?";q=[0-9]+;w=[0-9]+$' },
  },
  RetryAfter: {
    description: "Seconds to wait before the request is sent again.",
    required: true,
    schema: { type: "string", pattern: "^[0-9]+$" },
  },
  IdempotencyReplayed: {
    description: "This answer was given before, to the same `Idempotency-Key`.",
    schema: { const: "true" },
  },
  ContentDisposition: { description: "The name of the file.", required: true, schema: { type: "string" } },
  WwwAuthenticate: { description: "RFC 9110.", required: true, schema: { const: "Bearer" } },
};

const headerRef = (name: string): JsonObject => ({ $ref: `#/components/headers/${name}` });

const ALWAYS: JsonObject = {
  "X-Request-Id": headerRef("RequestId"),
  "Cache-Control": headerRef("CacheControl"),
  "X-Content-Type-Options": headerRef("ContentTypeOptions"),
  "Strict-Transport-Security": headerRef("StrictTransportSecurity"),
  "Content-Security-Policy": headerRef("ContentSecurityPolicy"),
};
const LIMITED: JsonObject = {
  RateLimit: headerRef("RateLimit"),
  "RateLimit-Policy": headerRef("RateLimitPolicy"),
};

const PROBLEM_SCHEMA: JsonObject = {
  description: "Problem details (RFC 9457).",
  type: "object",
  properties: {
    type: { const: "about:blank" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "For people; may change." },
    code: { type: "string", enum: Object.keys(PROBLEMS), description: "For programs; does not change." },
    request_id: { type: "string", description: "The answer's `X-Request-Id`." },
    errors: {
      description:
        "The request's faults, with status 400 only. When there are over 100, the last entry says how many more.",
      type: "array",
      maxItems: 100,
      items: {
        type: "object",
        properties: {
          path: {
            type: "string",
            description:
              "Dotted, `samples.0.image`; a query parameter or header by its name; empty for the whole body.",
          },
          message: { type: "string" },
        },
        required: ["path", "message"],
        additionalProperties: false,
      },
    },
  },
  required: ["type", "title", "status", "detail", "code", "request_id"],
  additionalProperties: false,
};

const PARAMETERS: Record<"requestId" | "idempotencyKey", JsonObject> = {
  requestId: {
    name: "X-Request-Id",
    in: "header",
    description: "Names the request in its answer and in the audit log; one that is not fit is replaced.",
    schema: { type: "string" },
  },
  idempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "A request that is sent again with it takes effect once, and is answered as it was first, for 24 hours. Each " +
      "API key, user and terminal has idempotency keys of its own.",
    schema: { type: "string", pattern: "^[ -~]{1,255}$" },
  },
};

const IF_NONE_MATCH: JsonObject = {
  name: "If-None-Match",
  in: "header",
  description:
    "The `ETag` of the response that the caller has: while it is current, the answer is 304 without a body.",
  schema: { type: "string" },
};

/** The OpenAPI 3.1 document of a service. Schemas with an id are components; two that differ may not share one. */
export function openApi({ groups, ...documented }: Documented): JsonObject {
  const schemas = new Schemas();
  const problems = new Problems();
  const paths: Record<string, JsonObject> = {};
  for (const [group, routes] of Object.entries(groups)) {
    for (const route of routes) {
      const path = route.path.slice(BASE.length);
      const operation = operationOf(route, group, documented, schemas, problems);
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation };
    }
  }
  const webhooks = Object.fromEntries(
    Object.entries(documented.webhooks).map(([type, webhook]) => [
      type,
      { post: webhookOf(type, webhook, schemas) },
    ]),
  );
  return {
    openapi: "3.1.0",
    info: documented.info,
    servers: documented.servers,
    tags: Object.values(documented.tags).map(({ title, description }) => ({ name: title, description })),
    paths,
    webhooks,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SCHEMES).map(([name, more]) => [name, { type: "http", scheme: "bearer", ...more }]),
      ),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: problems.all(),
      schemas: { ...schemas.all(), Problem: PROBLEM_SCHEMA },
    },
  };
}

function operationOf(
  route: Route,
  group: string,
  { tags, pathParams, examples }: Omit<Documented, "groups">,
  schemas: Schemas,
  problems: Problems,
): JsonObject {
  const { operationId, summary, description, deprecated, auth, permission, idempotent } = route;
  const shown = examples[operationId] ?? [];
  const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  return {
    operationId,
    summary,
    description: permission
      ? `${description} An API key needs the permission \`${permission}\`.`
      : description,
    ...(permission ? { "x-permission": permission } : {}),
    tags: [tags[group]?.title ?? group],
    ...(deprecated ? { deprecated } : {}),
    security: auth === "public" ? [] : auth.map((kind) => ({ [kind]: [] })),
    parameters: [
      ...named.map((name) => ({
        name,
        in: "path",
        required: true,
        description: pathParams[name] as string,
        schema: { type: "string", format: "uuid" },
        ...examplesOf(shown, ({ path }) => path?.[name]),
      })),
      ...queryOf(route, shown, schemas),
      { $ref: "#/components/parameters/requestId" },
      ...(route.maxAge === undefined ? [] : [IF_NONE_MATCH]),
      ...(idempotent ? [idempotencyKeyOf(shown)] : []),
    ],
    ...(route.body ? { requestBody: bodyOf(route, route.body, shown, schemas) } : {}),
    responses: { ...successOf(route, shown, schemas), ...problems.of(route) },
  };
}

/** The shared parameter, unless there are examples of it, which a reference cannot have. */
function idempotencyKeyOf(shown: readonly OperationExample[]): JsonObject {
  const examples = examplesOf(shown, ({ headers }) => headers?.["Idempotency-Key"]);
  return examples["examples"]
    ? { ...PARAMETERS.idempotencyKey, ...examples }
    : { $ref: "#/components/parameters/idempotencyKey" };
}

function queryOf(route: Route, shown: readonly OperationExample[], schemas: Schemas): JsonObject[] {
  if (!route.query) return [];
  const { properties = {}, required = [] } = schemas.of(route.query, "input") as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(required.includes(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema,
    ...examplesOf(shown, ({ query }) => query?.[name]),
  }));
}

function bodyOf(
  { method, bodyLimit }: Route,
  body: z.ZodType,
  shown: readonly OperationExample[],
  schemas: Schemas,
): JsonObject {
  const { bytes, ms } = BODY_LIMITS[bodyLimit];
  return {
    description: `At most ${bytes / 1024} KiB after decompression, sent within ${ms / 1000} s.`,
    ...(body.safeParse({}).success ? {} : { required: true }),
    content: {
      "application/json": {
        schema: schemas.of(body, "input", method === "POST" ? allowNulls : undefined),
        ...examplesOf(shown, (example) => example.body),
      },
    },
  };
}

/** Named by the call's number, wherever a part of it is shown: so a request is found to its answer. */
function examplesOf(
  shown: readonly OperationExample[],
  part: (example: OperationExample) => Json | undefined,
): JsonObject {
  const named = shown.flatMap((example, n) => {
    const value = part(example);
    return value === undefined ? [] : [[`example${n + 1}`, { summary: example.summary, value }] as const];
  });
  return named.length === 0 ? {} : { examples: Object.fromEntries(named) };
}

function successOf(route: Route, shown: readonly OperationExample[], schemas: Schemas): JsonObject {
  const headers = {
    ...ALWAYS,
    ...(route.maxAge === undefined ? {} : cacheHeadersOf(route.maxAge)),
    ...(route.auth === "public" ? {} : LIMITED),
    ...(route.idempotent ? { "Idempotency-Replayed": headerRef("IdempotencyReplayed") } : {}),
    ...(route.mediaType.startsWith("text/csv")
      ? { "Content-Disposition": headerRef("ContentDisposition") }
      : {}),
  };
  const answer = (status: number, description: string): JsonObject => ({
    description,
    headers,
    ...(route.response
      ? {
          content: {
            [route.mediaType.split(";")[0] as string]: {
              schema: schemas.of(route.response, "output"),
              ...examplesOf(shown, (example) => (example.status === status ? example.answer : undefined)),
            },
          },
        }
      : {}),
  });
  const { status } = route;
  return {
    [status]: answer(status, SUCCESS[status] ?? ""),
    ...(route.maxAge === undefined ? {} : { 304: { description: "Unchanged.", headers } }),
    ...(route.statusOf ? { 503: answer(503, "A critical dependency is down: the same document.") } : {}),
  };
}

/** Of a response that caches may keep. */
const cacheHeadersOf = (maxAge: number): JsonObject => ({
  "Cache-Control": {
    description: "Shared caches may keep the response.",
    required: true,
    schema: { const: `public, max-age=${maxAge}` },
  },
  ETag: {
    description: "Names this version of the response, for `If-None-Match`.",
    required: true,
    schema: { type: "string" },
  },
});

const SUCCESS: Record<number, string> = {
  200: "As asked.",
  201: "It was made.",
  202: "It was accepted, and is done soon.",
  204: "It is gone.",
};

function webhookOf(
  type: string,
  { schema, summary, description }: Documented["webhooks"][string],
  schemas: Schemas,
): JsonObject {
  const header = (name: string, text: string) => ({
    name,
    in: "header",
    required: true,
    description: text,
    schema: { type: "string" },
  });
  return {
    operationId: `on${type.replaceAll(/(^|\.)([a-z])/g, (_, _dot, letter: string) => letter.toUpperCase())}`,
    summary,
    description,
    security: [],
    parameters: [
      header("webhook-id", "The event's id: the same however often it is sent."),
      header("webhook-timestamp", "When it was sent, in seconds of UNIX time."),
      header(
        "webhook-signature",
        "Standard Webhooks: `v1,` and base64, separated by spaces where there are two.",
      ),
      header("X-Webhook-Signature", "`sha256=` and the HMAC-SHA256 of the body in hex."),
    ],
    requestBody: {
      required: true,
      content: { "application/json": { schema: schemas.of(schema, "output") } },
    },
    responses: {
      "2XX": { description: "It has arrived." },
      "4XX": { description: "It is sent again; 410 disables the webhook." },
      "5XX": { description: "It is sent again." },
    },
  };
}

const byName = (components: Record<string, JsonObject>): JsonObject =>
  Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Zod's schemas as JSON Schema, those with an id as components. */
class Schemas {
  readonly #components: Record<string, JsonObject> = {};

  /** @param change what is made of the JSON Schema, if anything */
  of(
    schema: z.ZodType,
    io: "input" | "output",
    change = (json: Json | undefined): Json | undefined => json,
  ): JsonObject {
    const json = z.toJSONSchema(schema, {
      io,
      override: ({ jsonSchema }) => {
        // What a format says already, a pattern need not repeat; an integer's is that of its text in a URL.
        if (jsonSchema.format === "date-time" || jsonSchema.type === "integer") delete jsonSchema.pattern;
        // In binary 0.59 is no multiple of 0.01, and validators say so.
        if (jsonSchema.multipleOf === 0.01) delete jsonSchema.multipleOf;
        delete jsonSchema.id;
      },
    }) as Json;
    const {
      $schema: _,
      $defs = {},
      ...root
    } = change(json) as JsonObject & { $defs?: Record<string, JsonObject> };
    for (const [id, component] of Object.entries($defs)) this.#add(id, component);
    return this.#relocate(root) as JsonObject;
  }

  all(): JsonObject {
    return byName(this.#components);
  }

  #add(id: string, component: JsonObject): void {
    const { id: _, ...moved } = this.#relocate(component) as JsonObject;
    const before = this.#components[id];
    if (before && JSON.stringify(before) !== JSON.stringify(moved)) {
      throw new Error(`two schemas share the id ${id}`);
    }
    this.#components[id] = moved;
  }

  #relocate(value: Json | undefined): Json | undefined {
    if (Array.isArray(value)) return value.map((item) => this.#relocate(item) as Json);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        name === "$ref"
          ? (inner as string).replace("#/$defs/", "#/components/schemas/")
          : this.#relocate(inner),
      ]),
    );
  }
}

/** Errors by status and codes: operations that answer the same ones share a component. */
class Problems {
  readonly #components: Record<string, JsonObject> = {};

  of(route: Route): JsonObject {
    const byStatus = Map.groupBy(errorsOf(route), (code) => PROBLEMS[code].status);
    // Health's 503 is its document.
    if (route.statusOf) byStatus.delete(503);
    const limited = route.auth !== "public";
    return Object.fromEntries(
      [...byStatus].map(([status, codes]) => {
        const sorted = codes.toSorted();
        const headers = { ...ALWAYS, ...(limited && status !== 401 ? LIMITED : {}), ...HEADERS_OF[status] };
        const name = sorted.map(pascal).join("Or") + (limited ? "" : "Unlimited");
        this.#components[name] = responseOf(status, sorted, headers);
        return [status, { $ref: `#/components/responses/${name}` }];
      }),
    );
  }

  all(): JsonObject {
    return byName(this.#components);
  }
}

const HEADERS_OF: Record<number, JsonObject> = {
  401: { "WWW-Authenticate": headerRef("WwwAuthenticate") },
  429: { "Retry-After": headerRef("RetryAfter") },
  503: { "Retry-After": headerRef("RetryAfter") },
};

const pascal = (code: string): string =>
  code.replaceAll(/(^|_)([a-z])/g, (_, _bar, letter: string) => letter.toUpperCase());

function responseOf(status: number, codes: readonly ErrorCode[], headers: JsonObject): JsonObject {
  return {
    description: codes
      .map((code) => `\`${code}\`: ${GUIDANCE[code].means} ${GUIDANCE[code].advice}`)
      .join("\n\n"),
    headers,
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            {
              type: "object",
              properties: { status: { const: status }, code: { enum: codes } },
              ...(status === 400 ? { required: ["errors"] } : {}),
            },
          ],
        },
      },
    },
  };
}
