import assert from "node:assert/strict";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("Members", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let path: string;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
    tenant = await newTenant(deps);
    path = `/v1/project/${tenant.project.id}/members`;
  });

  const create = (body: unknown) => api("POST", path, { token: tenant.key, body });

  it("POST /v1/project/{project_id}/members makes a member that GET answers alike", async () => {
    const fields = {
      name: "Ada Lovelace 👋🏽",
      external_id: "staff/0001 ÄÖ",
      email: "ada@acme.example",
      phone_number: "+4915112345678",
      metadata: { floor: "3", "a.b/c": "", __dunder__: "kept" },
    };
    const made = await create(fields);
    assert.equal(made.status, 201, made.text);
    const { id, created_at } = made.body;
    assert.deepEqual(made.body, {
      id,
      project_id: tenant.project.id,
      ...fields,
      palms: 0,
      created_at,
      updated_at: created_at,
    });
    for (const token of [tenant.user.token, tenant.key]) {
      assert.deepEqual((await api("GET", `${path}/${id}`, { token })).body, made.body);
    }
  });

  it("makes a member of nothing at all, and of nulls", async () => {
    const empty = { name: null, external_id: null, email: null, phone_number: null };
    for (const body of [{}, { ...empty, metadata: null }, undefined]) {
      const made = await create(body);
      assert.equal(made.status, 201, made.text);
      const { id, created_at } = made.body;
      assert.deepEqual(made.body, {
        id,
        project_id: tenant.project.id,
        ...empty,
        metadata: {},
        palms: 0,
        created_at,
        updated_at: created_at,
      });
    }
  });

  it("holds an external_id unique in the project, case-sensitively", async () => {
    assert.equal((await create({ external_id: "Twin" })).status, 201);
    assertProblem(await create({ external_id: "Twin" }), 409, "conflict");
    assert.equal((await create({ external_id: "twin" })).status, 201);
    const other = await newTenant(deps);
    const elsewhere = await api("POST", `/v1/project/${other.project.id}/members`, {
      token: other.key,
      body: { external_id: "Twin" },
    });
    assert.equal(elsewhere.status, 201);
  });

  it("lets one of four members at once have an external_id", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => create({ external_id: "race" })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409]);
  });

  const long = (length: number) => "ü".repeat(length);
  const manyKeys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
  for (const [what, body] of [
    ["the longest name", { name: long(200) }],
    ["a name of 200 emoji", { name: "🖐".repeat(200) }],
    ["the longest external_id", { external_id: long(200) }],
    ["fifty keys of metadata", { metadata: manyKeys(50) }],
    ["the longest metadata", { metadata: { [long(40)]: long(500) } }],
  ] as const) {
    it(`takes ${what}`, async () => {
      const made = await create(body);
      assert.equal(made.status, 201, made.text);
    });
  }

  for (const [where, what, body] of [
    ["name", "one character too many", { name: long(201) }],
    ["name", "nothing", { name: "" }],
    ["name", "a control character", { name: "a\u0007b" }],
    ["name", "a line break", { name: "a\nb" }],
    ["name", "half a surrogate pair", { name: "a\ud83d" }],
    ["name", "a number", { name: 7 }],
    ["external_id", "one character too many", { external_id: long(201) }],
    ["email", "no address", { email: "ada at acme" }],
    ["email", "more than 254 characters", { email: `${"a".repeat(250)}@acme.example` }],
    ["phone_number", "no E.164", { phone_number: "0151 123" }],
    ["metadata", "one key too many", { metadata: manyKeys(51) }],
    ["metadata.nested", "no flat value", { metadata: { nested: {} } }],
    ["metadata.n", "a number", { metadata: { n: 1 } }],
    ["metadata.long", "one character too many", { metadata: { long: long(501) } }],
    [`metadata.${long(41)}`, "a key too long", { metadata: { [long(41)]: "" } }],
    ["nickname", "an unknown field", { nickname: "Ada" }],
    ["", "an array", []],
  ] as const) {
    it(`refuses ${what} at ${where === "" ? "the whole body" : where}`, async () => {
      const answer = await create(body);
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        [...new Set(answer.body.errors.map((error: { path: string }) => error.path))],
        [where],
      );
    });
  }

  it("refuses a key that is none of an object's own", async () => {
    const answer = await api("POST", path, {
      token: tenant.key,
      headers: { "Content-Type": "application/json" },
    });
    assert.equal(answer.status, 201);
    const response = await fetch(baseUrl() + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" },
      body: '{"metadata": {"__proto__": "x"}}',
    });
    assert.equal(response.status, 400);
  });

  it("answers 404 for a member of another project", async () => {
    const other = await newTenant(deps);
    const made = await api("POST", `/v1/project/${other.project.id}/members`, { token: other.key });
    assertProblem(await api("GET", `${path}/${made.body.id}`, { token: tenant.key }), 404, "not_found");
  });
});
