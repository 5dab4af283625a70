import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mock } from "node:test";
import { Webhook } from "standardwebhooks";
import * as palmgate from "../../clients/typescript/src/index.ts";
import {
  type Client,
  cancelEnrollment,
  createClient,
  createMember,
  deleteMember,
  exportTransactions,
  getMember,
  health,
  identify,
  items,
  listEvents,
  listMembers,
  listTransactions,
  PalmgateConnectionError,
  PalmgateError,
  pages,
  pollEnrollment,
  type Settings,
  updateMember,
  updateMemberPut,
  verifyWebhook,
  WebhookVerificationError,
} from "../../clients/typescript/src/index.ts";
import { allRoutes } from "../../functions/src/api/routes.ts";

const BASE = "https://palms.example";
const ID = "bbbbbbbb-0000-4000-8000-000000000001";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const json = (body: unknown, status = 200, headers = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", ...headers },
  });

const problem = (status: number, code: string, more = {}, headers = {}): Response =>
  new Response(
    JSON.stringify({
      type: "about:blank",
      title: "Refused",
      status,
      detail: "It is refused.",
      code,
      request_id: "r-1",
      ...more,
    }),
    { status, headers: { "Content-Type": "application/problem+json", ...headers } },
  );

const refusals = {
  rate_limited: () => problem(429, "rate_limited", {}, { "Retry-After": "3" }),
  unavailable: () => problem(503, "unavailable", {}, { "Retry-After": "1" }),
  conflict: () => problem(409, "conflict"),
  internal: () => problem(500, "internal"),
};
const cut = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNRESET") }));

interface Seen {
  /** ms since the first one. */
  at: number;
  method: string | undefined;
  url: string;
  headers: Record<string, string>;
  body: unknown;
}

/** A client whose requests are answered in turn, the last answer again and again. */
function answered(
  answers: ((init: RequestInit) => Response | Promise<Response>)[],
  settings: Partial<Settings> = {},
): { client: Client; seen: Seen[] } {
  const seen: Seen[] = [];
  const first = Date.now();
  const fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = Object.fromEntries(new Headers(init.headers));
    seen.push({ at: Date.now() - first, method: init.method, url: `${url}`, headers, body: init.body });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    assert.ok(answer);
    return answer(init);
  };
  return { client: createClient({ key: "pg_key", baseUrl: BASE, fetch, ...settings }), seen };
}

/** How a promise ends while time flies. */
async function ends<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let ended = false;
  const settled = Promise.allSettled([promise]).finally(() => {
    ended = true;
  });
  while (!ended) {
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(250);
  }
  const [result] = await settled;
  return result;
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  const result = await ends(promise);
  assert.equal(result.status, "rejected");
  return result.reason;
}

