import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type RawAnswer, sendRaw } from "../support/hostile.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** Bodies that no operation takes. */
const BODIES: Record<string, Uint8Array> = {
  "half an object": Buffer.from("{"),
  null: Buffer.from("null"),
  "a string": Buffer.from('"text"'),
  "a number": Buffer.from("7"),
  true: Buffer.from("true"),
  "an array": Buffer.from("[1]"),
  "bytes that are not UTF-8": Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
  "a form": Buffer.from("a=1&b=2"),
  "duplicate names": Buffer.from('{"a":1,"a":1}'),
  "a thousand levels": Buffer.from("[".repeat(1000) + "]".repeat(1000)),
  "the name __proto__": Buffer.from('{"__proto__":{"a":1}}'),
};

const TYPES: Record<string, boolean> = {
  "application/json": true,
  "APPLICATION/JSON; Charset=UTF-8": true,
  "application/json; charset=latin1": false,
  "application/json; charset=utf-16": false,
  "application/cloudevents+json": false,
  "application/x-www-form-urlencoded": false,
  "multipart/form-data; boundary=x": false,
  "text/plain": false,
  "not a type": false,
};

const ENCODINGS: Record<string, { pack: (body: Uint8Array) => Uint8Array; status?: 400 | 415 }> = {
  gzip: { pack: gzipSync },
  "broken gzip": { pack: (body) => body, status: 400 },
  br: { pack: (body) => body, status: 415 },
  deflate: { pack: (body) => body, status: 415 },
  nonsense: { pack: (body) => body, status: 415 },
};

interface Sent {
  what: string;
  headers: Record<string, string>;
  body: Uint8Array;
  status: number;
}

function* matrix(): Iterable<Sent> {
  for (const [name, body] of Object.entries(BODIES)) {
    for (const [type, isJson] of Object.entries(TYPES)) {
      const headers = { "Content-Type": type };
      yield { what: `${name} as ${type}`, headers, body, status: isJson ? 400 : 415 };
    }
    for (const [encoding, { pack, status = 400 }] of Object.entries(ENCODINGS)) {
      const headers = {
        "Content-Type": "application/json",
        "Content-Encoding": encoding.replace("broken ", ""),
      };
      yield { what: `${name} in ${encoding}`, headers, body: pack(body), status };
    }
  }
}

const CODES: Record<number, string> = {
  400: "invalid_request",
  401: "unauthenticated",
  404: "not_found",
  405: "method_not_allowed",
  415: "unsupported_media_type",
};

/** The answer is a problem document of ours, whole, and says nothing of the inside. */
function assertOurs({ status, headers, text }: RawAnswer, expected: number, what: string): void {
  assert.equal(headers["content-type"], "application/problem+json", `${what}: ${text}`);
  const { code, request_id } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual({ status, code }, { status: expected, code: CODES[expected] }, `${what}: ${text}`);
  assert.equal(headers["x-request-id"], request_id, what);
  assert.equal(headers["cache-control"], "no-store", what);
  assert.equal(headers["x-content-type-options"], "nosniff", what);
  assert.equal(headers["strict-transport-security"], "max-age=31536000", what);
  assert.equal(headers["content-security-policy"], "frame-ancestors 'none'", what);
  assert.doesNotMatch(text, /node_modules|\.ts:|\.js:|<html/i, what);
}

const id = randomUUID();

/** Of each function that serves routes, an operation with a body where it has one. */
const OPERATIONS: Record<
  string,
  (tenant: Tenant) => { method?: string; path: string; token: string; hasBody?: false }
> = {
  apikeys: ({ organization, user }) => ({
    path: `/v1/organization/${organization.id}/api-keys`,
    token: user.token,
  }),
  devices: ({ project, key }) => ({ path: `/v1/project/${project.id}/devices/register`, token: key }),
  identify: ({ project, key }) => ({ path: `/v1/project/${project.id}/identify`, token: key }),
  members: ({ project, key }) => ({ path: `/v1/project/${project.id}/members`, token: key }),
  projects: ({ project, user }) => ({
    ...{ method: "PATCH", path: `/v1/project/${project.id}/server-lookup`, token: user.token },
  }),
  webhooks: ({ project, key }) => ({ path: `/v1/project/${project.id}/webhooks`, token: key }),
  enrollments: ({ key }) => ({ path: `/v1/device/${id}/enrollment`, token: key, hasBody: false }),
  analytics: ({ project, key }) => ({ path: `/v1/project/${project.id}/scans`, token: key, hasBody: false }),
  health: ({ key }) => ({ path: "/v1/health", token: key, hasBody: false }),
};

/** What is answered to an operation whose body is never read. */
const UNREAD: Record<string, number> = { enrollments: 404, analytics: 405, health: 405 };

// HTML with a stack for malformed JSON: reported as firebase/firebase-functions#364 and nhost/nhost#3488.
describe("Every answer is ours", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps, { organization: { plan: "enterprise" } });
  });

  async function sendAll(target: string, url: string): Promise<void> {
    const { path, token, hasBody, method = "POST" } = OPERATIONS[target]?.(tenant) ?? assert.fail(target);
    for (const { what, headers, body, status } of matrix()) {
      const send = (more: Record<string, string>) =>
        sendRaw(url, {
          ...{ method, path, body: [body] },
          headers: { ...headers, ...more, "Content-Length": String(body.length) },
        });
      const expected = hasBody === false ? (UNREAD[target] ?? 0) : status;
      assertOurs(await send({ Authorization: `Bearer ${token}` }), expected, `${target}, ${what}`);
    }
  }

  async function sendPaths(url: string): Promise<void> {
    for (const path of ["/v1/%E0%A4%A", "/robots.txt", "/favicon.ico", "/%", "/__/x"]) {
      const body = Buffer.from("{");
      const headers = { "Content-Type": "application/json", "Content-Length": "1" };
      assertOurs(await sendRaw(url, { path, headers, body: [body] }), 404, path);
    }
  }

  describe("through Hosting", () => {
    for (const target of Object.keys(OPERATIONS)) {
      it(`to all bodies sent to ${target}`, () => sendAll(target, baseUrl()));
    }
  });

  // Express shows stacks where the platform does not say that it is production.
  for (const [NODE_ENV, targets] of [
    ["production", Object.keys(OPERATIONS)],
    ["development", ["identify", "members"]],
  ] as const) {
    describe(`on the Functions Framework, NODE_ENV=${NODE_ENV}`, () => {
      let instance: Instance | undefined;
      afterEach(() => instance?.stop());

      for (const target of targets) {
        it(`to all bodies and paths sent to ${target}`, async () => {
          instance = await startInstance(target, { NODE_ENV });
          await sendAll(target, instance.baseUrl);
          await sendPaths(instance.baseUrl);
        });
      }
    });
  }
});
