import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { ApiKey } from "../../../functions/src/domain/apikey/apikey.ts";
import { PERMISSIONS } from "../../../functions/src/domain/apikey/permission.ts";
import type { Policy } from "../../../functions/src/domain/budget/budget.ts";
import type { Peeked, Verdict } from "../../../functions/src/domain/budget/limiter.ts";
import type { Ports } from "../../../functions/src/domain/context.ts";
import { newKey } from "../../../functions/src/domain/credential/key.ts";
import { DomainError } from "../../../functions/src/domain/errors.ts";
import type { Project } from "../../../functions/src/domain/project/project.ts";
import type { Identity } from "../../../functions/src/domain/user/user.ts";
import { createApp, type PipelinePorts, toListener } from "../../../functions/src/http/app.ts";
import { defineRoute } from "../../../functions/src/http/route.ts";
import { type Answer, assertProblem, type Call, createClient } from "../../support/client.ts";
import { POLICIES } from "../../support/limits.ts";
import { testSurroundings } from "../../support/surroundings.ts";

const shared = { fn: "x", summary: "s", description: "d", response: z.unknown(), errors: [] } as const;
const text = z.strictObject({ text: z.string().max(10) });

const routes = [
  defineRoute({
    ...shared,
    method: "POST",
    path: "/v1/project/{project_id}/echo",
    operationId: "echo",
    idempotent: false,
    audits: null,
    auth: ["apiKey"],
    permission: "members:write",
    scope: "tenant",
    requires: ["server_lookup"],
    body: text,
    query: z.strictObject({ loud: z.enum(["yes", "no"]).optional() }),
    async handle(_ctx, { body }) {
      if (body.text === "conflict") throw new DomainError("conflict", "no");
      if (body.text === "bug") throw new Error("secret detail");
      return body;
    },
  }),
  defineRoute({
    ...shared,
    method: "GET",
    path: "/v1/project/{project_id}/echo",
    operationId: "read",
    auth: ["firebase"],
    scope: "project",
    handle: async () => ({}),
  }),
  defineRoute({
    ...shared,
    method: "GET",
    path: "/v1/leak",
    operationId: "leak",
    auth: "public",
    scope: "public",
    rate: "free",
    response: z.strictObject({ a: z.number() }),
    handle: async () => ({ a: 1, secret: "x" }) as { a: number },
  }),
  defineRoute({
    ...shared,
    method: "GET",
    path: "/v1/kept",
    operationId: "kept",
    auth: "public",
    scope: "public",
    rate: "address",
    maxAge: 300,
    response: z.strictObject({ a: z.number() }),
    handle: async () => ({ a: 1 }),
  }),
  defineRoute({
    ...shared,
    method: "POST",
    path: "/v1/terminal/work",
    operationId: "work",
    idempotent: false,
    audits: null,
    auth: ["deviceKey"],
    reachedBy: "direct",
    rate: "organization",
    scope: "terminalPalms",
    body: text,
    handle: async () => ({}),
  }),
  defineRoute({
    ...shared,
    method: "POST",
    path: "/v1/terminal/wait",
    operationId: "wait",
    idempotent: false,
    audits: null,
    auth: ["deviceKey"],
    reachedBy: "direct",
    scope: "terminal",
    body: text,
    handle: async () => ({}),
  }),
];

