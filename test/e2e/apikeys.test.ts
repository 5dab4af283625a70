import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newDeviceWithKey, newWebhook } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** A key as a list shows it, as far as it is looked at. */
interface Row {
  id: string;
  name: string;
  created_at: string;
  revoked_at: string | null;
}

/** Holds a key that was just made against what was asked for; what is new of it must be there. */
function assertNewKey(
  made: Record<string, unknown>,
  { organization, user }: Tenant,
  asked: {
    name: string;
    project_ids: string[] | null;
    permissions?: string[] | null;
    expires_at?: string | null;
  },
): void {
  const { id, prefix, key, created_at } = made;
  assert.deepEqual(made, {
    id,
    prefix,
    organization_id: organization.id,
    name: asked.name,
    created_by_user_id: user.uid,
    project_ids: asked.project_ids,
    permissions: asked.permissions ?? null,
    created_at,
    expires_at: asked.expires_at ?? null,
    last_used_at: null,
    revoked_at: null,
    key,
  });
}

describe("API keys of an organization", () => {
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
    path = `/v1/organization/${tenant.organization.id}/api-keys`;
  });

  describe("POST /v1/organization/{org_id}/api-keys", () => {
    it("makes a key of the whole organization, shown once, that opens its projects", async () => {
      const made = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "Turnstiles", project_ids: null },
      });
      assert.equal(made.status, 201);
      const { prefix, key, created_at } = made.body;
      assertNewKey(made.body, tenant, { name: "Turnstiles", project_ids: null });
      assert.match(key, /^pg_[0-9A-Za-z]{22}\.[0-9A-Za-z]{49}$/);
      assert.equal(key.split(".")[0], prefix);
      assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const projects = await api("GET", "/v1/projects", { token: key });
      assert.deepEqual(
        projects.body.map((project: { id: string }) => project.id),
        [tenant.project.id],
      );
    });

    it("makes a key scoped to some projects", async () => {
      const other = { ...tenant.project, id: randomUUID(), name: "Back door" };
      await deps.commit([deps.projects.create(other)]);
      const made = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "Back", project_ids: [other.id] },
      });
      assert.equal(made.status, 201);
      assert.equal((await api("GET", `/v1/projects/${other.id}`, { token: made.body.key })).status, 200);
      assertProblem(
        await api("GET", `/v1/projects/${tenant.project.id}`, { token: made.body.key }),
        404,
        "not_found",
      );
    });

    it("names each project that is not the organization's", async () => {
      const foreign = await newTenant(deps);
      const answer = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "x", project_ids: [tenant.project.id, foreign.project.id, randomUUID()] },
      });
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        answer.body.errors.map((error: { path: string }) => error.path),
        ["project_ids.1", "project_ids.2"],
      );
    });

    for (const [what, body, paths] of [
      ["no fields", {}, ["name", "project_ids"]],
      ["an empty name", { name: "", project_ids: null }, ["name"]],
      ["no projects", { name: "x", project_ids: [] }, ["project_ids"]],
      ["an id in upper case", { name: "x", project_ids: [randomUUID().toUpperCase()] }, ["project_ids.0"]],
      ["an unknown field", { name: "x", project_ids: null, admin: true }, ["admin"]],
    ] as const) {
      it(`refuses ${what} and says where`, async () => {
        const answer = await api("POST", path, { token: tenant.user.token, body });
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(
          answer.body.errors.map((error: { path: string }) => error.path),
          paths,
        );
      });
    }

    it("refuses a project that stands in the list twice", async () => {
      const { id } = tenant.project;
      const answer = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "x", project_ids: [id, id] },
      });
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(answer.body.errors, [{ path: "project_ids.1", message: "is in the list already" }]);
    });
  });

  describe("GET /v1/organization/{org_id}/api-keys", () => {
    it("lists keys newest first, revoked ones included, without their secrets", async () => {
      const call = { token: tenant.user.token };
      const first = await api("POST", path, { ...call, body: { name: "first", project_ids: null } });
      const second = await api("POST", path, { ...call, body: { name: "second", project_ids: null } });
      await api("DELETE", `${path}/${first.body.id}`, call);
      const { body } = await api("GET", path, call);
      const { key: _1, ...secondShown } = second.body;
      const { key: _2, ...firstShown } = first.body;
      assert.deepEqual(body.slice(0, 2), [secondShown, { ...firstShown, revoked_at: body[1].revoked_at }]);
      assert.ok(Date.parse(body[1].revoked_at) >= Date.parse(first.body.created_at));
      assert.equal(body.length, 3);
    });
  });

  describe("DELETE /v1/organization/{org_id}/api-keys/{key_id}", () => {
    it("refuses the very next request with the key, and answers 204 again", async () => {
      const call = { token: tenant.user.token };
      const { body } = await api("POST", path, { ...call, body: { name: "x", project_ids: null } });
      assert.equal((await api("GET", "/v1/projects", { token: body.key })).status, 200);
      const revoked = await api("DELETE", `${path}/${body.id}`, call);
      assert.deepEqual({ status: revoked.status, text: revoked.text }, { status: 204, text: "" });
      assertProblem(await api("GET", "/v1/projects", { token: body.key }), 401, "unauthenticated");
      assert.equal((await api("DELETE", `${path}/${body.id}`, call)).status, 204);
    });

    it("answers 404 for a key of another organization", async () => {
      const other = await newTenant(deps);
      const { body } = await api("POST", `/v1/organization/${other.organization.id}/api-keys`, {
        token: other.user.token,
        body: { name: "x", project_ids: null },
      });
      assertProblem(
        await api("DELETE", `${path}/${body.id}`, { token: tenant.user.token }),
        404,
        "not_found",
      );
      assert.equal((await api("GET", "/v1/projects", { token: body.key })).status, 200);
    });
  });

  describe("POST /v1/organization/{org_id}/api-keys/{key_id}/rotate", () => {
    const rotate = (key_id: string, body?: unknown) =>
      api("POST", `${path}/${key_id}/rotate`, {
        token: tenant.user.token,
        ...(body === undefined ? {} : { body }),
      });
    const revoke = (key_id: string) => api("DELETE", `${path}/${key_id}`, { token: tenant.user.token });
    const listed = async (where = path) =>
      (await api("GET", where, { token: tenant.user.token })).body as Row[];
    const opens = async (token: string) => (await api("GET", "/v1/projects", { token })).status === 200;
    const newOne = (project_ids: string[] | null = null) =>
      newApiKey(deps, { organization_id: tenant.organization.id, name: "Turnstiles", project_ids });
    const secondsAfter = ({ created_at }: Row, seconds: number) =>
      new Date(Date.parse(created_at) + seconds * 1000).toISOString();

    it("makes a key of the same name and projects, and the old one goes on for a day", async () => {
      const old = await newOne([tenant.project.id]);
      const { status, body } = await rotate(old.record.id);
      const { id, prefix, key } = body;
      assert.equal(status, 201);
      assertNewKey(body, tenant, { name: "Turnstiles", project_ids: [tenant.project.id] });
      assert.notEqual(id, old.record.id);
      assert.equal(key.split(".")[0], prefix);
      const { secret_hash: _, ...record } = old.record;
      const { key: __, ...made } = body;
      assert.deepEqual(
        (await listed()).filter(({ name }) => name === "Turnstiles"),
        [
          made,
          { ...record, created_at: record.created_at.toISOString(), revoked_at: secondsAfter(body, 86_400) },
        ],
      );
      assert.deepEqual([await opens(old.key), await opens(key)], [true, true]);
    });

    it("ends the old key when the grace is over, at once for a grace of 0", async () => {
      const [one, two] = [await newOne(), await newOne()];
      const now = await rotate(one.record.id, { grace_seconds: 0 });
      assert.deepEqual([await opens(one.key), await opens(now.body.key)], [false, true]);
      const soon = await rotate(two.record.id, { grace_seconds: 3 });
      assert.equal(await opens(two.key), true);
      await sleep(Date.parse(secondsAfter(soon.body, 3)) - Date.now());
      assert.deepEqual([await opens(two.key), await opens(soon.body.key)], [false, true]);
    });

    it("leaves the old key to be revoked within its grace", async () => {
      const old = await newOne();
      const made = await rotate(old.record.id);
      assert.equal((await revoke(old.record.id)).status, 204);
      const revoked_at = (await listed()).find(({ id }) => id === old.record.id)?.revoked_at ?? "";
      assert.ok(made.body.created_at <= revoked_at && Date.parse(revoked_at) <= Date.now(), revoked_at);
      assert.deepEqual([await opens(old.key), await opens(made.body.key)], [false, true]);
    });

    it("refuses a key that was rotated or revoked before, and makes none", async () => {
      const [rotated, revoked] = [await newOne(), await newOne()];
      await rotate(rotated.record.id);
      await revoke(revoked.record.id);
      const before = await listed();
      for (const { record } of [rotated, revoked]) {
        assertProblem(await rotate(record.id, { grace_seconds: 0 }), 409, "conflict");
      }
      assert.deepEqual(await listed(), before);
      assert.equal(await opens(rotated.key), true);
    });

    it("keeps the old key among those of its project until its grace is over", async () => {
      const old = await newOne([tenant.project.id]);
      const { body } = await rotate(old.record.id, { grace_seconds: 604_800 });
      const inProject = async () =>
        (await listed(`/v1/project/${tenant.project.id}/api-keys`))
          .filter(({ name }) => name === "Turnstiles")
          .map(({ id, revoked_at }) => ({ id, revoked_at }));
      const made = { id: body.id, revoked_at: null };
      assert.deepEqual(await inProject(), [
        made,
        { id: old.record.id, revoked_at: secondsAfter(body, 604_800) },
      ]);
      await revoke(old.record.id);
      assert.deepEqual(await inProject(), [made]);
    });

    it("takes a grace of 0 to 604800 whole seconds, and nothing else", async () => {
      const { record } = await newOne();
      for (const [body, where] of [
        [{ grace_seconds: -1 }, "grace_seconds"],
        [{ grace_seconds: 604_801 }, "grace_seconds"],
        [{ grace_seconds: 1.5 }, "grace_seconds"],
        [{ grace_seconds: "60" }, "grace_seconds"],
        [{ name: "x" }, "name"],
      ] as const) {
        const refused = await rotate(record.id, body);
        assertProblem(refused, 400, "invalid_request");
        assert.deepEqual(
          refused.body.errors.map((error: { path: string }) => error.path),
          [where],
        );
      }
      assert.equal((await listed()).find(({ id }) => id === record.id)?.revoked_at, null);
    });
  });

  it("notes when a key was last used, at most once a minute", async () => {
    const read = async () =>
      (await api("GET", path, { token: tenant.user.token })).body[0].last_used_at as string | null;
    assert.equal(await read(), null);
    await api("GET", "/v1/projects", { token: tenant.key });
    const used = await read();
    assert.ok(used !== null && Math.abs(Date.now() - Date.parse(used)) < 30_000);
    await api("GET", "/v1/projects", { token: tenant.key });
    assert.equal(await read(), used);
  });

  it("forgets an admin on the very next request after they were removed", async () => {
    const call = { token: tenant.user.token };
    assert.equal((await api("GET", path, call)).status, 200);
    const { db } = await import("../support/firestore.ts");
    await db().doc(`organizations/${tenant.organization.id}`).update({ admins: [] });
    assertProblem(await api("GET", path, call), 404, "not_found");
    assertProblem(await api("GET", `/v1/projects/${tenant.project.id}`, call), 404, "not_found");
    assert.deepEqual((await api("GET", "/v1/projects", call)).body, []);
  });

  describe("…/project/{project_id}/api-keys", () => {
    const inProject = (of = tenant) => `/v1/project/${of.project.id}/api-keys`;
    const list = async () =>
      (await api("GET", inProject(), { token: tenant.user.token })).body as { id: string; name: string }[];

    it("POST makes a key that opens this project alone", async () => {
      const made = await api("POST", inProject(), { token: tenant.user.token, body: { name: "Front" } });
      assert.equal(made.status, 201, made.text);
      const { key } = made.body;
      assertNewKey(made.body, tenant, { name: "Front", project_ids: [tenant.project.id] });
      const other = { ...tenant.project, id: randomUUID() };
      await deps.commit([deps.projects.create(other)]);
      assert.equal((await api("GET", `/v1/projects/${tenant.project.id}`, { token: key })).status, 200);
      assertProblem(await api("GET", `/v1/projects/${other.id}`, { token: key }), 404, "not_found");
      for (const [body, where] of [
        [{}, "name"],
        [{ name: "x", project_ids: null }, "project_ids"],
        [{ name: "x".repeat(201) }, "name"],
      ] as const) {
        const refused = await api("POST", inProject(), { token: tenant.user.token, body });
        assertProblem(refused, 400, "invalid_request");
        assert.equal(refused.body.errors[0].path, where);
      }
    });

    it("GET lists the keys that open the project now, newest first, without their secrets", async () => {
      const other = { ...tenant.project, id: randomUUID() };
      await deps.commit([deps.projects.create(other)]);
      const organization_id = tenant.organization.id;
      const at = (ms: number) => new Date(Date.now() + ms);
      const named = (name: string, project_ids: string[] | null, more = {}) =>
        newApiKey(deps, { organization_id, project_ids, name, ...more });
      await named("scoped", [tenant.project.id], { created_at: at(3000) });
      await named("both", [other.id, tenant.project.id], { created_at: at(2000) });
      await named("in its grace", null, { created_at: at(1000), revoked_at: at(60_000) });
      await named("elsewhere", [other.id]);
      await named("revoked", null, { revoked_at: at(-1) });
      await newApiKey(deps, {
        organization_id: randomUUID(),
        project_ids: [tenant.project.id],
        name: "foreign",
      });
      const keys = await list();
      assert.deepEqual(
        keys.map(({ name }) => name),
        ["scoped", "both", "in its grace", "test"],
      );
      assert.deepEqual(Object.keys(keys[0] ?? {}), [
        "id",
        "prefix",
        "organization_id",
        "name",
        "created_by_user_id",
        "project_ids",
        "permissions",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
      ]);
    });

    it("GET no longer lists a key once it is revoked", async () => {
      const made = await api("POST", inProject(), { token: tenant.user.token, body: { name: "Front" } });
      assert.ok((await list()).some(({ id }) => id === made.body.id));
      await api("DELETE", `${path}/${made.body.id}`, { token: tenant.user.token });
      assert.ok(!(await list()).some(({ id }) => id === made.body.id));
    });
  });

  describe("permissions and expiry", () => {
    const inProject = () => `/v1/project/${tenant.project.id}`;
    const soon = (ms = 60_000) => new Date(Date.now() + ms).toISOString();
    /** Both ways to make a key, and what they need beside the name. */
    const ways = () => [
      { where: path, more: { project_ids: null } },
      { where: `${inProject()}/api-keys`, more: {} },
    ];
    const make = async (where: string, body: object) => {
      const made = await api("POST", where, { token: tenant.user.token, body: { name: "Door", ...body } });
      assert.equal(made.status, 201, made.text);
      return made.body;
    };
    const listed = async (where = path) =>
      (await api("GET", where, { token: tenant.user.token })).body as (Row & Record<string, unknown>)[];

    it("are accepted by both operations that make a key, shown in both lists, and kept by a rotation", async () => {
      for (const { where, more } of ways()) {
        const permissions = ["members:read", "palms:identify"];
        const expires_at = soon();
        const made = await make(where, { ...more, permissions, expires_at });
        assertNewKey(made, tenant, {
          name: "Door",
          project_ids: where === path ? null : [tenant.project.id],
          ...{ permissions, expires_at },
        });
        const rotated = await api("POST", `${path}/${made.id}/rotate`, { token: tenant.user.token });
        assert.equal(rotated.status, 201, rotated.text);
        assert.deepEqual([rotated.body.permissions, rotated.body.expires_at], [permissions, expires_at]);
        for (const list of [path, `${inProject()}/api-keys`]) {
          for (const id of [made.id, rotated.body.id]) {
            const shown = (await listed(list)).find((key) => key.id === id);
            assert.deepEqual([shown?.["permissions"], shown?.["expires_at"]], [permissions, expires_at]);
          }
        }
        assert.equal((await api("GET", `${inProject()}/members`, { token: rotated.body.key })).status, 200);
        assertProblem(await api("GET", "/v1/projects", { token: rotated.body.key }), 403, "forbidden");
      }
    });

    it("are null where they are absent or null: everything, for ever", async () => {
      for (const { where, more } of ways()) {
        for (const body of [{}, { permissions: null, expires_at: null }]) {
          const made = await make(where, { ...more, ...body });
          assert.deepEqual([made.permissions, made.expires_at], [null, null]);
          assert.equal((await api("GET", "/v1/projects", { token: made.key })).status, 200);
        }
      }
    });

    it("are refused where they are none, and the answer says where", async () => {
      for (const { where, more } of ways()) {
        for (const [body, fault] of [
          [{ permissions: [] }, "permissions"],
          [{ permissions: "members:read" }, "permissions"],
          [{ permissions: ["members:admin"] }, "permissions.0"],
          [{ permissions: ["members:read", "palms:read", "members:read"] }, "permissions.2"],
          [{ permissions: ["members:read", null] }, "permissions.1"],
          [{ expires_at: "tomorrow" }, "expires_at"],
          [{ expires_at: "2030-01-01" }, "expires_at"],
          [{ expires_at: 4_102_444_800 }, "expires_at"],
          [{ expires_at: "9999-12-31T23:59:59.9999Z" }, "expires_at"],
          [{ expires_at: soon(-1) }, "expires_at"],
          [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
        ] as const) {
          const answer = await api("POST", where, {
            token: tenant.user.token,
            body: { name: "Door", ...more, ...body },
          });
          assertProblem(answer, 400, "invalid_request");
          assert.deepEqual(
            answer.body.errors.map((error: { path: string }) => error.path),
            [fault],
            answer.text,
          );
        }
      }
      const duplicate = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "x", project_ids: null, permissions: ["palms:read", "palms:read"] },
      });
      assert.deepEqual(duplicate.body.errors, [{ path: "permissions.1", message: "is a duplicate" }]);
      const past = await api("POST", path, {
        token: tenant.user.token,
        body: { name: "x", project_ids: null, expires_at: "2020-01-01T00:00:00Z" },
      });
      assert.deepEqual(past.body.errors, [{ path: "expires_at", message: "must be in the future" }]);
      assert.equal((await listed()).length, 1);
    });

    it("take any offset, and answer in UTC", async () => {
      const made = await make(path, { project_ids: null, expires_at: "2100-01-01T02:00:00.5+02:00" });
      assert.equal(made.expires_at, "2100-01-01T00:00:00.500Z");
    });

    it("end a key at its time: 401, no rotation, and not among the keys of its project", async () => {
      const made = await make(path, { project_ids: null, expires_at: soon(2500) });
      assert.equal((await api("GET", "/v1/projects", { token: made.key })).status, 200);
      assert.ok((await listed(`${inProject()}/api-keys`)).some(({ id }) => id === made.id));
      await sleep(Date.parse(made.expires_at) - Date.now() + 1);
      assertProblem(await api("GET", "/v1/projects", { token: made.key }), 401, "unauthenticated");
      const rotated = await api("POST", `${path}/${made.id}/rotate`, { token: tenant.user.token });
      assertProblem(rotated, 409, "conflict");
      assert.equal(rotated.body.detail, "The key has expired.");
      assert.ok(!(await listed(`${inProject()}/api-keys`)).some(({ id }) => id === made.id));
      const shown = (await listed()).find(({ id }) => id === made.id);
      assert.deepEqual([shown?.["expires_at"], shown?.revoked_at], [made.expires_at, null]);
      assert.equal((await api("DELETE", `${path}/${made.id}`, { token: tenant.user.token })).status, 204);
    });

    it("leave a key that leaks from an identifying app unable to take over anything else", async () => {
      const { device } = newDeviceWithKey({ project_id: tenant.project.id });
      const webhook = newWebhook(deps, { project_id: tenant.project.id });
      await deps.commit([deps.devices.create(device), deps.webhooks.create(webhook)]);
      const leaked = await make(path, { project_ids: null, permissions: ["palms:identify"] });
      const hooks = `${inProject()}/webhooks`;
      const attempts: [string, string, unknown][] = [
        ["POST", hooks, { url: "https://attacker.example/", event_types: ["enrollment.completed"] }],
        ["PATCH", `${hooks}/${webhook.id}`, { url: "https://attacker.example/" }],
        ["POST", `${hooks}/${webhook.id}/rotate-secret`, {}],
        ["PATCH", `/v1/device/${device.id}`, { mode: "demo" }],
        ["POST", `/v1/device/${device.id}/rotate-key`, {}],
        ["POST", `${inProject()}/enroll`, { member_id: randomUUID(), samples: [{ image: "AAAA" }] }],
        ["GET", `${inProject()}/members`, undefined],
        ["GET", `${inProject()}/events`, undefined],
      ];
      for (const [method, where, body] of attempts) {
        const answer = await api(method, where, {
          token: leaked.key,
          ...(body === undefined ? {} : { body }),
        });
        assertProblem(answer, 403, "forbidden");
      }
      assert.equal((await deps.devices.get(device.id))?.value.mode, "standard");
      assert.deepEqual((await deps.webhooks.get(tenant.project.id, webhook.id))?.value, webhook);
      const { body: still } = await api("GET", hooks, { token: tenant.user.token });
      assert.deepEqual(
        still.map(({ id }: Row) => id),
        [webhook.id],
      );
      // What it is for still works: an empty body is 400, so the key was good.
      assertProblem(
        await api("POST", `${inProject()}/identify`, { token: leaked.key, body: {} }),
        400,
        "invalid_request",
      );
    });

    it("are in the records: the audit log and scans name the key that asked, a refusal leaves nothing", async () => {
      const [one, other] = [
        await make(path, { project_ids: null, permissions: ["members:write", "palms:enroll"] }),
        await make(path, { project_ids: null, permissions: ["palms:identify", "palms:verify"] }),
      ];
      const image = (sample: number) =>
        Buffer.from(encodePng(steadyPalm({ seed: 77_001, sample }))).toString("base64");
      const ask = (token: string, what: string, body: unknown) =>
        api("POST", `${inProject()}/${what}`, { token, body });
      const { id: member_id } = (await ask(one.key, "members", {})).body;
      const palm = await ask(one.key, "enroll", { member_id, samples: [{ image: image(0) }] });
      assert.equal(palm.status, 201, palm.text);
      assertProblem(await ask(one.key, "identify", { image: image(1) }), 403, "forbidden");
      assertProblem(await ask(other.key, "members", {}), 403, "forbidden");
      assert.equal((await ask(other.key, "identify", { image: image(1) })).body.member_id, member_id);
      assert.equal(
        (await ask(other.key, `members/${member_id}/verify`, { image: image(2) })).body.outcome,
        "match",
      );
      const { body: scans } = await api("GET", `${inProject()}/scans`, { token: tenant.user.token });
      assert.deepEqual(
        scans.items.map((scan: Record<string, unknown>) => [scan["operation"], scan["api_key_id"]]).sort(),
        [
          ["enroll", one.id],
          ["identify", other.id],
          ["verify", other.id],
        ],
      );
      const { body: audit } = await api("GET", `/v1/organization/${tenant.organization.id}/audit`, {
        token: tenant.user.token,
      });
      assert.deepEqual(
        audit.items
          .filter(({ actor }: { actor: { type: string } }) => actor.type === "api_key")
          .map(({ operation, actor }: { operation: string; actor: unknown }) => [operation, actor])
          .sort(),
        [
          ["createMember", { type: "api_key", id: one.id }],
          ["enrollPalm", { type: "api_key", id: one.id }],
        ],
      );
    });
  });
});
