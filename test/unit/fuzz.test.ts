import assert from "node:assert/strict";
import fc from "fast-check";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { withoutNulls } from "../../functions/src/http/nulls.ts";
import { operations } from "../support/fuzz/document.ts";
import { faultsOf, judge, type Sent } from "../support/fuzz/oracle.ts";
import { drawnFrom, write } from "../support/fuzz/values.ts";

describe("What the fuzz draws from a schema", () => {
  it("is as the schema says, for every body and query of openapi.json", () => {
    for (const { id, body, query } of operations) {
      for (const schema of [...(body ? [body] : []), ...query.map((parameter) => parameter.schema)]) {
        for (const value of fc.sample(drawnFrom(schema), { numRuns: 50, seed: 1 })) {
          assert.equal(faultsOf(schema, JSON.parse(write(value))), "", `${id}: ${write(value)}`);
        }
      }
    }
  });

  it("is what the route takes, which says of nothing that it is allowed and then refuses it", () => {
    for (const { id, body } of operations) {
      const route = allRoutes.find(({ operationId }) => operationId === id);
      if (!body || !route?.body) continue;
      for (const value of fc.sample(drawnFrom(body), { numRuns: 100, seed: 2 })) {
        const sent = JSON.parse(write(value));
        const taken = route.body.safeParse(route.method === "POST" ? withoutNulls(route.body, sent) : sent);
        assert.ok(taken.success, `${id}: ${taken.error}: ${write(value)}`);
      }
    }
  });

  it("is nothing where it does not know a keyword, a format, an encoding or a type", () => {
    const unknown = { type: "integer", exclusiveMinimum: 0 };
    for (const schema of [unknown, { type: "string", format: "ipv4" }, { type: "file" }, {}]) {
      assert.throws(() => drawnFrom(schema), /unknown/);
    }
    assert.throws(() => drawnFrom({ type: "array", items: unknown }), /exclusiveMinimum/);
  });
});

describe("How the fuzz judges an answer", () => {
  const id = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
  const sent: Sent = { method: "GET", pathname: "/v1/health/live", query: [], headers: {}, body: undefined };
  const plain = {
    "X-Request-Id": "a",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "frame-ancestors 'none'",
  };
  const json = { ...plain, "Content-Type": "application/json; charset=utf-8" };
  const problem = { ...plain, "Content-Type": "application/problem+json" };
  const refused = {
    type: "about:blank",
    title: "Not found",
    status: 404,
    detail: "-",
    code: "not_found",
    request_id: "a",
  };
  const judged = (
    answer: { status?: number; headers?: Record<string, string>; text?: string },
    more: Partial<Sent> = {},
  ) => {
    const { status = 200, headers = json, text = '{"status":"ok"}' } = answer;
    return judge({ ...sent, ...more }, { status, headers: new Headers(headers), text }, [id]);
  };
  const nowhere = { pathname: "/v1/nowhere" };
  const refusal = (more: object = {}) => ({
    status: 404,
    headers: problem,
    text: JSON.stringify({ ...refused, ...more }),
  });

  const broken = { ...refused, status: 500, code: "internal" };
  const lacking = { "X-Request-Id": "a", "Content-Type": json["Content-Type"] };
  const expires_at = "2026-01-01T00:00:00.000Z";
  const taken = {
    status: 201,
    text: JSON.stringify({ registration_code: "5JB2FKT5", claim_token: "pt_", expires_at }),
  };
  const asked = { method: "POST", pathname: "/v1/terminal/registrations", body: '{"model":1}' };

  it("finds nothing in answers that are as documented", () => {
    assert.deepEqual(judged({}), []);
    assert.deepEqual(judged({ text: "" }, { method: "HEAD" }), []);
    assert.deepEqual(judged(refusal(), nowhere), []);
    assert.deepEqual(judged(taken, { ...asked, body: '{"model":"T1"}' }), []);
  });

  const faults: [what: string, found: string[], words: RegExp][] = [
    ["a status that is not documented", judged({ status: 202 }), /^202 is not documented/],
    ["a 5xx", judged({ status: 500, headers: problem, text: JSON.stringify(broken) }), /^answers 500$/],
    ["a field that is not documented", judged({ text: '{"status":"ok","more":1}' }), /additional properties/],
    ["a body that is no JSON", judged({ text: "{" }), /^it is no JSON/],
    [
      "a header that is not documented",
      judged({ headers: { ...json, Server: "x" } }),
      /server is not documented/,
    ],
    [
      "a header that is missing",
      judged({ headers: lacking }),
      /Cache-Control is missing|cache-control is missing/,
    ],
    [
      "another header",
      judged({ headers: { ...json, "Cache-Control": "public" } }),
      /cache-control is public/,
    ],
    [
      "another media type",
      judged({ headers: { ...plain, "Content-Type": "text/plain; charset=utf-8" } }),
      /^text\/plain/,
    ],
    ["no charset", judged({ headers: { ...plain, "Content-Type": "application/json" } }), /names no charset/],
    ["another id of the request", judged({}, { headers: { "X-Request-Id": "b" } }), /another X-Request-Id/],
    ["a body of HEAD", judged({}, { method: "HEAD" }), /HEAD has a body/],
    ["an id of somebody else", judged(refusal({ detail: id }), nowhere), /somebody else/],
    ["a stack", judged(refusal({ detail: "at f (/srv/a.ts:1:2)" }), nowhere), /of the inside/],
    ["a code of another status", judged(refusal({ code: "expired" }), nowhere), /^404 is not documented/],
    ["a code that is none", judged(refusal({ code: "lost" }), nowhere), /not documented|allowed values/],
    ["another request_id", judged(refusal({ request_id: "b" }), nowhere), /another request_id/],
    [
      "a parameter that is not documented, and taken",
      judged({}, { query: [["a", "1"]] }),
      /takes the query parameter "a"/,
    ],
    [
      "a body that is forbidden, and taken",
      judged(taken, asked),
      /takes the body, which is not as documented/,
    ],
  ];
  for (const [what, found, words] of faults) {
    it(`finds ${what}`, () => assert.match(found.join("\n"), new RegExp(words, "m")));
  }
});
