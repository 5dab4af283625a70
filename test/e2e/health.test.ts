import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { assertProblem, createClient } from "../support/client.ts";
import { baseUrl } from "../support/suite.ts";

describe("Health", () => {
  const api = createClient(baseUrl());

  it("GET /v1/health/live answers ok", async () => {
    const answer = await api("GET", "/v1/health/live");
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { status: "ok" });
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "no-store");
  });

  it("GET /v1/health tells of each dependency", async () => {
    let { body } = await api("GET", "/v1/health");
    // A service that a busy machine keeps waiting for 600 ms counts as down until the next checks, two seconds later.
    for (let tries = 0; tries < 60 && body.status !== "ok"; tries++) {
      await sleep(2000);
      ({ body } = await api("GET", "/v1/health"));
    }
    const checks = body.checks.map(({ took_ms, ...check }: { took_ms: number }) => {
      assert.ok(Number.isInteger(took_ms) && took_ms >= 0);
      return check;
    });
    assert.deepEqual(
      { status: body.status, checks },
      {
        status: "ok",
        checks: [
          { name: "firestore", critical: true, status: "ok" },
          { name: "auth", critical: true, status: "ok" },
          { name: "storage", critical: false, status: "ok" },
          { name: "cloud_tasks", critical: false, status: "ok" },
        ],
      },
    );
  });

  it("answers the document of this API as it is committed", async () => {
    const answer = await api("GET", "/v1/openapi.json");
    const committed = readFileSync(new URL("../../openapi.json", import.meta.url), "utf8");
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.deepEqual(answer.body, JSON.parse(committed));
  });

  it("answers HEAD as GET without a body", async () => {
    const answer = await api("HEAD", "/v1/health/live");
    assert.deepEqual({ status: answer.status, text: answer.text }, { status: 200, text: "" });
  });

  it("answers every unknown path under /v1 with a problem", async () => {
    for (const path of ["/v1/nothing", "/v1/", "/v1/project/x", "/v1/projects/", "/v1/%00", "/v1/a%2fb"]) {
      const answer = await api("GET", path);
      assertProblem(answer, 404, "not_found");
    }
  });

  it("names the methods that a path has", async () => {
    const answer = await api("DELETE", "/v1/health/live");
    assertProblem(answer, 405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), "GET, HEAD");
  });

  it("keeps a caller's request id when it is a safe one", async () => {
    const kept = await api("GET", "/v1/health/live", { headers: { "X-Request-Id": "abc.DEF-1_2" } });
    assert.equal(kept.headers.get("x-request-id"), "abc.DEF-1_2");
    const replaced = await api("GET", "/v1/health/live", { headers: { "X-Request-Id": "a b" } });
    assert.match(replaced.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  });
});
