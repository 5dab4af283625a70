import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import { CODE_MS, type Registration } from "../../functions/src/domain/registration/registration.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { newDevice, newScan } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** Long enough ago that a code, or a key that waits, is no longer good. */
const LONG_AGO = new Date(Date.now() - CODE_MS);

describe("Registering a terminal", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const start = async (body: unknown = { app_version: "1.4.0", model: "PT-2" }) => {
    const answer = await api("POST", "/v1/terminal/registrations", { body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body as { registration_code: string; claim_token: string; expires_at: string };
  };
  const claim = (token: string) => api("POST", "/v1/terminal/registrations/claim", { token });
  const register = (registration_code: string, more: { token?: string; project?: Project } = {}) =>
    api("POST", `/v1/project/${(more.project ?? tenant.project).id}/devices/register`, {
      token: more.token ?? tenant.key,
      body: { registration_code, name: "Front door" },
      headers: { "X-Request-Id": "same" },
    });
  const registered = async () => {
    const terminal = await start();
    const answer = await register(terminal.registration_code);
    assert.equal(answer.status, 201, answer.text);
    const device_key: string = (await claim(terminal.claim_token)).body.device_key;
    return { ...terminal, device: answer.body, device_key };
  };
  /** Uses a device's key, where it opens nothing. */
  const use = (device_key: string) => api("GET", "/v1/projects", { token: device_key });
  const devicesOf = async ({ project, key: token }: Tenant) =>
    (await api("GET", `/v1/project/${project.id}/devices`, { token })).body.items;
  /** As if it had been started at another time. */
  const change = async (claim_token: string, fields: Partial<Registration>) => {
    const stored = await deps.registrations.get(parseKey("pt", claim_token)?.id ?? "");
    assert.ok(stored);
    await deps.commit([deps.registrations.replace(stored, { ...stored.value, ...fields })]);
  };

  it("shows a code, waits, is registered, and fetches its key, the same until it has used it", async () => {
    const started = Date.now();
    const { registration_code, claim_token, expires_at } = await start();
    assert.match(registration_code, /^[0-9A-HJKMNP-TV-Z]{8}$/);
    assert.match(claim_token, /^pt_[0-9A-Za-z]{22}\.[0-9A-Za-z]{49}$/);
    const left = Date.parse(expires_at) - started - CODE_MS;
    assert.ok(left >= 0 && left <= Date.now() - started, expires_at);

    for (let times = 0; times < 2; times++) {
      const { status, body } = await claim(claim_token);
      assert.deepEqual([status, body], [200, { status: "pending" }]);
    }

    const made = await register(registration_code);
    const { id, created_at } = made.body;
    const device = {
      id,
      project_id: tenant.project.id,
      name: "Front door",
      enabled: true,
      mode: "standard",
      model: "PT-2",
      app_version: "1.4.0",
      last_seen_at: null,
      created_at,
    };
    assert.deepEqual([made.status, made.body], [201, device]);
    assert.deepEqual(await devicesOf(tenant), [device]);

    const claimed = await claim(claim_token);
    const { device_key } = claimed.body;
    assert.equal(parseKey("pd", device_key)?.id, id);
    assert.deepEqual(claimed.body, {
      status: "registered",
      device_id: id,
      project_id: tenant.project.id,
      device_key,
    });
    const again = await claim(claim_token);
    assert.deepEqual([again.status, again.text], [200, claimed.text]);

    assertProblem(await use(device_key), 403, "forbidden");
    assertProblem(await claim(claim_token), 410, "expired");
    assertProblem(await use(device_key), 403, "forbidden");
  });

  it("says nothing of itself unless it likes to, and is registered by an admin as well as by a key", async () => {
    for (const [token, about] of [
      [tenant.user.token, {}],
      [tenant.key, { app_version: null, model: null }],
    ] as const) {
      const { registration_code } = await start(about);
      const { status, body } = await register(registration_code, { token });
      assert.deepEqual([status, body.model, body.app_version], [201, null, null]);
    }
  });

  it("takes its code in any case, in groups, and with letters for the digits that they look like", async () => {
    for (const spell of [
      (code: string) => code.toLowerCase(),
      (code: string) => ` ${code.slice(0, 4)}-${code.slice(4)} `,
      (code: string) => code.replaceAll("0", "o").replaceAll("1", "L"),
    ]) {
      const answer = await register(spell((await start()).registration_code));
      assert.equal(answer.status, 201, answer.text);
    }
  });

  it("is refused in a project that is no sandbox, whatever the code, and the code stays good", async () => {
    const { registration_code, claim_token } = await start();
    const project = { ...tenant.project, id: randomUUID(), sandbox: false };
    await deps.commit([deps.projects.create(project)]);
    for (const code of [registration_code, "00000000"]) {
      assertProblem(await register(code, { project }), 403, "project_not_sandbox");
    }
    assert.deepEqual((await claim(claim_token)).body, { status: "pending" });
    assert.equal((await register(registration_code)).status, 201);
  });

  it("is nowhere for whoever does not hold its code, to the byte, and told of to who used it", async () => {
    const other = await newTenant(deps);
    const sister = { ...tenant.project, id: randomUUID() };
    await deps.commit([deps.projects.create(sister)]);
    const { registration_code } = await registered();
    const foreign = [registration_code, "00000000", "U".repeat(8), "🖐", "x".repeat(200)];
    const answers: Answer[] = [];
    for (const code of foreign) {
      const answer = await register(code, { token: other.key, project: other.project });
      assertProblem(answer, 404, "not_found");
      answers.push(answer);
    }
    // What is left of the caller's own budget, and the time, say nothing of the code.
    const told = ({ headers }: Answer) => [...headers].filter(([name]) => !/^(date|ratelimit)$/.test(name));
    const seen = answers.map((answer) => JSON.stringify([answer.text, told(answer)]));
    assert.equal(new Set(seen).size, 1);
    assertProblem(await register(registration_code), 410, "expired");
    assertProblem(await register(registration_code, { project: sister }), 410, "expired");
    assert.deepEqual(await devicesOf(other), []);
    assert.equal((await devicesOf(tenant)).length, 1);
  });

  it("comes too late: 410 for the terminal, and for whoever enters its code", async () => {
    const { registration_code, claim_token } = await start();
    await change(claim_token, { expires_at: LONG_AGO });
    assertProblem(await claim(claim_token), 410, "expired");
    assertProblem(await register(registration_code), 410, "expired");
    assert.deepEqual(await devicesOf(tenant), []);
  });

  it("does not fetch a key in time, and its device goes on without it", async () => {
    const { claim_token, device, device_key } = await registered();
    const stored = await deps.devices.get(device.id);
    assert.ok(stored?.value.unclaimed_key);
    const unclaimed_key = { ...stored.value.unclaimed_key, until: LONG_AGO };
    await deps.commit([deps.devices.replace(stored, { ...stored.value, unclaimed_key })]);
    assertProblem(await claim(claim_token), 410, "expired");
    assertProblem(await use(device_key), 403, "forbidden");
  });

  it("is repeated by its Idempotency-Key, and is another request without", async () => {
    const { registration_code, claim_token } = await start();
    const path = `/v1/project/${tenant.project.id}/devices/register`;
    const body = { registration_code, name: "Front door" };
    const headers = { "Idempotency-Key": randomUUID() };
    const first = await api("POST", path, { token: tenant.key, body, headers });
    const second = await api("POST", path, { token: tenant.key, body, headers });
    assert.deepEqual([first.status, second.status, second.text], [201, 201, first.text]);
    assert.equal(second.headers.get("idempotency-replayed"), "true");
    assertProblem(await api("POST", path, { token: tenant.key, body }), 410, "expired");
    assert.equal((await claim(claim_token)).body.device_id, first.body.id);
  });

  for (const [where, what, body] of [
    ["app_version", "an empty version", { app_version: "" }],
    ["app_version", "a version that is too long", { app_version: "1".repeat(101) }],
    ["model", "a number for a model", { model: 2 }],
    ["model", "a model with a line break", { model: "PT\n2" }],
    ["name", "a field that is none", { name: "Front door" }],
    ["", "an array", []],
  ] as const) {
    it(`does not begin with ${what}`, async () => {
      const answer = await api("POST", "/v1/terminal/registrations", { body });
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        answer.body.errors.map(({ path }: { path: string }) => path),
        [where],
      );
    });
  }

  for (const [where, what, body] of [
    ["registration_code", "no code", { name: "Front door" }],
    ["registration_code", "an empty code", { registration_code: "", name: "Front door" }],
    ["registration_code", "a number for a code", { registration_code: 12345678, name: "Front door" }],
    ["registration_code", "a code of 201 characters", { registration_code: "0".repeat(201), name: "x" }],
    ["name", "no name", { registration_code: "00000000" }],
    ["name", "an empty name", { registration_code: "00000000", name: "" }],
    ["name", "a name that is too long", { registration_code: "00000000", name: "ü".repeat(201) }],
    ["mode", "a field that is none", { registration_code: "00000000", name: "x", mode: "demo" }],
  ] as const) {
    it(`does not end with ${what}`, async () => {
      const path = `/v1/project/${tenant.project.id}/devices/register`;
      const answer = await api("POST", path, { token: tenant.key, body });
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        answer.body.errors.map(({ path }: { path: string }) => path),
        [where],
      );
    });
  }

  it("claims nothing with a body, a query or somebody else's token", async () => {
    const { claim_token: token } = await start();
    const path = "/v1/terminal/registrations/claim";
    assertProblem(await api("POST", path, { token, body: { wait: 5 } }), 400, "invalid_request");
    assertProblem(await api("POST", `${path}?wait=5`, { token }), 400, "invalid_request");
    assertProblem(await api("POST", path, { token: tenant.key }), 403, "forbidden");
    assertProblem(await api("POST", path), 401, "unauthenticated");
    assert.deepEqual((await api("POST", path, { token, body: {} })).body, { status: "pending" });
  });

  describe("POST /v1/device/{device_id}/rotate-key", () => {
    const rotate = (id: string, token = tenant.key) => api("POST", `/v1/device/${id}/rotate-key`, { token });

    it("answers a new key; the old one is refused at once", async () => {
      const { device, device_key } = await registered();
      assertProblem(await use(device_key), 403, "forbidden");
      let old = device_key;
      for (const token of [tenant.key, tenant.user.token]) {
        const answer = await rotate(device.id, token);
        const { device_key: next } = answer.body;
        assert.deepEqual([answer.status, answer.body], [200, { device_key: next }]);
        assert.equal(parseKey("pd", next)?.id, device.id);
        assertProblem(await use(old), 401, "unauthenticated");
        assertProblem(await use(next), 403, "forbidden");
        old = next;
      }
      assert.deepEqual((await api("GET", `/v1/device/${device.id}`, { token: tenant.key })).body, device);
    });

    it("takes the key away that the terminal has not fetched", async () => {
      const { device, device_key, claim_token } = await registered();
      assert.equal((await rotate(device.id)).status, 200);
      assertProblem(await claim(claim_token), 410, "expired");
      assertProblem(await use(device_key), 401, "unauthenticated");
    });

    it("is repeated by its Idempotency-Key: the same key, shown again", async () => {
      const { device } = await registered();
      const call = { token: tenant.key, headers: { "Idempotency-Key": randomUUID() } };
      const path = `/v1/device/${device.id}/rotate-key`;
      const first = await api("POST", path, call);
      const second = await api("POST", path, call);
      assert.deepEqual([second.status, second.text], [200, first.text]);
      assertProblem(await use(first.body.device_key), 403, "forbidden");
    });
  });

  describe("DELETE /v1/device/{device_id}", () => {
    it("answers 204; its key and its claim are refused at once, and its scans stay", async () => {
      const { device, device_key, claim_token } = await registered();
      const scan = newScan({ project_id: tenant.project.id, device_id: device.id });
      await deps.commit([deps.scans.create(scan)]);
      const path = `/v1/device/${device.id}`;
      const token = tenant.user.token;
      const deleted = await api("DELETE", path, { token });
      assert.deepEqual([deleted.status, deleted.text], [204, ""]);
      assertProblem(await use(device_key), 401, "unauthenticated");
      assertProblem(await claim(claim_token), 410, "expired");
      for (const method of ["GET", "DELETE"]) {
        assertProblem(await api(method, path, { token }), 404, "not_found");
      }
      assert.deepEqual(await devicesOf(tenant), []);
      const scans = await api("GET", `/v1/project/${tenant.project.id}/scans`, { token });
      assert.deepEqual(
        scans.body.items.map(({ id, device_id }: Record<string, string>) => [id, device_id]),
        [[scan.id, device.id]],
      );
    });

    it("is nowhere for another organization, and deletes nothing there", async () => {
      const device = newDevice({ project_id: tenant.project.id });
      await deps.commit([deps.devices.create(device)]);
      const other = await newTenant(deps);
      for (const token of [other.key, other.user.token]) {
        assertProblem(await api("DELETE", `/v1/device/${device.id}`, { token }), 404, "not_found");
        assertProblem(await api("POST", `/v1/device/${device.id}/rotate-key`, { token }), 404, "not_found");
      }
      assert.deepEqual((await deps.devices.get(device.id))?.value, device);
    });
  });
});
