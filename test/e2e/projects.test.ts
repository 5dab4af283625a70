import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("Projects", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps, {
      project: { website: "https://acme.example", phone_number: "+4915112345" },
    });
  });

  it("GET /v1/projects/{project_id} answers the whole project to its admin and to its keys", async () => {
    const { project } = tenant;
    const wire = { ...project, created_at: project.created_at.toISOString() };
    for (const token of [tenant.user.token, tenant.key]) {
      const answer = await api("GET", `/v1/projects/${project.id}`, { token });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, wire);
    }
  });

  it("GET /v1/projects lists newest first, equal times by id", async () => {
    const at = (ms: number) => new Date(tenant.project.created_at.getTime() + ms);
    const later = { ...tenant.project, id: randomUUID(), created_at: at(1000) };
    const twins = [randomUUID(), randomUUID()]
      .sort()
      .map((id) => ({ ...tenant.project, id, created_at: at(500) }));
    await deps.commit([later, ...twins].map((project) => deps.projects.create(project)));
    const expected = [later, ...twins, tenant.project].map(({ id }) => id);
    for (const token of [tenant.user.token, tenant.key]) {
      const answer = await api("GET", "/v1/projects", { token });
      assert.deepEqual(
        answer.body.map(({ id }: { id: string }) => id),
        expected,
      );
    }
  });

  it("GET /v1/projects shows a scoped key its own, even when one has moved to another organization", async () => {
    const gone = { ...tenant.project, id: randomUUID(), organization_id: randomUUID() };
    await deps.commit([deps.projects.create(gone)]);
    const { key } = await newApiKey(deps, {
      organization_id: tenant.organization.id,
      project_ids: [gone.id, tenant.project.id],
    });
    const answer = await api("GET", "/v1/projects", { token: key });
    assert.deepEqual(
      answer.body.map(({ id }: { id: string }) => id),
      [tenant.project.id],
    );
    assertProblem(await api("GET", `/v1/projects/${gone.id}`, { token: key }), 404, "not_found");
  });

  it("GET /v1/projects shows a user the projects of more organizations than one query takes", async () => {
    const organizations = Array.from({ length: 35 }, () => ({
      ...tenant.organization,
      id: randomUUID(),
    }));
    const projects = organizations.map(({ id }) => ({
      ...tenant.project,
      id: randomUUID(),
      organization_id: id,
    }));
    await deps.commit([
      ...organizations.map((organization) => deps.organizations.create(organization)),
      ...projects.map((project) => deps.projects.create(project)),
    ]);
    const answer = await api("GET", "/v1/projects", { token: tenant.user.token });
    assert.equal(answer.body.length, 36);
  });

  it("refuses query parameters that it does not know", async () => {
    const answer = await api("GET", "/v1/projects?page=1&page=2&per_page=&x=1", { token: tenant.key });
    assertProblem(answer, 400, "invalid_request");
    assert.deepEqual(
      answer.body.errors.map((error: { path: string }) => error.path),
      ["page", "per_page", "x"],
    );
  });
});