async function value<T>(promise: Promise<T>): Promise<T> {
  const result = await ends(promise);
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

const codeOf = (error: unknown) => (error instanceof PalmgateError ? error.code : error);

describe("The TypeScript client", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    mock.method(Math, "random", () => 0.5);
  });
  afterEach(() => {
    // In this order: what was put over the false clock gives back the false one.
    mock.restoreAll();
    mock.timers.reset();
  });

  describe("A request", () => {
    it("is what the document says, by method, path, query and body, and is answered by the body", async () => {
      const { client, seen } = answered([() => json({ id: ID }, 201)], { baseUrl: `${BASE}/` });
      assert.deepEqual(await value(createMember(ID, { name: "Noa Levy" }, client)), { id: ID });
      await value(listTransactions(ID, { from: "2026-01-01T00:00:00Z", per_page: 10 }, client));
      const [post, get] = seen as [Seen, Seen];
      const key = post.headers["idempotency-key"];
      assert.match(`${key}`, UUID);
      assert.deepEqual(post, {
        at: 0,
        method: "POST",
        url: `${BASE}/v1/project/${ID}/members`,
        headers: {
          authorization: "Bearer pg_key",
          "content-type": "application/json",
          "idempotency-key": key,
        },
        body: '{"name":"Noa Levy"}',
      });
      assert.deepEqual(
        { ...get, at: 0 },
        {
          at: 0,
          method: "GET",
          url: `${BASE}/v1/project/${ID}/transactions?from=2026-01-01T00%3A00%3A00Z&per_page=10`,
          headers: { authorization: "Bearer pg_key" },
          body: undefined,
        },
      );
    });

    it("of every operation has the document's method and path, and a key where the route takes one", async () => {
      const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"));
      const operations = palmgate as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
      let count = 0;
      for (const [path, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
        for (const [method, { operationId, parameters, requestBody }] of Object.entries(methods)) {
          const { client, seen } = answered([() => json({})]);
          const operation = operations[operationId];
          assert.ok(operation, operationId);
          const ids = [...path.matchAll(/\{/g)].map((_, n) => `id-${n}`);
          const schema = requestBody?.content["application/json"].schema;
          const takesBody = schema && (schema.$ref || Object.keys(schema.properties ?? {}).length > 0);
          const takesQuery = parameters.some((parameter) => parameter.in === "query");
          await ends(
            operation(...ids, ...(takesBody ? [{ a: 1 }] : []), ...(takesQuery ? [{ page: 1 }] : []), client),
          );
          const filled = ids.reduce((filling, id) => filling.replace(/\{\w+\}/, id), path);
          const route = allRoutes.find((candidate) => candidate.operationId === operationId);
          const [request] = seen as [Seen];
          assert.deepEqual(
            [request.method, request.url, "idempotency-key" in request.headers, request.body],
            [
              method.toUpperCase(),
              `${BASE}/v1${filled}${takesQuery ? "?page=1" : ""}`,
              route?.idempotent === true,
              takesBody ? '{"a":1}' : undefined,
            ],
            operationId,
          );
          count++;
        }
      }
      assert.equal(count, Object.values<object>(document.paths).flatMap(Object.keys).length);
    });

    it("takes a key that changes, headers and a base at its own origin", async () => {
      let uses = 0;
      const { client, seen } = answered([refusals.unavailable, () => json({})], {
        key: async () => `token-${++uses}`,
        headers: { "X-Request-Id": "r-17" },
        baseUrl: "",
      });
      await value(getMember(ID, ID, client));
      assert.deepEqual(
        seen.map(({ url, headers }) => [url, headers["authorization"], headers["x-request-id"]]),
        [1, 2].map((n) => [`/v1/project/${ID}/members/${ID}`, `Bearer token-${n}`, "r-17"]),
      );
    });

    it("has no Authorization without a key", async () => {
      const { client, seen } = answered([() => json({ status: "ok" })]);
      await value(palmgate.liveness(createClient({ baseUrl: BASE, fetch: client.fetch as typeof fetch })));
      assert.deepEqual(seen[0]?.headers, {});
    });

    for (const id of ["", "..", ".", "a/b", "a?b", "%2e%2e"]) {
      it(`is not sent to another path by the id ${JSON.stringify(id)}`, async () => {
        const { client, seen } = answered([() => json({})]);
        assert.ok((await refusal(getMember(ID, id, client))) instanceof TypeError);
        assert.deepEqual(seen, []);
      });
    }

    it("answers nothing for 204, text for CSV, null for null, and health's document when it is down", async () => {
      const none = answered([() => new Response(null, { status: 204 })]);
      assert.equal(await value(deleteMember(ID, ID, none.client)), undefined);
      const rows = "id\r\n1\r\n";
      const csv = answered([
        () => new Response(rows, { headers: { "Content-Type": "text/csv; charset=utf-8" } }),
      ]);
      assert.equal(await value(exportTransactions(ID, {}, csv.client)), rows);
      const empty = answered([() => json(null)]);
      assert.equal(await value(pollEnrollment(ID, { session_id: ID }, empty.client)), null);
      const down = answered([() => json({ status: "down", checks: [] }, 503)]);
      assert.deepEqual(await value(health(down.client)), { status: "down", checks: [] });
      assert.equal(down.seen.length, 1);
    });
  });

  describe("A refusal", () => {
    it("is a PalmgateError with all that the problem says", async () => {
      const errors = [{ path: "samples.0.image", message: "is no picture" }];
      const { client } = answered([() => problem(400, "invalid_request", { errors })]);
      const error = await refusal(createMember(ID, {}, client));
      assert.ok(error instanceof PalmgateError && error instanceof Error);
      const { name, message, status, code, detail, request_id, retryAfter } = error;
      assert.deepEqual(
        { name, message, status, code, detail, request_id, errors: error.errors, retryAfter },
        {
          name: "PalmgateError",
          message: "400 invalid_request: It is refused.\n  samples.0.image is no picture",
          status: 400,
          code: "invalid_request",
          detail: "It is refused.",
          request_id: "r-1",
          errors,
          retryAfter: undefined,
        },
      );
    });

    for (const [what, answer, status] of [
      [
        "a page of the platform",
        () =>
          new Response("<html>Bad Request</html>", { status: 400, headers: { "Content-Type": "text/html" } }),
        400,
      ],
      [
        "a page where JSON should be",
        () => new Response("<html>Sign in</html>", { headers: { "Content-Type": "text/html" } }),
        200,
      ],
      ["a proxy's JSON", () => json({ message: "no" }, 403), 403],
      [
        "somebody else's problem",
        () => new Response("{}", { status: 418, headers: { "Content-Type": "application/problem+json" } }),
        418,
      ],
      ["nothing at all", () => new Response(null, { status: 401 }), 401],
    ] as const) {
      it(`is a PalmgateError without a code for ${what}`, async () => {
        const { client, seen } = answered([answer]);
        const error = await refusal(getMember(ID, ID, client));
        assert.ok(error instanceof PalmgateError);
        assert.deepEqual([error.status, error.code, error.errors], [status, undefined, []]);
        assert.match(error.message, /^\d+ \(not Palmgate's\): /);
        assert.equal(seen.length, 1);
      });
    }
  });

  describe("A request is sent again", () => {
    it("after Retry-After and some chance, with the same Idempotency-Key and the same bytes", async () => {
      const { rate_limited, unavailable } = refusals;
      const { client, seen } = answered([rate_limited, unavailable, cut, () => json({ id: ID }, 201)]);
      assert.deepEqual(await value(createMember(ID, { name: "Noa" }, client)), { id: ID });
      assert.deepEqual(
        seen.map(({ at }) => at),
        [0, 3250, 4750, 5750],
      );
      assert.equal(new Set(seen.map(({ headers }) => headers["idempotency-key"])).size, 1);
      assert.deepEqual(new Set(seen.map(({ body }) => body)), new Set(['{"name":"Noa"}']));
    });

    it("after growing pauses where the answer says none, at most 4 times", async () => {
      const { client, seen } = answered([() => problem(503, "unavailable")]);
      assert.equal(codeOf(await refusal(getMember(ID, ID, client))), "unavailable");
      assert.deepEqual(
        seen.map(({ at }) => at),
        [0, 250, 750, 1750, 3750],
      );
    });

    it("when the same request is still under way: a conflict says when it will be over", async () => {
      const underWay = () => problem(409, "conflict", {}, { "Retry-After": "1" });
      const { client, seen } = answered([underWay, () => json({ id: ID }, 201)]);
      assert.deepEqual(await value(createMember(ID, {}, client)), { id: ID });
      assert.deepEqual(
        seen.map(({ at }) => at),
        [0, 1250],
      );
    });

    it("as often as it is told", async () => {
      for (const maxRetries of [0, 2]) {
        const { client, seen } = answered([refusals.unavailable], { maxRetries });
        assert.equal(codeOf(await refusal(getMember(ID, ID, client))), "unavailable");
        assert.equal(seen.length, 1 + maxRetries);
      }
    });

    it("when 429 or 503 refused it, whatever it does", async () => {
      for (const answer of [refusals.rate_limited, refusals.unavailable]) {
        const { client, seen } = answered([answer, () => json({ outcome: "no_match" })]);
        await value(identify(ID, { image: "" }, client));
        await value(updateMember(ID, ID, { name: "Noa" }, client));
        assert.equal(seen.length, 3);
      }
    });

    // Reported as hashicorp/go-retryablehttp#144.
    it("after a Retry-After that is a date, by the clock of the answer", async () => {
      // RFC 9110, 10.2.3 and 5.6.7: a date in any of three forms; proxies send the first.
      const Date_ = "Sun, 06 Nov 1994 08:49:30 GMT";
      for (const [retryAfter, seconds] of [
        ["Sun, 06 Nov 1994 08:49:37 GMT", 7],
        ["Sunday, 06-Nov-94 08:49:37 GMT", 7],
        ["Sun Nov  6 08:49:37 1994", 7],
        ["Sun, 06 Nov 1994 08:49:00 GMT", 0],
        ["3", 3],
        [" \t3 ", 3],
      ] as const) {
        const headers = { "Retry-After": retryAfter, Date: Date_ };
        const { client, seen } = answered([() => problem(503, "unavailable", {}, headers), () => json({})]);
        await value(getMember(ID, ID, client));
        assert.deepEqual(
          seen.map(({ at }) => at),
          [0, seconds * 1000 + 250],
          retryAfter,
        );
      }
    });

    it("after a Retry-After that is a date, by its own clock where the answer has none", async () => {
      const at = new Date(Date.now() + 5000).toUTCString();
      const { client, seen } = answered([
        () => problem(503, "unavailable", {}, { "Retry-After": at }),
        () => json({}),
      ]);
      await value(getMember(ID, ID, client));
      assert.equal(Math.round(((seen[1]?.at ?? 0) - 250) / 1000), 5);
    });

    it("after its own pause where Retry-After is neither seconds nor a date", async () => {
      for (const value_ of [
        "soon",
        "-3",
        "1.5",
        "Sun, 99 Foo 1994 08:49:37 GMT",
        "2026-11-24T08:00:00Z",
        "3 s",
      ]) {
        const { client, seen } = answered([
          () => problem(503, "unavailable", {}, { "Retry-After": value_ }),
          () => json({}),
        ]);
        await value(getMember(ID, ID, client));
        assert.deepEqual(
          seen.map(({ at }) => at),
          [0, 250],
          value_,
        );
      }
    });

    // Reported as cubingusa/compscript#86.
    it("when a GET, a PATCH, a DELETE or a POST with a key got no answer, or a proxy's", async () => {
      const gateway = () => new Response("<html>", { status: 502 });
      for (const answer of [cut, gateway, () => new Response("", { status: 504 })]) {
        for (const send of [
          (client: Client) => getMember(ID, ID, client),
          (client: Client) => updateMember(ID, ID, { name: "Noa" }, client),
          (client: Client) => updateMemberPut(ID, ID, { name: "Noa" }, client),
          (client: Client) => deleteMember(ID, ID, client),
          (client: Client) => createMember(ID, {}, client),
          (client: Client) => cancelEnrollment(ID, { session_id: ID }, client),
        ]) {
          const { client, seen } = answered([answer, () => json({})]);
          await value<unknown>(send(client));
          assert.equal(seen.length, 2);
        }
      }
    });

    it("not when a POST without a key got no answer, even with a key that is not heard", async () => {
      for (const send of [
        (client: Client) => identify(ID, { image: "" }, client),
        (client: Client) => identify(ID, { image: "" }, client.with({ idempotencyKey: "mine" })),
      ]) {
        const { client, seen } = answered([cut]);
        const error = await refusal(send(client));
        assert.ok(error instanceof PalmgateConnectionError);
        assert.match(error.message, /was not answered, tried once: Error: ECONNRESET$/);
        assert.deepEqual([seen.length, seen[0]?.headers["idempotency-key"]], [1, undefined]);
      }
    });

    it("not when another code refused it", async () => {
      for (const [code, answer] of [
        ["conflict", refusals.conflict],
        ["internal", refusals.internal],
      ] as const) {
        const { client, seen } = answered([answer]);
        assert.equal(codeOf(await refusal(createMember(ID, {}, client))), code);
        assert.equal(seen.length, 1);
      }
    });

    it("not when Retry-After is more than a minute: that is the caller's to decide", async () => {
      const { client, seen } = answered([() => problem(429, "rate_limited", {}, { "Retry-After": "600" })]);
      const error = await refusal(getMember(ID, ID, client));
      assert.ok(error instanceof PalmgateError);
      assert.deepEqual([error.code, error.retryAfter, seen.length], ["rate_limited", 600, 1]);
    });

    it("not where it is led: what is moved is refused", async () => {
      const server = createServer((_, response) => {
        response.writeHead(301, { Location: "/v1/elsewhere", "Content-Type": "text/html" }).end("moved");
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, fetch });
      const error = await refusal(createMember(ID, {}, client)).finally(() => server.close());
      assert.ok(error instanceof PalmgateError);
      assert.deepEqual([error.status, error.code], [301, undefined]);
    });

    it("names the first of several addresses that did not answer", async () => {
      const none = new AggregateError([new Error("ECONNREFUSED ::1"), new Error("ECONNREFUSED 127.0.0.1")]);
      const { client } = answered([() => Promise.reject(new TypeError("fetch failed", { cause: none }))]);
      const error = await refusal(identify(ID, { image: "" }, client));
      assert.ok(error instanceof PalmgateConnectionError);
      assert.match(error.message, /tried once: Error: ECONNREFUSED ::1$/);
    });

    it("not for ever: what is never answered says so, and why", async () => {
      const { client, seen } = answered([cut]);
      const error = await refusal(getMember(ID, ID, client));
      assert.ok(error instanceof PalmgateConnectionError);
      assert.equal(
        error.message,
        "GET /project/{project_id}/members/{member_id} was not answered, tried 5 times: Error: ECONNRESET",
      );
      assert.ok(error.cause instanceof TypeError);
      assert.equal(seen.length, 5);
    });
  });

  describe("Time and signals", () => {
    const never = ({ signal }: RequestInit) =>
      new Promise<Response>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );

    it("gives each try its time", async () => {
      const { client, seen } = answered([never], { timeoutMs: 2000, maxRetries: 1 });
      const error = await refusal(getMember(ID, ID, client));
      assert.ok(error instanceof PalmgateConnectionError);
      assert.match(error.message, /tried 2 times: TimeoutError: no answer within 2 s$/);
      assert.deepEqual(
        seen.map(({ at }) => at),
        [0, 2250],
      );
    });

    it("ends a long poll by the caller's signal, and asks no more", async () => {
      const abort = new AbortController();
      const { client, seen } = answered([never]);
      const poll = pollEnrollment(ID, { session_id: ID, wait: 25 }, client.with({ signal: abort.signal }));
      setTimeout(() => abort.abort(new Error("the window was closed")), 1000);
      assert.deepEqual(await refusal(poll), new Error("the window was closed"));
      assert.equal(seen.length, 1);
    });

    it("ends a request that waits to be sent again, and sends none whose signal has aborted", async () => {
      const abort = new AbortController();
      const { client, seen } = answered([refusals.rate_limited]);
      setTimeout(() => abort.abort(), 1000);
      const { signal } = abort;
      for (const expected of [1, 1]) {
        const error = await refusal(getMember(ID, ID, client.with({ signal })));
        assert.ok(error instanceof DOMException);
        assert.deepEqual([error.name, seen.length], ["AbortError", expected]);
      }
    });

    it("leaves no timer and no listener behind", async () => {
      const abort = new AbortController();
      const { signal } = abort;
      const counts: Record<string, number> = {};
      const counting = <T extends object>(object: T, ...names: (keyof T & string)[]) => {
        for (const name of names) {
          const original = (object[name] as (...args: unknown[]) => unknown).bind(object);
          counts[name] = 0;
          mock.method(
            object,
            name as never,
            ((...args: unknown[]) => {
              counts[name] = (counts[name] ?? 0) + 1;
              return original(...args);
            }) as never,
          );
        }
      };
      counting(signal, "addEventListener", "removeEventListener");
      counting(globalThis, "setTimeout", "clearTimeout");
      const { client } = answered([refusals.unavailable, () => json({}), refusals.rate_limited]);
      await value(getMember(ID, ID, client.with({ signal })));
      // Each try's time is up when it ends; the pause between has passed.
      assert.deepEqual(counts, {
        addEventListener: 3,
        removeEventListener: 3,
        setTimeout: 3,
        clearTimeout: 2,
      });
      const waiting = getMember(ID, ID, client.with({ signal }));
      waiting.catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      await refusal(waiting);
      assert.deepEqual([counts["setTimeout"], counts["clearTimeout"]], [5, 4]);
    });
  });

  describe("with()", () => {
    it("changes what it names for the calls of its own client", async () => {
      const { client, seen } = answered([() => json({}, 201)]);
      const mine = client.with({ idempotencyKey: "order-17" }).with({ headers: { "X-Request-Id": "a" } });
      await value(createMember(ID, {}, mine));
      await value(createMember(ID, {}, client));
      const [first, second] = seen.map(({ headers }) => headers["idempotency-key"]);
      assert.equal(first, "order-17");
      assert.match(`${second}`, UUID);
    });
  });

  describe("Lists", () => {
    const pageOf = (from: number, next_cursor: string | null) => () =>
      json({
        items: [{ n: from }, { n: from + 1 }],
        page: null,
        per_page: 2,
        total_count: null,
        next_cursor,
      });
    const none = (next_cursor: string | null) => () =>
      json({ items: [], page: null, per_page: 2, total_count: null, next_cursor });

    async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
      const found: T[] = [];
      for await (const item of list) found.push(item);
      return found;
    }

    it("are walked item by item over next_cursor, with the query in each request", async () => {
      const { client, seen } = answered([pageOf(1, "c1"), pageOf(3, "c2"), pageOf(5, null)]);
      const from = "2026-01-01T00:00:00Z";
      const found = await value(all(items(listTransactions, ID, { from }, client)));
      assert.deepEqual(
        found,
        [1, 2, 3, 4, 5, 6].map((n) => ({ n })),
      );
      assert.deepEqual(
        seen.map(({ url }) => Object.fromEntries(new URL(url).searchParams)),
        [{}, { cursor: "c1" }, { cursor: "c2" }].map((more) => ({ per_page: "100", from, ...more })),
      );
    });

    it("are walked page by page, from a cursor too, and no further than they are asked for", async () => {
      const { client, seen } = answered([pageOf(1, "c1"), pageOf(3, "c2")]);
      for await (const page of pages(listMembers, ID, { per_page: 10, cursor: "c0" }, client)) {
        assert.equal(page.next_cursor, "c1");
        break;
      }
      assert.deepEqual(
        seen.map(({ url }) => new URL(url).search),
        ["?per_page=10&cursor=c0"],
      );
    });

    // Reported as commercetools/nodejs#1454.
    it("treat an undefined parameter as absent", async () => {
      const query = { per_page: undefined, cursor: undefined, page: undefined };
      const walked = answered([pageOf(1, "c1"), pageOf(3, null)]);
      assert.equal((await value(all(items(listMembers, ID, query, walked.client)))).length, 4);
      assert.deepEqual(
        walked.seen.map(({ url }) => Object.fromEntries(new URL(url).searchParams)),
        [{ per_page: "100" }, { per_page: "100", cursor: "c1" }],
      );
      const { client, seen } = answered([() => json([{ n: 1 }])]);
      const whole = await value(listMembers(ID, query, client));
      assert.deepEqual([whole.length, new URL(seen[0]?.url ?? "").search], [1, ""]);
    });

    it("find a member by its external_id on a page of one", async () => {
      const { client, seen } = answered([pageOf(1, null)]);
      const page = await value(listMembers(ID, { external_id: "a b/ü" }, client));
      assert.equal(page.items.length, 2);
      assert.deepEqual(Object.fromEntries(new URL(seen[0]?.url ?? "").searchParams), {
        external_id: "a b/ü",
      });
    });

    it("of events end for now where there are no more, and tell where to go on", async () => {
      const { client } = answered([pageOf(1, "c1"), none("c1")]);
      const cursors = (await value(all(pages(listEvents, ID, {}, client)))).map((page) => page.next_cursor);
      assert.deepEqual(cursors, ["c1", "c1"]);
    });

    it("fail in the middle as their requests do", async () => {
      const { client } = answered([pageOf(1, "c1"), refusals.conflict]);
      assert.equal(codeOf(await refusal(all(items(listMembers, ID, {}, client)))), "conflict");
    });

    it("are whole or an error: a cut array is asked for again, then refused", async () => {
      const half = () => new Response('[{"n":1},', { headers: { "Content-Type": "application/json" } });
      const { client } = answered([half, () => json([{ n: 1 }, { n: 2 }])]);
      assert.equal((await value(listMembers(ID, {}, client))).length, 2);
      const error = await refusal(listMembers(ID, {}, answered([half]).client));
      assert.ok(error instanceof PalmgateConnectionError && error.cause instanceof SyntaxError);
    });

    it("of CSV are whole or an error, too, and so is a stream that breaks", async () => {
      const headers = { "Content-Type": "text/csv; charset=utf-8" };
      const half = () => new Response("id\r\n1", { headers });
      const broken = () => {
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("id\r\n"));
            setTimeout(() => controller.error(new Error("terminated")), 100);
          },
        });
        return new Response(body, { headers });
      };
      for (const answer of [half, broken]) {
        const error = await refusal(exportTransactions(ID, {}, answered([answer]).client));
        assert.ok(error instanceof PalmgateConnectionError);
      }
    });
  });
});

