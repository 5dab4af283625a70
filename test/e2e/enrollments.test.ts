import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { SOONER_MS } from "../support/limits.ts";
import { newDeviceWithKey } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("Enrolments", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let member_id: string;
  let device: Device;
  let deviceKey: string;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
    member_id = (await createMember(deps, { project_id: tenant.project.id, fields: NOBODY })).id;
    ({ device, key: deviceKey } = await newTerminal(tenant));
  });

  async function newTerminal({ project }: Pick<Tenant, "project">, fields: Partial<Device> = {}) {
    const made = newDeviceWithKey({
      ...{ project_id: project.id, app_version: "1.4.0", last_seen_at: new Date() },
      ...fields,
    });
    await deps.commit([deps.devices.create(made.device)]);
    return made;
  }

  const path = (id = device.id) => `/v1/device/${id}/enrollment`;
  const start = (body: object = { member_id }, more: { token?: string; id?: string } = {}) =>
    api("POST", path(more.id), { token: more.token ?? tenant.key, body });
  const get = (query = "") => api("GET", `${path()}${query}`, { token: tenant.user.token });
  const poll = (body: object) => api("POST", `${path()}/poll`, { token: tenant.key, body });
  const cancel = (session_id: string, token = tenant.key) =>
    api("DELETE", `${path()}?session_id=${session_id}`, { token });
  const command = (body: object = {}, token = deviceKey) => api("POST", "/v1/terminal/poll", { token, body });
  const settings = async () => (await api("GET", `/v1/device/${device.id}`, { token: tenant.key })).body;
  const elapsed = async (promise: Promise<Answer>) => {
    const started = Date.now();
    const answer = await promise;
    return { answer, ms: Date.now() - started };
  };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const assertPath = (answer: Answer, wanted: string) => {
    assertProblem(answer, 400, "invalid_request");
    assert.deepEqual(
      answer.body.errors.map((error: { path: string }) => error.path),
      [wanted],
    );
  };

  it("are started, told, polled and cancelled, by admin and key", async () => {
    assert.deepEqual([(await get()).status, (await get()).text], [200, "null"]);
    for (const token of [tenant.user.token, tenant.key]) {
      const started = await start(
        { member_id, hand: "left", samples_required: 2, expires_in: 60 },
        { token },
      );
      const { session_id, created_at } = started.body;
      const session = {
        session_id,
        device_id: device.id,
        project_id: tenant.project.id,
        member_id,
        hand: "left",
        status: "pending",
        samples_required: 2,
        samples_accepted: 0,
        last_rejection: null,
        version: 1,
        created_at,
        updated_at: created_at,
        expires_at: new Date(Date.parse(created_at) + 60_000).toISOString(),
        completed_at: null,
      };
      assert.deepEqual([started.status, started.body], [201, session]);
      assert.deepEqual((await get()).body, session);
      assert.deepEqual((await get(`?session_id=${session_id}`)).body, session);
      assert.equal((await get(`?session_id=${randomUUID()}`)).body, null);
      assert.deepEqual((await poll({ session_id })).body, session);
      assert.deepEqual((await poll({ session_id, version: 1 })).body, session);

      assertProblem(await start(), 409, "session_active");
      assertProblem(await cancel(randomUUID(), token), 404, "not_found");
      const cancelled = await cancel(session_id, token);
      assert.deepEqual([cancelled.status, cancelled.text], [204, ""]);
      assert.equal((await get()).body, null);
      const ended = (await poll({ session_id, version: 1 })).body;
      const { updated_at } = ended;
      assert.deepEqual(ended, { ...session, status: "cancelled", version: 2, updated_at });
      assert.equal((await cancel(session_id, token)).status, 204);
      assert.deepEqual((await poll({ session_id })).body, ended);
    }
  });

  it("take three samples of any hand in two minutes unless said otherwise", async () => {
    const { hand, samples_required, created_at, expires_at } = (await start()).body;
    const seconds = (Date.parse(expires_at) - Date.parse(created_at)) / 1000;
    assert.deepEqual(
      { hand, samples_required, seconds },
      { hand: "unknown", samples_required: 3, seconds: 120 },
    );
  });

  it("are refused where they are not in order", async () => {
    for (const [where, body] of [
      ["member_id", {}],
      ["member_id", { member_id: "x" }],
      ["member_id", { member_id: null }],
      ["hand", { member_id, hand: "both" }],
      ["samples_required", { member_id, samples_required: 0 }],
      ["samples_required", { member_id, samples_required: 6 }],
      ["samples_required", { member_id, samples_required: 1.5 }],
      ["expires_in", { member_id, expires_in: 29 }],
      ["expires_in", { member_id, expires_in: 601 }],
      ["wait", { member_id, wait: 1 }],
    ] as const) {
      assertPath(await start(body), where);
    }
    for (const [where, body] of [
      ["session_id", {}],
      ["version", { session_id: randomUUID(), version: 0 }],
      ["wait", { session_id: randomUUID(), wait: 26 }],
      ["wait", { session_id: randomUUID(), wait: -1 }],
      ["wait", { session_id: randomUUID(), wait: 0.5 }],
    ] as const) {
      assertPath(await poll(body), where);
    }
    assertPath(await api("DELETE", path(), { token: tenant.key }), "session_id");
    assertPath(await cancel("x"), "session_id");
    assertPath(await get("?session_id=x"), "session_id");
    assert.equal((await get()).body, null);
  });

  it("are nowhere for a member or a device that is missing or another customer's", async () => {
    const other = await newTenant(deps);
    const foreign = await createMember(deps, { project_id: other.project.id, fields: NOBODY });
    for (const id of [randomUUID(), foreign.id]) {
      assertProblem(await start({ member_id: id }), 404, "not_found");
    }
    assertProblem(await start({}, { id: randomUUID() }), 404, "not_found");
    assertProblem(await start({ member_id: foreign.id }, { token: other.key }), 404, "not_found");
    assert.equal((await get()).body, null);
  });

  it("are refused at a device that is disabled, before anything is said of the body", async () => {
    const patched = await api("PATCH", `/v1/device/${device.id}`, {
      token: tenant.key,
      body: { enabled: false },
    });
    assert.equal(patched.status, 200);
    assertProblem(await start({}), 403, "device_disabled");
    assert.equal((await get()).body, null);
  });

  it("are refused where the project has no environment; its terminal is told that there is no format", async () => {
    const bare = await newTenant(deps, { project: { environment_id: null } });
    const { device, key } = await newTerminal(bare);
    assertProblem(await start({}, { id: device.id, token: bare.key }), 403, "environment_not_tenant_managed");
    const { session, template_format } = (await command({}, key)).body;
    assert.deepEqual({ session, template_format }, { session: null, template_format: null });
  });

  it("have no member in a global environment", async () => {
    const tenant = await newTenant(deps, { environment: { type: "global" } });
    const { device } = await newTerminal(tenant);
    const more = { id: device.id, token: tenant.key };
    assertPath(await start({ member_id: randomUUID() }, more), "member_id");
    const started = await start({}, more);
    assert.deepEqual([started.status, started.body.member_id], [201, null]);
    assertProblem(await start({}, more), 409, "session_active");
  });

  it("take effect once, however often they are sent with one Idempotency-Key", async () => {
    const headers = { "Idempotency-Key": randomUUID() };
    const send = () => api("POST", path(), { token: tenant.key, body: { member_id }, headers });
    const [first, second] = [await send(), await send()];
    assert.deepEqual([second.status, second.text], [first.status, first.text]);
    assert.equal(second.headers.get("Idempotency-Replayed"), "true");
  });

  describe("POST /v1/device/{device_id}/enrollment/poll", () => {
    it("waits for what is newer, and answers it before its time is over", async () => {
      const { session_id } = (await start()).body;
      const polling = elapsed(poll({ session_id, version: 1, wait: 20 }));
      await pause(1000);
      await cancel(session_id);
      const at = Date.now();
      const { answer } = await polling;
      assert.ok(Date.now() - at < SOONER_MS, `${Date.now() - at} ms`);
      assert.deepEqual([answer.body.status, answer.body.version], ["cancelled", 2]);
    });

    it("answers the same when its time is over", async () => {
      const started = (await start()).body;
      const { answer, ms } = await elapsed(poll({ session_id: started.session_id, version: 1, wait: 2 }));
      assert.deepEqual(answer.body, started);
      assert.ok(ms >= 2000 && ms < SOONER_MS, `${ms} ms`);
    });

    it("answers null at once for a session that was never here, and that another one has displaced", async () => {
      const { session_id } = (await start()).body;
      await cancel(session_id);
      await start();
      for (const id of [session_id, randomUUID()]) {
        const { answer, ms } = await elapsed(poll({ session_id: id, version: 1, wait: 20 }));
        assert.deepEqual([answer.status, answer.text], [200, "null"]);
        assert.ok(ms < SOONER_MS, `${ms} ms`);
      }
    });
  });

  describe("POST /v1/terminal/poll", () => {
    it("answers settings and format where there is no session", async () => {
      const { last_seen_at } = await settings();
      const answer = await command();
      const wanted = { session: null, device: await settings(), template_format: "palm-code.v1" };
      assert.deepEqual([answer.status, answer.body], [200, wanted]);
      // It was seen this minute.
      assert.equal(wanted.device.last_seen_at, last_seen_at);
    });

    it("answers at once what the terminal does not know, and then waits", async () => {
      const started = (await start()).body;
      const { session_id } = started;
      for (const known of [
        {},
        { session_id: randomUUID(), session_version: 1 },
        { session_id, session_version: 2 },
      ]) {
        const { answer, ms } = await elapsed(command({ wait: 20, ...known }));
        assert.deepEqual(answer.body.session, started);
        assert.ok(ms < SOONER_MS, `${ms} ms`);
      }
      const { answer, ms } = await elapsed(command({ wait: 2, session_id, session_version: 1 }));
      assert.deepEqual(answer.body.session, started);
      assert.ok(ms >= 2000, `${ms} ms`);
    });

    it("answers a session that starts, that is cancelled, and that its device is disabled, within a second each", async () => {
      let known = {};
      const soon = async (act: () => Promise<Answer>) => {
        const polling = command({ wait: 20, ...known });
        await pause(1000);
        const { body } = await act();
        const at = Date.now();
        const answer = await polling;
        assert.equal(answer.status, 200);
        assert.ok(Date.now() - at < 1000, `${Date.now() - at} ms`);
        return { body, command: answer.body };
      };
      const started = await soon(() => start());
      assert.deepEqual(started.command.session, started.body);
      const { session_id } = started.body;
      known = { session_id, session_version: 1 };
      assert.equal((await soon(() => cancel(session_id))).command.session, null);
      known = {};
      const patch = (body: object) => () =>
        api("PATCH", `/v1/device/${device.id}`, { token: tenant.key, body });
      for (const change of [{ name: "Back door" }, { mode: "demo" }, { enabled: false }]) {
        const { body, command } = await soon(patch(change));
        assert.deepEqual(command, { session: null, device: body, template_format: "palm-code.v1" });
      }
    });

    it("keeps last_seen_at and app_version", async () => {
      const last_seen_at = new Date(Date.now() - 61_000);
      const { key } = await newTerminal(tenant, { last_seen_at });
      const before = new Date().toISOString();
      const first = (await command({}, key)).body.device;
      assert.ok(first.last_seen_at >= before);
      assert.equal(first.app_version, "1.4.0");
      const second = (await command({}, key)).body.device;
      assert.deepEqual(second, first);
      const third = (await command({ app_version: "1.5.0" }, key)).body.device;
      assert.deepEqual(third, { ...first, app_version: "1.5.0", last_seen_at: third.last_seen_at });
      const read = await api("GET", `/v1/device/${third.id}`, { token: tenant.key });
      assert.deepEqual(read.body, third);
    });

    it("ends the session of a device that is disabled, and tells it so", async () => {
      const { session_id } = (await start()).body;
      await api("PATCH", `/v1/device/${device.id}`, { token: tenant.key, body: { enabled: false } });
      const { session, device: told } = (await command({ session_id, session_version: 1, wait: 20 })).body;
      assert.deepEqual([session, told.enabled], [null, false]);
      assert.equal((await poll({ session_id })).body.status, "cancelled");
    });

    it("is refused where it is not in order", async () => {
      const session_id = randomUUID();
      for (const [where, body] of [
        ["session_version", { session_id }],
        ["session_id", { session_version: 1 }],
        ["session_version", { session_id, session_version: 0 }],
        ["session_id", { session_id: "x", session_version: 1 }],
        ["wait", { wait: 26 }],
        ["wait", { wait: "1" }],
        ["app_version", { app_version: "" }],
        ["app_version", { app_version: "1\n2" }],
        ["version", { version: 1 }],
      ] as const) {
        assertPath(await command(body), where);
      }
    });
  });
});
