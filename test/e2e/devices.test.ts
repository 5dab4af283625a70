import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { newDevice, newSession } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("Devices", () => {
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

  const newDevices = async (...fields: Partial<Device>[]): Promise<Device[]> => {
    const devices = fields.map((own) =>
      newDevice({
        project_id: tenant.project.id,
        app_version: "1.4.0",
        last_seen_at: new Date("2026-11-24T10:00:00.123Z"),
        created_at: new Date("2026-11-20T08:00:00.000Z"),
        ...own,
      }),
    );
    await deps.commit(devices.map((device) => deps.devices.create(device)));
    return devices;
  };
  const toWire = ({ secret_hash: _, unclaimed_key: _k, session: _s, ...device }: Device) => ({
    ...device,
    last_seen_at: device.last_seen_at?.toISOString() ?? null,
    created_at: device.created_at.toISOString(),
  });
  const path = (device: Device | undefined) => `/v1/device/${device?.id}`;

  it("GET /v1/device/{device_id} answers the whole device, nothing of its key and its session, to admin and key", async () => {
    const id = randomUUID();
    const [device] = await newDevices({
      ...{ id, last_seen_at: null, app_version: null, mode: "demo" },
      session: newSession({ device_id: id, project_id: tenant.project.id }),
      unclaimed_key: { kid: "k1", sealed: Buffer.from("sealed"), until: new Date() },
    });
    assert.ok(device);
    for (const token of [tenant.user.token, tenant.key]) {
      const answer = await api("GET", path(device), { token });
      assert.deepEqual([answer.status, answer.body], [200, toWire(device)]);
    }
  });

  it("GET /v1/project/{project_id}/devices lists the project's alone, newest first, in pages", async () => {
    const list = async (query = "") =>
      (await api("GET", `/v1/project/${tenant.project.id}/devices${query}`, { token: tenant.key })).body;
    const empty = { items: [], page: 1, per_page: 50, total_count: 0, next_cursor: null };
    assert.deepEqual(await list(), empty);
    const at = (n: number) => new Date(Date.UTC(2026, 10, 20) - n);
    const made = await newDevices(
      ...Array.from({ length: 23 }, (_, n) => ({ name: `Gate ${n}`, created_at: at(Math.floor(n / 3)) })),
    );
    await newDevices({ project_id: randomUUID() });
    const wanted = made
      .toSorted((a, b) => Number(b.created_at) - Number(a.created_at) || (a.id < b.id ? -1 : 1))
      .map(toWire);
    assert.deepEqual(await list(), { ...empty, items: wanted, total_count: 23 });
    const first = await list("?per_page=10");
    assert.deepEqual(first.items, wanted.slice(0, 10));
    const second = await list(`?per_page=10&cursor=${first.next_cursor}`);
    assert.deepEqual(second, {
      items: wanted.slice(10, 20),
      page: null,
      per_page: 10,
      total_count: null,
      next_cursor: second.next_cursor,
    });
    assert.deepEqual((await list("?page=3&per_page=10")).items, wanted.slice(20));
    for (const query of ["?per_page=101", "?per_page=9", "?from=2026-01-01T00:00:00Z"]) {
      const answer = await api("GET", `/v1/project/${tenant.project.id}/devices${query}`, {
        token: tenant.user.token,
      });
      assertProblem(answer, 400, "invalid_request");
    }
  });

  describe("PATCH /v1/device/{device_id}", () => {
    it("changes what is named, and answers the whole device", async () => {
      const [device] = await newDevices({});
      assert.ok(device);
      let wanted = toWire(device);
      for (const [token, body] of [
        [tenant.key, { name: "Back door 🚪" }],
        [tenant.user.token, { enabled: false }],
        [tenant.key, { mode: "demo" }],
        [tenant.key, { name: "Side door", enabled: true, mode: "standard" }],
        [tenant.key, { enabled: true }],
      ] as const) {
        wanted = { ...wanted, ...body };
        const answer = await api("PATCH", path(device), { token, body });
        assert.deepEqual([answer.status, answer.body], [200, wanted]);
        assert.deepEqual((await api("GET", path(device), { token })).body, wanted);
      }
      assert.equal((await deps.devices.get(device.id))?.value.secret_hash, device.secret_hash);
    });

    it("loses none of four changes at once, nor what the device reports meanwhile", async () => {
      const [device] = await newDevices({ last_seen_at: null });
      assert.ok(device);
      const stored = await deps.devices.get(device.id);
      assert.ok(stored);
      const seen = { ...device, last_seen_at: new Date("2026-11-24T11:00:00.000Z") };
      const [, ...answers] = await Promise.all([
        deps.commit([deps.devices.replace(stored, seen)]),
        ...[{ name: "A" }, { enabled: false }, { mode: "demo" }].map((body) =>
          api("PATCH", path(device), { token: tenant.key, body }),
        ),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
      const { name, enabled, mode } = (await api("GET", path(device), { token: tenant.key })).body;
      assert.deepEqual({ name, enabled, mode }, { name: "A", enabled: false, mode: "demo" });
    });

    for (const [where, what, body] of [
      ["", "nothing to change", {}],
      ["name", "an empty name", { name: "" }],
      ["name", "a name that is too long", { name: "ü".repeat(201) }],
      ["name", "a name with a line break", { name: "a\nb" }],
      ["name", "no name", { name: null }],
      ["enabled", "text for enabled", { enabled: "false" }],
      ["enabled", "null for enabled", { enabled: null }],
      ["mode", "a third mode", { mode: "kiosk" }],
      ["project_id", "another project", { project_id: randomUUID() }],
      ["last_seen_at", "what the device reports", { last_seen_at: null }],
      ["", "an array", []],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const [device] = await newDevices({});
        assert.ok(device);
        const answer = await api("PATCH", path(device), { token: tenant.key, body });
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(
          answer.body.errors.map((error: { path: string }) => error.path),
          [where],
        );
        assert.deepEqual((await api("GET", path(device), { token: tenant.key })).body, toWire(device));
      });
    }
  });

  it("are nowhere for a key of another project, and for an admin of one", async () => {
    const [device] = await newDevices({});
    const other = await newTenant(deps);
    const { key } = await newApiKey(deps, {
      organization_id: tenant.organization.id,
      project_ids: [randomUUID()],
    });
    for (const token of [other.key, other.user.token, key]) {
      for (const [method, call] of [
        ["GET", {}],
        ["PATCH", { body: { enabled: false } }],
      ] as const) {
        assertProblem(await api(method, path(device), { token, ...call }), 404, "not_found");
      }
    }
    assert.equal((await api("GET", path(device), { token: tenant.key })).body.enabled, true);
  });

  it("are nowhere when their project is gone", async () => {
    const [device] = await newDevices({ project_id: randomUUID() });
    for (const token of [tenant.key, tenant.user.token]) {
      assertProblem(await api("GET", path(device), { token }), 404, "not_found");
    }
  });
});
