import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { dueNow } from "../../functions/src/domain/garbage/garbage.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import type { Change } from "../../functions/src/domain/palm/changes.ts";
import { db } from "../support/firestore.ts";
import { newDevice, newScan } from "../support/rows.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("The adapters", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  describe("commit", () => {
    it("does all or nothing", async () => {
      const { organization, project } = tenant;
      const fresh = { ...project, id: randomUUID() };
      const outcome = await deps.commit([
        deps.projects.create(fresh),
        deps.organizations.create(organization),
      ]);
      assert.equal(outcome, "conflict");
      assert.equal(await deps.projects.get(fresh.id), undefined);
    });

    it("lets a change take effect only on what was read", async () => {
      const { id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
      const read = await deps.members.get(tenant.project.id, id);
      assert.ok(read);
      const rename = (name: string) => deps.commit([deps.members.replace(read, { ...read.value, name })]);
      assert.equal(await rename("first"), "committed");
      assert.equal(await rename("second"), "conflict");
      assert.equal((await deps.members.get(tenant.project.id, id))?.value.name, "first");
    });

    it("lets exactly one of fifty concurrent changes of one version win", async () => {
      const { id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
      const read = await deps.members.get(tenant.project.id, id);
      assert.ok(read);
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          deps.commit([deps.members.replace(read, { ...read.value, name: `n${i}` })]),
        ),
      );
      assert.equal(outcomes.filter((outcome) => outcome === "committed").length, 1);
    });

    it("tells a conflict when what is to be changed is gone", async () => {
      const item = await deps.garbage.add(dueNow(randomUUID(), "x", new Date("2100-01-01")));
      await deps.commit([deps.garbage.forget(item.value.id)]);
      assert.equal(await deps.commit([deps.garbage.remove(item)]), "conflict");
      assert.equal(await deps.commit([deps.garbage.replace(item, item.value)]), "conflict");
      assert.equal(await deps.commit([deps.garbage.forget(item.value.id)]), "committed");
    });
  });

  it("give back what they were given, times to the millisecond", async () => {
    const { organization, environment, project } = tenant;
    assert.deepEqual((await deps.organizations.get(organization.id))?.value, organization);
    assert.deepEqual((await deps.environments.get(environment.id))?.value, environment);
    assert.deepEqual((await deps.projects.get(project.id))?.value, project);
    const fields = { ...NOBODY, name: "Ada", metadata: { "a.b": "1", __x__: "2" } };
    const member = await createMember(deps, { project_id: project.id, fields });
    assert.deepEqual((await deps.members.get(project.id, member.id))?.value, member);
  });

  it("read a device of before its model was stored", async () => {
    const device = newDevice({ project_id: tenant.project.id, model: "PT-2" });
    await deps.commit([deps.devices.create(device)]);
    const document = db().collection("devices").doc(device.id);
    const { model, ...old } = (await document.get()).data() ?? {};
    assert.equal(model, "PT-2");
    await document.set(old);
    assert.deepEqual((await deps.devices.get(device.id))?.value, { ...device, model: null });
  });

  it("read API keys and scans from before they had permissions, an expiry and the key that asked", async () => {
    const { organization, project } = tenant;
    const { record } = await newApiKey(deps, { organization_id: organization.id, project_ids: null });
    const scan = newScan({ project_id: project.id });
    await deps.commit([deps.scans.create(scan)]);
    const without = async (path: string, ...names: string[]) => {
      const data = (await db().doc(path).get()).data() ?? {};
      for (const name of names) {
        assert.ok(name in data, name);
        delete data[name];
      }
      await db().doc(path).set(data);
    };
    await without(`apikeys/${record.id}`, "permissions", "expires_at");
    await without(`projects/${project.id}/scans/${scan.id}`, "api_key_id");
    const key = await deps.apiKeys.get(record.id);
    assert.deepEqual(key?.value, { ...record, permissions: null, expires_at: null });
    const range = { from: new Date(0), to: new Date(Date.now() + 60_000) };
    const scans = await deps.scans.ofProject(project.id, range).slice({ limit: 10 });
    assert.deepEqual(scans, [{ ...scan, api_key_id: null }]);
    // A change of an old key gives it the new fields.
    assert.ok(key);
    const renamed = { ...key.value, name: "renamed" };
    assert.equal(await deps.commit([deps.apiKeys.replace(key, renamed)]), "committed");
    assert.deepEqual((await deps.apiKeys.get(record.id))?.value, renamed);
  });

  it("call a corrupt record an error of ours, and name it", async () => {
    await db().doc(`projects/${tenant.project.id}`).update({ sandbox: "yes" });
    await assert.rejects(deps.projects.get(tenant.project.id), (error: Error & { code?: string }) => {
      assert.equal(error.code, undefined);
      assert.match(error.message, new RegExp(`projects/${tenant.project.id} is corrupt: [^]*sandbox`));
      return true;
    });
  });

  describe("the change log", () => {
    const entry = (seq: number): Change => ({
      seq,
      op: "put",
      palm_id: randomUUID(),
      project_id: tenant.project.id,
      hand: "unknown",
      template: Buffer.from(`sealed ${seq}`),
      at: new Date(),
      mac: Buffer.from(`mac ${seq}`),
    });
    const append = (change: Change) => deps.commit([deps.changes.append(tenant.environment.id, change)]);

    it("is read after a number, in order, in pages", async () => {
      const entries = Array.from({ length: 12 }, (_, i) => entry(i + 1));
      await deps.commit(entries.map((change) => deps.changes.append(tenant.environment.id, change)));
      const { changes, manifest } = await deps.changes.readAfter(tenant.environment.id, 3, 5);
      assert.deepEqual(
        changes.map(({ template, mac, ...rest }) => ({
          ...rest,
          template: Buffer.from(template ?? []).toString(),
          mac: Buffer.from(mac ?? []).toString(),
        })),
        entries
          .slice(3, 8)
          .map((change) => ({ ...change, template: `sealed ${change.seq}`, mac: `mac ${change.seq}` })),
      );
      assert.equal(manifest?.wrapped_key?.kid, "demo-1");
      assert.deepEqual((await deps.changes.readAfter(tenant.environment.id, 12, 5)).changes, []);
    });

    it("gives each number to one of twenty who want it", async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => append(entry(1))));
      assert.equal(outcomes.filter((outcome) => outcome === "committed").length, 1);
    });

    it("keeps an entry's place when its template is taken out", async () => {
      await append(entry(1));
      await deps.commit([deps.changes.redact(tenant.environment.id, 1)]);
      const { changes } = await deps.changes.readAfter(tenant.environment.id, 0, 5);
      assert.deepEqual(
        changes.map(({ seq, template }) => ({ seq, template })),
        [{ seq: 1, template: null }],
      );
    });
  });
});
