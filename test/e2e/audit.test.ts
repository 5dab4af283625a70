import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { AuditEntry } from "../../functions/src/domain/audit/audit.ts";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { store } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("GET /v1/organization/{org_id}/audit", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let path: string;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
    path = `/v1/organization/${tenant.organization.id}/audit`;
  });

  const get = (query = "", where = path) => api("GET", where + query, { token: tenant.user.token });
  const newEntry = (created_at: Date, organization_id = tenant.organization.id): AuditEntry => ({
    id: randomUUID(),
    organization_id,
    project_id: null,
    actor: { type: "operator", id: "olga" },
    operation: "organization add-admin",
    target: { type: "organization", id: organization_id },
    request_id: randomUUID(),
    client_request_id: null,
    created_at,
  });
  const toWire = (entry: AuditEntry) => ({ ...entry, created_at: entry.created_at.toISOString() });

  it("tells whole, newest first, who changed what in the last 24 hours", async () => {
    const { organization, project, user, key } = tenant;
    await store(deps, deps.audit, [
      newEntry(new Date(Date.now() - 25 * 60 * 60_000)),
      newEntry(new Date(Date.now() - 60_000), randomUUID()),
    ]);
    const keys = `/v1/organization/${organization.id}/api-keys`;
    const call = { token: user.token };
    const made = await api("POST", keys, { ...call, body: { name: "Turnstiles", project_ids: null } });
    const members = `/v1/project/${project.id}/members`;
    const member = await api("POST", members, {
      token: key,
      body: { name: "Ada" },
      headers: { "X-Request-Id": "callers" },
    });
    const revoked = await api("DELETE", `${keys}/${made.body.id}`, call);
    // Nothing is changed by what is refused, or done before.
    await api("DELETE", `${keys}/${made.body.id}`, call);
    await api("POST", members, { token: key, body: { name: "" } });

    const { status, body } = await get();
    const [third, second, first] = body.items;
    const by = {
      user: { type: "user", id: user.uid },
      key: { type: "api_key", id: parseKey("pg", key)?.id },
    };
    const entry = ({ id, created_at }: typeof first, rest: object) => ({
      id,
      organization_id: organization.id,
      ...rest,
      created_at,
    });
    const target = { type: "api_key", id: made.body.id };
    const of = ({ headers }: typeof made) => headers.get("x-request-id");
    assert.deepEqual(
      [status, body],
      [
        200,
        {
          items: [
            entry(third, {
              ...{ project_id: null, actor: by.user, operation: "revokeOrganizationApiKey", target },
              ...{ request_id: of(revoked), client_request_id: null },
            }),
            entry(second, {
              ...{ project_id: project.id, actor: by.key, operation: "createMember" },
              target: { type: "member", id: member.body.id },
              ...{ request_id: second.request_id, client_request_id: "callers" },
            }),
            entry(first, {
              ...{ project_id: null, actor: by.user, operation: "createOrganizationApiKey", target },
              ...{ request_id: of(made), client_request_id: null },
            }),
          ],
          page: 1,
          per_page: 50,
          total_count: 3,
          next_cursor: null,
        },
      ],
    );
    assert.match(second.request_id, /^[0-9a-f-]{36}$/);
    assert.ok(first.created_at <= second.created_at && second.created_at <= third.created_at);
  });

  it("pages through a range with its start and without its end", async () => {
    const start = Date.UTC(2026, 0, 10);
    const moments = [-1, ...Array.from({ length: 11 }, (_, n) => n), 999, 1000];
    const entries = moments.map((ms) => newEntry(new Date(start + ms)));
    await store(deps, deps.audit, entries);
    const expected = entries.slice(1, -1).reverse().map(toWire);
    const range = "?from=2026-01-10T00:00:00Z&to=2026-01-10T00:00:01Z&per_page=10";
    const { body: first } = await get(range);
    const { next_cursor } = first;
    const page = { page: 1, per_page: 10, total_count: 12, next_cursor };
    assert.deepEqual(first, { items: expected.slice(0, 10), ...page });
    const rest = { items: expected.slice(10), per_page: 10, next_cursor: null };
    assert.deepEqual((await get(`${range}&page=2`)).body, { ...rest, page: 2, total_count: 12 });
    const { body: last } = await get(`?per_page=10&cursor=${next_cursor}`);
    assert.deepEqual(last, { ...rest, page: null, total_count: null });
  });

  for (const [query, where] of [
    ["?per_page=1001", "per_page"],
    ["?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"],
    ["?actor=olga", "actor"],
  ] as const) {
    it(`refuses ${query} at ${where}`, async () => {
      const answer = await get(query);
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        answer.body.errors.map((error: { path: string }) => error.path),
        [where],
      );
    });
  }

  it("answers 404 for another organization", async () => {
    const other = await newTenant(deps);
    assertProblem(await get("", `/v1/organization/${other.organization.id}/audit`), 404, "not_found");
  });
});