interface Operation {
  operationId: string;
  parameters: { in?: string }[];
  requestBody?: { content: { "application/json": { schema: { $ref?: string; properties?: object } } } };
}

describe("verifyWebhook", () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
  const event = {
    event_id: ID,
    event_type: "webhook.test",
    timestamp: "2026-11-27T12:00:00.000Z",
    project_id: ID,
    data: { event_type: "webhook.test", test_id: ID, "täst 🖐": true },
  };
  const body = JSON.stringify(event);
  const signed = (at = new Date(), by = secret, of = body): Record<string, string> => ({
    "webhook-id": ID,
    "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
    "webhook-signature": new Webhook(by).sign(ID, at, of),
  });
  const MINUTES_6 = 360_000;

  it("believes what standardwebhooks signs, as text, as bytes, with headers of any kind and case", async () => {
    const headers = signed();
    const shouted = Object.fromEntries(
      Object.entries(headers).map(([name, held]) => [name.toUpperCase(), held]),
    );
    for (const shape of [headers, shouted, new Headers(headers)]) {
      for (const text of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
        assert.deepEqual(await verifyWebhook(text, shape, secret), event);
      }
    }
  });

  it("believes neither more nor less than standardwebhooks does", async () => {
    const now = new Date();
    const cases: [what: string, body: string, headers: Record<string, string>, believed: boolean][] = [
      ["as it is", body, signed(now), true],
      ["a tampered body", body.replace("test_id", "test_ip"), signed(now), false],
      ["another id", body, { ...signed(now), "webhook-id": "other" }, false],
      [
        "a later time",
        body,
        { ...signed(now), "webhook-timestamp": `${Math.floor(now.getTime() / 1000) + 60}` },
        false,
      ],
      ["a stale one", body, signed(new Date(now.getTime() - MINUTES_6)), false],
      ["one of the future", body, signed(new Date(now.getTime() + MINUTES_6)), false],
      ["another's secret", body, signed(now, other), false],
      [
        "one of two signatures",
        body,
        {
          ...signed(now),
          "webhook-signature": [signed(now, other), signed(now)].map((h) => h["webhook-signature"]).join(" "),
        },
        true,
      ],
      ["another version", body, { ...signed(now), "webhook-signature": "v1a,abc" }, false],
      [
        "an unknown version of the right bytes",
        body,
        { ...signed(now), "webhook-signature": `${signed(now)["webhook-signature"]}`.replace("v1,", "v2,") },
        false,
      ],
      ["no base64", body, { ...signed(now), "webhook-signature": "v1,***" }, false],
      ["an empty signature", body, { ...signed(now), "webhook-signature": "v1," }, false],
      ["none at all", body, { ...signed(now), "webhook-signature": "" }, false],
      ["no time", body, { ...signed(now), "webhook-timestamp": "yesterday" }, false],
    ];
    for (const [what, text, headers, believed] of cases) {
      const theirs = await outcome(() => new Webhook(secret).verify(text, headers));
      const ours = await outcome(() => verifyWebhook(text, headers, secret));
      assert.deepEqual([theirs, ours], [believed, believed], what);
    }
  });

  it("says why it does not believe, in general terms", async () => {
    const refused = (headers: Record<string, string | undefined>, secrets: string | string[] = secret) =>
      verifyWebhook(body, headers, secrets).then(
        () => assert.fail("it was believed"),
        (error) => {
          assert.ok(error instanceof WebhookVerificationError);
          return error.message;
        },
      );
    const stale = new Date(Date.now() - MINUTES_6);
    assert.deepEqual(
      [
        await refused({ ...signed(), "webhook-id": undefined }),
        await refused({ ...signed(), "webhook-timestamp": "1e9" }),
        await refused(signed(stale)),
        await refused(signed(), other),
        await refused(signed(), []),
      ],
      [
        "webhook-id is missing, or there are several",
        "webhook-timestamp is no time",
        "it was sent too long ago, or in the future",
        "no signature is by a secret of yours",
        "no signature is by a secret of yours",
      ],
    );
  });

  // Reported as GetStream/stream-chat-js#695.
  it("says what to pass instead of a parsed body", async () => {
    for (const wrong of [event, undefined, null, 7, [body], new Blob([body])]) {
      await assert.rejects(verifyWebhook(wrong as never, signed(), secret), {
        name: "WebhookVerificationError",
        message: /^the body must be the string or bytes of the request as received, not parsed JSON/,
      });
    }
  });

  it("takes bytes of any kind", async () => {
    const bytes = new TextEncoder().encode(`..${body}`);
    for (const view of [bytes.subarray(2), bytes.buffer.slice(2), new DataView(bytes.buffer, 2)]) {
      assert.deepEqual(await verifyWebhook(view as never, signed(), secret), event);
    }
  });

  // Reported as standard-webhooks/standard-webhooks#235 and heripo-lab/heripo-engine#47.
  it("says what to pass instead of a quoted, blank or missing secret, without repeating it", async () => {
    for (const [wrong, what] of [
      [`"${secret}"`, "in quotes"],
      [`'${secret}'`, "in quotes"],
      [`${secret}\n`, "with white space"],
      [` ${secret}`, "with white space"],
      ["", "blank"],
      ["  ", "blank"],
      ["whsec_***", "not base64"],
      ["whsec_YWJ", "not base64"],
      [undefined, "undefined"],
      [null, "object"],
      [{ secret }, "object"],
    ] as const) {
      for (const secrets of [wrong, [secret, wrong]]) {
        const error = await verifyWebhook(body, signed(), secrets as never).then(
          () => assert.fail("it was believed"),
          (thrown) => thrown,
        );
        assert.ok(error instanceof WebhookVerificationError, `${error}`);
        assert.equal(
          error.message,
          `the secret must be the text "whsec_…" as createWebhook returned it, without quotes or white space; this one is ${what}`,
        );
      }
    }
  });

  it("takes the old secret and the new one while they rotate", async () => {
    for (const by of [secret, other]) {
      assert.deepEqual(await verifyWebhook(body, signed(new Date(), by), [other, secret]), event);
    }
  });

  it("takes another tolerance and another now", async () => {
    const at = new Date("2026-01-01T00:00:00Z");
    const now = at.getTime() + MINUTES_6;
    await assert.rejects(verifyWebhook(body, signed(at), secret, { now }), WebhookVerificationError);
    assert.deepEqual(await verifyWebhook(body, signed(at), secret, { now, toleranceSeconds: 400 }), event);
  });

  async function outcome(verify: () => unknown): Promise<boolean> {
    try {
      assert.deepEqual(await verify(), event);
      return true;
    } catch (error) {
      assert.ok(!(error instanceof assert.AssertionError), `${error}`);
      return false;
    }
  }
});
