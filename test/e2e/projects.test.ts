import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { encodePng, newSample, steadyPalm } from "../support/palms.ts";
import { baseUrl, newUser } from "../support/suite.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

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

  it("GET /v1/organizations lists those that the user administers, and none to a stranger", async () => {
    const { organization } = tenant;
    const later = {
      ...organization,
      id: randomUUID(),
      name: "Later",
      created_at: new Date(organization.created_at.getTime() + 1000),
    };
    await deps.commit([deps.organizations.create(later)]);
    const answer = await api("GET", "/v1/organizations", { token: tenant.user.token });
    assert.deepEqual(answer.body, [
      { id: later.id, name: "Later", plan: "business" },
      { id: organization.id, name: organization.name, plan: "business" },
    ]);
    const stranger = await newUser(`${randomUUID()}@nobody.example`);
    assert.deepEqual((await api("GET", "/v1/organizations", { token: stranger.token })).body, []);
    assertProblem(await api("GET", "/v1/organizations", { token: tenant.key }), 403, "forbidden");
  });

  describe("GET /v1/project/{project_id}/environment", () => {
    const get = (of: Tenant, token = of.key) =>
      api("GET", `/v1/project/${of.project.id}/environment`, { token });

    it("tells what the project's palms live in, and how many are its own", async () => {
      const sibling = { ...tenant, project: { ...tenant.project, id: randomUUID() } };
      await deps.commit([deps.projects.create(sibling.project)]);
      await enrolSomebody(deps, tenant);
      const environment = {
        id: tenant.environment.id,
        type: "organization",
        template_format: "palm-code.v1",
        target_fpir: 0.001,
        calibrated: false,
        palms: 1,
        server_lookup_allowed: true,
      };
      for (const token of [tenant.key, tenant.user.token]) {
        assert.deepEqual((await get(tenant, token)).body, environment);
      }
      assert.deepEqual((await get(sibling)).body, { ...environment, palms: 0 });
    });

    it("is there for a global one, whose palms are nobody's, and 404 where there is none", async () => {
      const global = await newTenant(deps, {
        environment: { type: "global", organization_id: randomUUID(), server_lookup_allowed: false },
      });
      const { body } = await get(global);
      assert.deepEqual(
        { type: body.type, palms: body.palms, server_lookup_allowed: body.server_lookup_allowed },
        { type: "global", palms: 0, server_lookup_allowed: false },
      );
      const none = await newTenant(deps, { project: { environment_id: null } });
      assertProblem(await get(none), 404, "not_found");
    });
  });

  describe("PATCH /v1/project/{project_id}/server-lookup", () => {
    const set = (of: Tenant, body: unknown) =>
      api("PATCH", `/v1/project/${of.project.id}/server-lookup`, { token: of.user.token, body });
    // An empty sample is 400 where the lookup is open: it costs no palm.
    const identify = (of: Tenant) =>
      api("POST", `/v1/project/${of.project.id}/identify`, { token: of.key, body: {} });

    it("opens and shuts identify, from the very next request on", async () => {
      for (const enabled of [false, false, true, true]) {
        const answer = await set(tenant, { enabled });
        assert.equal(answer.status, 200, answer.text);
        const { project } = tenant;
        assert.deepEqual(answer.body, {
          ...project,
          server_lookup_enabled: enabled,
          created_at: project.created_at.toISOString(),
        });
        const asked = await identify(tenant);
        if (enabled) assertProblem(asked, 400, "invalid_request");
        else assertProblem(asked, 403, "server_lookup_disabled");
      }
    });

    it("is 409 for on where no environment allows it, and lets off be off", async () => {
      const closed = { server_lookup_enabled: false };
      for (const customer of [
        await newTenant(deps, { environment: { server_lookup_allowed: false }, project: closed }),
        await newTenant(deps, { project: { environment_id: null, ...closed } }),
        await newTenant(deps, { project: { environment_id: randomUUID(), ...closed } }),
      ]) {
        assertProblem(await set(customer, { enabled: true }), 409, "conflict");
        assert.equal((await set(customer, { enabled: false })).body.server_lookup_enabled, false);
      }
    });

    it("refuses what says neither", async () => {
      for (const [body, where] of [
        [{}, "enabled"],
        [{ enabled: "true" }, "enabled"],
        [{ enabled: true, by: "me" }, "by"],
      ] as const) {
        const answer = await set(tenant, body);
        assertProblem(answer, 400, "invalid_request");
        assert.equal(answer.body.errors[0].path, where);
      }
    });
  });
});

async function enrolSomebody(deps: Deps, tenant: Tenant): Promise<void> {
  const { id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
  const image = encodePng(steadyPalm({ seed: 8100 }));
  await enrollPalm(deps, { ...tenant, member_id: id, samples: [newSample(image)] });
}