describe("The request pipeline", () => {
  const organization_id = randomUUID();
  const environment_id = randomUUID();
  const keyId = randomUUID();
  const { key, prefix, secret_hash } = newKey("pg", keyId);
  const device = newKey("pd", keyId);
  const created_at = new Date(0);
  let project: Project;
  let record: ApiKey;
  let tenantManaged: boolean;
  let reads: string[];
  let outage: boolean;
  let identity: Identity;
  /** Whose budgets were asked, and what the limiter answers. */
  let asked: string[];
  /** What the limiter knows from memory, by subject. */
  let known: Record<string, Partial<Peeked>>;
  let ports: Pick<Ports, PipelinePorts>;
  let allowance: Omit<Verdict, "policy">;
  let around: ReturnType<typeof testSurroundings>;
  let api: (method: string, path: string, call?: Call) => Promise<Answer>;
  let send: (request: Request) => Response | Promise<Response>;

  beforeEach(() => {
    around = testSurroundings();
    reads = [];
    outage = false;
    identity = { id: "admin", email_verified: true, lacks_second_factor: false };
    asked = [];
    known = {};
    allowance = { admitted: true, remaining: 7, reset_s: 12, retry_after_s: 12 };
    tenantManaged = true;
    project = {
      id: randomUUID(),
      organization_id,
      environment_id,
      name: "p",
      phone_number: null,
      website: null,
      sandbox: false,
      server_lookup_enabled: true,
      created_at,
    };
    record = {
      id: keyId,
      prefix,
      organization_id,
      name: "k",
      created_by_user_id: "u",
      project_ids: null,
      permissions: null,
      secret_hash,
      created_at,
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
    };
    const one = <T>(name: string, value: () => T, wanted: () => string) => ({
      async get(id: string) {
        reads.push(name);
        if (outage) throw new DomainError("unavailable", "down");
        return id === wanted() ? { value: value(), version: undefined as never } : undefined;
      },
    });
    ports = {
      apiKeys: {
        ...one(
          "apikey",
          () => record,
          () => keyId,
        ),
        touch: async () => {
          reads.push("touch");
        },
      },
      devices: one(
        "device",
        () => ({ id: keyId, project_id: project.id, secret_hash: device.secret_hash, unclaimed_key: null }),
        () => keyId,
      ),
      projects: one(
        "project",
        () => project,
        () => project.id,
      ),
      environments: one(
        "environment",
        () => ({ id: environment_id, organization_id, type: tenantManaged ? "organization" : "global" }),
        () => environment_id,
      ),
      organizations: one(
        "organization",
        () => ({ id: organization_id, admins: ["admin"], plan: "business" }),
        () => organization_id,
      ),
      identityTokens: {
        verify: async (token: string) => (token === "good.user.token" ? identity : undefined),
      },
      limiter: {
        admit(subject: string, policy: Policy | (() => Promise<Policy>)) {
          asked.push(subject);
          const verdict = (of: Policy) => ({ ...allowance, policy: of });
          return typeof policy === "function" ? policy().then(verdict) : verdict(policy);
        },
        peek: (subject: string) => ({ admitted: 0, refusal: undefined, ...known[subject] }),
      },
      policies: POLICIES,
    } as unknown as Pick<Ports, PipelinePorts>;
    const app = createApp(routes, { ...around, ...ports });
    send = (request) => app.fetch(request);
    api = createClient(send);
  });

  const echo = (call: Call = {}) => api("POST", `/v1/project/${project.id}/echo`, { token: key, ...call });
  const raw = async (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    send(
      new Request(`http://palmgate.test/v1/project/${project.id}/echo`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
        body: body as string,
      }),
    );

  it("answers with the body, a request id and no-store", async () => {
    const answer = await echo({ body: { text: "hello" } });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { text: "hello" });
    assert.match(answer.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
  });

  it("refuses in the contract's order: each fault hides those behind it", async () => {
    // All faults at once; each step mends the first.
    const bad = { text: "far too long for the contract", extra: 1 };
    const path = () => `/v1/project/${project.id}/echo`;
    record.revoked_at = new Date(0);
    project.server_lookup_enabled = false;
    project.organization_id = randomUUID();
    tenantManaged = false;
    const headers = { "Content-Type": "text/plain" };
    assertProblem(await api("PUT", "/v1/nothing", { token: "x", body: bad }), 404, "not_found");
    const wrongMethod = await api("PUT", path(), { token: "x", body: bad });
    assertProblem(wrongMethod, 405, "method_not_allowed");
    assert.equal(wrongMethod.headers.get("allow"), "POST, GET, HEAD");
    assertProblem(await echo({ body: bad, headers }), 401, "unauthenticated");
    record.revoked_at = null;
    record.expires_at = around.now();
    assertProblem(await echo({ body: bad, headers }), 401, "unauthenticated");
    record.expires_at = null;
    assertProblem(await echo({ token: "good.user.token", body: bad, headers }), 403, "forbidden");
    record.permissions = ["members:read"];
    assertProblem(await echo({ body: bad, headers }), 403, "forbidden");
    record.permissions = ["members:write"];
    assertProblem(await echo({ body: bad, headers }), 404, "not_found");
    project.organization_id = organization_id;
    assertProblem(await echo({ body: bad, headers }), 403, "environment_not_tenant_managed");
    tenantManaged = true;
    assertProblem(await echo({ body: bad, headers }), 403, "server_lookup_disabled");
    project.server_lookup_enabled = true;
    const large = { text: "x".repeat(256 * 1024) };
    assertProblem(await echo({ body: large, headers }), 413, "too_large");
    assertProblem(await echo({ body: bad, headers }), 415, "unsupported_media_type");
    assertProblem(await echo({ body: bad }), 400, "invalid_request");
    assertProblem(await echo({ body: { text: "conflict" } }), 409, "conflict");
  });

  it("refuses a user who lacks a second factor after the rate limit, before anything is read of the scope", async () => {
    identity.lacks_second_factor = true;
    const read = () => api("GET", `/v1/project/${project.id}/echo`, { token: "good.user.token" });
    const refused = await read();
    assertProblem(refused, 403, "forbidden");
    assert.equal(refused.body.detail, "Sign in with a second factor: this deployment requires one.");
    assert.deepEqual(asked, ["user:admin"]);
    assert.ok(!reads.includes("organization"));
    identity.lacks_second_factor = false;
    assert.equal((await read()).status, 200);
    // An admin by name, but anybody can sign up with any address.
    identity.email_verified = false;
    assertProblem(await read(), 404, "not_found");
  });

  it("judges a malformed credential without a single read", async () => {
    assertProblem(await echo({ token: `${key}x` }), 401, "unauthenticated");
    assert.deepEqual(reads, []);
  });

  it("reads what the path names beside the credential, and the rest in one more round", async () => {
    await echo({ body: { text: "x" } });
    assert.deepEqual(reads, ["project", "apikey", "touch", "organization", "environment"]);
  });

  it("does not look up an id that is none", async () => {
    assertProblem(await api("POST", "/v1/project/nope/echo", { token: key }), 404, "not_found");
    assert.deepEqual(reads, ["apikey", "touch", "organization"]);
  });

  it("notes the use of a key at most once a minute", async () => {
    record.last_used_at = around.now();
    around.advance(59_999);
    await echo({ body: { text: "x" } });
    assert.ok(!reads.includes("touch"));
    around.advance(1);
    await echo({ body: { text: "x" } });
    assert.ok(reads.includes("touch"));
  });

  it("lets a key live until the moment of its revocation", async () => {
    record.revoked_at = new Date(around.now().getTime() + 1);
    assert.equal((await echo({ body: { text: "x" } })).status, 200);
    around.advance(1);
    assertProblem(await echo({ body: { text: "x" } }), 401, "unauthenticated");
  });

  it("lets a key live until the moment at which it expires", async () => {
    record.expires_at = new Date(around.now().getTime() + 1);
    assert.equal((await echo({ body: { text: "x" } })).status, 200);
    around.advance(1);
    const expired = await echo({ body: { text: "x" } });
    assertProblem(expired, 401, "unauthenticated");
    const unknown = await echo({ token: newKey("pg", randomUUID()).key });
    assert.equal(expired.body.detail, unknown.body.detail);
  });

  it("names the permission that a key lacks, wherever it asks, and still counts the request", async () => {
    record.permissions = PERMISSIONS.filter((one) => one !== "members:write");
    for (const id of [project.id, randomUUID(), "nope"]) {
      asked = [];
      const answer = await api("POST", `/v1/project/${id}/echo`, { token: key, body: { wrong: 1 } });
      assertProblem(answer, 403, "forbidden");
      assert.equal(answer.body.detail, "The API key does not have the permission members:write.");
      assert.deepEqual(asked, [`organization:${organization_id}`]);
    }
    allowance = { admitted: false, remaining: 0, reset_s: 9, retry_after_s: 9 };
    assertProblem(await echo({ body: { text: "x" } }), 429, "rate_limited");
  });

  it("lets a key without a list of permissions do everything", async () => {
    record.permissions = null;
    assert.equal((await echo({ body: { text: "x" } })).status, 200);
  });

  it("says unavailable when the store is, with a time to come back", async () => {
    outage = true;
    const answer = await echo({ body: { text: "x" } });
    assertProblem(answer, 503, "unavailable");
  });

  for (const [what, body, message, path = ""] of [
    ["broken JSON", "{", "must be JSON in UTF-8"],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), "must be JSON in UTF-8"],
    ["33 levels", `${"[".repeat(33)}${"]".repeat(33)}`, "must not be nested deeper than 32 levels"],
    [
      "a hundred thousand levels",
      "[".repeat(100_000) + "]".repeat(100_000),
      "must not be nested deeper than 32 levels",
    ],
    ["a key __proto__", '{"text": "x", "__proto__": {}}', "is not allowed as a name", "__proto__"],
    ["a duplicate key", '{"text": "x", "text": "y"}', "must not be given more than once", "text"],
    ["a body broken off inside a string", '{"text": "x', "must be JSON in UTF-8"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const response = await raw(body);
      assert.equal(response.status, 400);
      const { errors } = (await response.json()) as { errors: unknown };
      assert.deepEqual(errors, [{ path, message }]);
    });
  }

  it("names at most 100 faults, and says how many more there are", async () => {
    const fields = (count: number) =>
      JSON.stringify({
        text: "x",
        ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n])),
      });
    for (const [count, last] of [
      [100, { path: "f99", message: "is not known here" }],
      [101, { path: "", message: "and 2 more" }],
      [4000, { path: "", message: "and 3901 more" }],
    ] as const) {
      const { errors } = (await (await raw(fields(count))).json()) as { errors: unknown[] };
      assert.equal(errors.length, 100);
      assert.deepEqual(errors.at(-1), last);
    }
  });

  it("takes 32 levels as far as depth goes", async () => {
    const response = await raw(`${"[".repeat(32)}${"]".repeat(32)}`);
    const { errors } = (await response.json()) as { errors: { message: string }[] };
    assert.ok(errors.every(({ message }) => !message.includes("deep")));
  });

  it("counts an empty body as {}, whatever its content type", async () => {
    for (const headers of [{}, { "Content-Type": "text/plain" }]) {
      const answer = await echo({ headers });
      assertProblem(answer, 400, "invalid_request");
      assert.equal(answer.body.errors[0].path, "text");
    }
  });

  // Reported as neomerx/json-api#224 and keotl/jivago#92.
  for (const [type, status] of [
    ["application/json", 200],
    ["Application/JSON; Charset=UTF-8", 200],
    ['application/json;charset="utf-8"', 200],
    ["application/json;", 200],
    ["application/json ; profile=x ;charset=utf-8", 200],
    ["application/json; version=1; q=0.5", 200],
    ["application/json; charset=latin1", 415],
    ["application/json; version=1; charset=utf-16", 415],
    ["text/plain; application/json", 415],
    ["application/jsonp", 415],
    ["text/json", 415],
    ["multipart/form-data", 415],
  ] as const) {
    it(`answers ${status} for ${type}`, async () => {
      assert.equal((await raw('{"text":"x"}', { "Content-Type": type })).status, status);
    });
  }

  it("names every fault at once, of query and body", async () => {
    const answer = await api("POST", `/v1/project/${project.id}/echo?loud=maybe&x=1&y=&loud=no`, {
      token: key,
      body: { text: 7, more: 1 },
    });
    assertProblem(answer, 400, "invalid_request");
    assert.deepEqual(
      answer.body.errors.map(({ path }: { path: string }) => path),
      ["text", "more", "loud", "y", "x"],
    );
  });

  it("is silent on our own faults, and writes them down", async () => {
    const answer = await echo({ body: { text: "bug" } });
    assertProblem(answer, 500, "internal");
    assert.ok(!answer.text.includes("secret detail"));
    assert.ok(around.logged.some((line) => line.includes("secret detail")));
  });

  it("logs its own id of a request beside the caller's, which the answer repeats", async () => {
    const logged = async (headers: Record<string, string>) => {
      around.logged.length = 0;
      const answer = await echo({ body: { text: "bug" }, headers });
      const { request_id, client_request_id } = JSON.parse(/{.*/s.exec(around.logged[0] ?? "")?.[0] ?? "");
      return { answered: answer.headers.get("x-request-id"), request_id, client_request_id };
    };
    const sent = await logged({ "X-Request-Id": "ticket-7" });
    assert.deepEqual(sent, {
      answered: "ticket-7",
      request_id: sent.request_id,
      client_request_id: "ticket-7",
    });
    assert.match(sent.request_id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    for (const headers of [{}, { "X-Request-Id": "not valid" }, { "X-Request-Id": "x".repeat(65) }]) {
      const { answered, request_id, client_request_id } = await logged(headers);
      assert.deepEqual({ answered, client_request_id }, { answered: request_id, client_request_id: null });
    }
  });

  it("writes down a code that the route does not declare", async () => {
    await echo({ body: { text: "conflict" } });
    assert.ok(around.logged.some((line) => line.startsWith("error undeclared error code")));
  });

  it("would rather fail than answer a field that the contract does not have", async () => {
    assertProblem(await api("GET", "/v1/leak"), 500, "internal");
  });

  it("lets caches keep what a route allows, and answers 304 to a caller that has it", async () => {
    const get = (headers: Record<string, string> = {}, method = "GET") =>
      api(method, "/v1/kept", { headers });
    const full = await get();
    assert.equal(full.headers.get("cache-control"), "public, max-age=300");
    const etag = full.headers.get("etag") ?? "";
    assert.match(etag, /^"[\w-]{43}"$/);
    for (const list of [etag, `W/${etag}`, `"a", ${etag}`, "*"]) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await get({ "If-None-Match": list }, method);
        assert.deepEqual({ status: answer.status, text: answer.text }, { status: 304, text: "" }, list);
        assert.equal(answer.headers.get("etag"), etag);
        assert.equal(answer.headers.get("cache-control"), "public, max-age=300");
        assert.ok(answer.headers.has("x-request-id"));
      }
    }
    for (const list of ['"a"', etag.slice(1, -1), ""]) {
      assert.equal((await get({ "If-None-Match": list })).status, 200, list);
    }
    const head = await get({}, "HEAD");
    assert.deepEqual([head.status, head.text, head.headers.get("etag")], [200, "", etag]);
    assert.equal((await api("GET", "/v1/kept?x=1")).headers.get("cache-control"), "no-store");
    assert.equal((await api("GET", "/v1/leak")).headers.get("cache-control"), "no-store");
  });

  it("answers HEAD as GET without a body, and OPTIONS with 405", async () => {
    const path = `/v1/project/${project.id}/echo`;
    const head = await api("HEAD", path, { token: "good.user.token" });
    assert.deepEqual({ status: head.status, text: head.text }, { status: 200, text: "" });
    assertProblem(await api("OPTIONS", path), 405, "method_not_allowed");
  });

  describe("keeps limits", () => {
    const exhausted = { admitted: false, remaining: 0, reset_s: 9, retry_after_s: 9 };
    const refused = (answer: Answer) => {
      assertProblem(answer, 429, "rate_limited");
      assert.equal(answer.headers.get("retry-after"), "9");
    };

    it("by the organization of a key, and tells its plan's policy on every answer", async () => {
      for (const [body, status] of [
        [{ text: "x" }, 200],
        [{ text: "conflict" }, 409],
        [{ wrong: 1 }, 400],
        [{ text: "bug" }, 500],
      ] as const) {
        const answer = await echo({ body });
        assert.equal(answer.status, status);
        assert.equal(answer.headers.get("ratelimit-policy"), '"business";q=100;w=60');
        assert.equal(answer.headers.get("ratelimit"), '"business";r=7;t=12');
      }
      assert.deepEqual(new Set(asked), new Set([`organization:${organization_id}`]));
    });

    it("by the user of an ID token", async () => {
      const answer = await api("GET", `/v1/project/${project.id}/echo`, { token: "good.user.token" });
      assert.equal(answer.headers.get("ratelimit-policy"), '"user";q=600;w=60');
      assert.deepEqual(asked, ["user:admin"]);
    });

    it("before it says anything of the request but that its credential is valid", async () => {
      allowance = exhausted;
      refused(await echo({ body: { wrong: 1 } }));
      const answer = await api("POST", `/v1/project/${randomUUID()}/echo`, { token: key });
      refused(answer);
      assert.equal(answer.headers.get("ratelimit"), '"business";r=0;t=9');
      refused(await api("POST", `/v1/project/${project.id}/echo`, { token: "good.user.token" }));
    });

    it("without reading more where the instance knows that nothing is left", async () => {
      allowance = exhausted;
      refused(await api("GET", `/v1/project/${project.id}/echo`, { token: "good.user.token" }));
      assert.deepEqual(reads, ["project"]);
    });

    it("by address where there is no valid credential, and says nothing of a policy", async () => {
      const answer = await echo({ token: "nonsense", body: { text: "x" } });
      assertProblem(answer, 401, "unauthenticated");
      assert.equal(answer.headers.get("ratelimit"), null);
      assert.deepEqual(asked, ["address:unknown"]);
      allowance = exhausted;
      refused(await echo({ token: "a.b.c" }));
    });

    describe("of an address that is known to be over it", () => {
      const FORWARDED = { "X-Forwarded-For": "198.51.100.9, 203.0.113.7, 192.0.2.1" };
      const refusal: Verdict = { ...exhausted, policy: POLICIES.address };
      const overLimit = (subject: string) => {
        known[subject] = { admitted: 300, refusal };
        reads.length = 0;
        asked.length = 0;
      };
      const call = (token: string | undefined): Call => ({
        headers: FORWARDED,
        body: { text: "x" },
        ...(token === undefined ? {} : { token }),
      });
      const ask = (token: string | undefined) => api("POST", `/v1/project/${project.id}/echo`, call(token));

      beforeEach(() => {
        const app = createApp(routes, { ...around, ...ports }, { proxies: { hosting: 2, direct: 1 } });
        api = createClient((request) => app.fetch(request));
      });

      for (const subject of ["address:203.0.113.7", "proxy:192.0.2.1"]) {
        for (const [what, token] of [
          ["no credential", () => undefined],
          ["a malformed one", () => "nonsense"],
          ["an unknown API key", () => newKey("pg", randomUUID()).key],
          ["a wrong secret of a known API key", () => newKey("pg", keyId).key],
          ["an unknown device key", () => newKey("pd", randomUUID()).key],
          ["a claim token", () => newKey("pt", randomUUID()).key],
        ] as const) {
          it(`refuses ${what} without a read or a token (${subject})`, async () => {
            overLimit(subject);
            refused(await ask(token()));
            assert.deepEqual({ reads, asked }, { reads: [], asked: [] });
          });
        }
      }

      it("looks up a key that passed here within 10 minutes, and refuses others", async () => {
        assert.equal((await ask(key)).status, 200);
        overLimit("address:203.0.113.7");
        assert.equal((await ask(key)).status, 200);
        around.advance(10 * 60_000 - 1);
        assert.equal((await ask(key)).status, 200);
        around.advance(10 * 60_000);
        refused(await ask(key));
      });

      it("still refuses a key that passed here with 401 once it is revoked, then without a read", async () => {
        assert.equal((await ask(key)).status, 200);
        record.revoked_at = around.now();
        overLimit("address:203.0.113.7");
        const { admit } = ports.limiter;
        ports.limiter.admit = (...args) => ({ ...(admit(...args) as Verdict), admitted: true });
        refused(await ask(key));
        assert.ok(reads.includes("apikey"));
        reads.length = 0;
        refused(await ask(key));
        assert.deepEqual(reads, []);
      });

      it("forgets no key because the store is down", async () => {
        assert.equal((await ask(key)).status, 200);
        overLimit("address:203.0.113.7");
        outage = true;
        assertProblem(await ask(key), 503, "unavailable");
        outage = false;
        assert.equal((await ask(key)).status, 200);
      });

      it("checks ID tokens as always: that needs no read", async () => {
        overLimit("address:203.0.113.7");
        const get = (token: string) =>
          api("GET", `/v1/project/${project.id}/echo`, { token, headers: FORWARDED });
        assert.equal((await get("good.user.token")).status, 200);
        reads.length = 0;
        allowance = exhausted;
        refused(await get("bad.user.token"));
        assert.deepEqual(reads, []);
      });
    });

    it("reads what the path names only after the credential where the address sent a bad one before", async () => {
      known["address:unknown"] = { admitted: 1 };
      assertProblem(await echo({ token: newKey("pg", randomUUID()).key }), 401, "unauthenticated");
      assert.deepEqual(reads, ["apikey"]);
      reads.length = 0;
      await echo({ body: { text: "x" } });
      assert.deepEqual(reads.slice(0, 3), ["apikey", "touch", "project"]);
      reads.length = 0;
      await echo({ body: { text: "x" } });
      assert.deepEqual(reads.slice(0, 2), ["project", "apikey"], "a proven key's project is prefetched");
    });

    describe("of a terminal and its organization", () => {
      const token = device.key;
      const verdicts: Record<string, Verdict> = {};
      const left = (subject: string, remaining: number, policy: Policy, admitted = true) => {
        verdicts[subject] = { admitted, policy, remaining, reset_s: 9, retry_after_s: admitted ? 0 : 9 };
      };
      const terminals = () => `terminals:${organization_id}`;
      const send = (path = "/v1/terminal/work") => api("POST", path, { token, body: { text: "x" } });

      beforeEach(() => {
        ports.limiter.admit = async (subject, policy) => {
          asked.push(subject);
          if (typeof policy === "function") await policy();
          return verdicts[subject] ?? assert.fail(subject);
        };
        left(`device:${keyId}`, 119, POLICIES.terminal);
        left(terminals(), 49, POLICIES["sandbox-terminals"]);
      });

      for (const [what, own, shared, told] of [
        ["the organization", 119, 49, '"sandbox-terminals";r=49;t=9'],
        ["the terminal", 3, 49, '"terminal";r=3;t=9'],
      ] as const) {
        it(`tells of ${what} where that has the fewest requests left`, async () => {
          left(`device:${keyId}`, own, POLICIES.terminal);
          left(terminals(), shared, POLICIES["sandbox-terminals"]);
          const answer = await send();
          assert.equal(answer.status, 200, answer.text);
          assert.equal(answer.headers.get("ratelimit"), told);
          assert.deepEqual(asked, [`device:${keyId}`, terminals()]);
        });
      }

      it("refuses where nothing is left of the organization's, and tells of that", async () => {
        left(terminals(), 0, POLICIES["sandbox-terminals"], false);
        const answer = await send();
        refused(answer);
        assert.equal(answer.headers.get("ratelimit"), '"sandbox-terminals";r=0;t=9');
      });

      it("takes nothing of the organization's for a terminal over its own limit", async () => {
        left(`device:${keyId}`, 0, POLICIES.terminal, false);
        const answer = await send();
        refused(answer);
        assert.equal(answer.headers.get("ratelimit"), '"terminal";r=0;t=9');
        assert.deepEqual(asked, [`device:${keyId}`]);
      });

      it("takes nothing of the organization's for a poll", async () => {
        const answer = await send("/v1/terminal/wait");
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(asked, [`device:${keyId}`]);
      });

      it("reads the project once for the limit and the scope", async () => {
        await send();
        assert.deepEqual(
          reads.filter((name) => name === "project"),
          ["project"],
        );
      });
    });

    it("by address for a public path that is not free", async () => {
      assert.equal((await api("GET", "/v1/kept")).status, 200);
      assert.deepEqual(asked, ["address:unknown"]);
      allowance = exhausted;
      refused(await api("GET", "/v1/kept"));
    });

    it("not of what is public, unknown or has no such method", async () => {
      allowance = exhausted;
      assert.equal((await api("GET", "/v1/leak")).status, 500);
      assertProblem(await api("GET", "/v1/nothing"), 404, "not_found");
      assertProblem(await api("DELETE", "/v1/leak"), 405, "method_not_allowed");
      assert.deepEqual(asked, []);
    });

    it("lets a request through whose policy nobody could find out", async () => {
      const { admit } = ports.limiter;
      ports.limiter.admit = async (...args) => ({ ...(await admit(...args)), policy: undefined });
      const answer = await echo({ body: { text: "x" } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("ratelimit"), null);
    });
  });

  it("gives browsers of other origins nothing", async () => {
    const answer = await echo({ body: { text: "x" }, headers: { Origin: "https://evil.example" } });
    assert.ok([...answer.headers.keys()].every((name) => !name.startsWith("access-control")));
  });
});

describe("A connection whose request was refused half-way", () => {
  it("serves the next one, however long that takes", async () => {
    const sent = defineRoute({
      ...shared,
      ...{ method: "POST", path: "/v1/wait", operationId: "wait", auth: "public", scope: "public" },
      ...{ rate: "free", idempotent: false, audits: null },
      body: text,
      // Longer than the adapter waits for the rest of the body before.
      handle: () => sleep(700),
    });
    const ctx = { ...testSurroundings(), ...({} as Pick<Ports, PipelinePorts>) };
    const server = createServer(toListener(createApp([sent], ctx), ctx)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const answers: string[] = [];
    socket.setEncoding("utf8").on("data", (some: string) => answers.push(some));
    const head = "POST /v1/wait HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    for (let n = 0; n < 16; n++) socket.write(`10000\r\n${" ".repeat(65_536)}\r\n`);
    socket.write("0\r\n\r\n");
    while (!answers.join("").includes("too_large")) await once(socket, "data");
    socket.write(`${head}Content-Length: 12\r\nConnection: close\r\n\r\n{"text":"x"}`);
    await once(socket, "close");
    assert.match(answers.join(""), /^HTTP\/1\.1 413 .*HTTP\/1\.1 200 /s);
    server.close();
  });
});

describe("A caller who hangs up", () => {
  it("is told to the handler, though the platform has read the body", async () => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const wait = defineRoute({
      ...shared,
      method: "POST",
      path: "/v1/wait",
      operationId: "wait",
      auth: "public",
      scope: "public",
      rate: "free",
      idempotent: false,
      audits: null,
      body: text,
      async handle(_ctx, { signal }) {
        signal.addEventListener("abort", () => ended.resolve());
        begun.resolve();
        await ended.promise;
      },
    });
    const ctx = { ...testSurroundings(), ...({} as Pick<Ports, PipelinePorts>) };
    const listener = toListener(createApp([wait], ctx), ctx);
    const server = createServer(async (request, response) => {
      const rawBody = await buffer(request);
      await listener(Object.assign(request, { rawBody }), response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const abort = new AbortController();
    const asked = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/wait`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"text":"x"}',
      signal: abort.signal,
    });
    await begun.promise;
    abort.abort();
    await assert.rejects(asked, { name: "AbortError" });
    await ended.promise;
    server.close();
  });
});
