import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { submitSample } from "../../functions/src/domain/enrollment/submitSample.ts";
import { createEnvironment } from "../../functions/src/domain/environment/createEnvironment.ts";
import { destroyKey } from "../../functions/src/domain/environment/destroyKey.ts";
import type { Environment } from "../../functions/src/domain/environment/environment.ts";
import { rotateKeys } from "../../functions/src/domain/environment/rotateKeys.ts";
import { sweepGarbage } from "../../functions/src/domain/garbage/sweepGarbage.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { deleteMember } from "../../functions/src/domain/member/deleteMember.ts";
import { createOrganization } from "../../functions/src/domain/organization/createOrganization.ts";
import { setAdmin } from "../../functions/src/domain/organization/setAdmin.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { erasePalmByPicture } from "../../functions/src/domain/palm/erasePalmByPicture.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Sealing } from "../../functions/src/domain/palm/sealing.ts";
import { verifyPalm } from "../../functions/src/domain/palm/verifyPalm.ts";
import { createUser } from "../../functions/src/domain/user/createUser.ts";
import { newRing, sealingOf } from "../support/memory.ts";
import { encodePng, sampleOf, steadyPalm } from "../support/palms.ts";
import { newDevice, newSession } from "../support/rows.ts";
import { objectsBelow } from "../support/stores.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("The operator's verbs, on Firestore and Auth", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  it("find a user by e-mail and by id, and nobody where there is none", async () => {
    const email = `${randomUUID()}@blue.example`;
    const { id } = await createUser(deps, { email });
    for (const who of [email, email.toUpperCase(), id]) {
      const { created_at, ...found } = (await deps.users.find(who)) ?? {};
      assert.deepEqual(found, { id, email, email_verified: true }, who);
      assert.ok(created_at instanceof Date && Math.abs(created_at.getTime() - Date.now()) < 60_000);
    }
    for (const nobody of [randomUUID(), `${randomUUID()}@blue.example`, "@", "x".repeat(200)]) {
      assert.equal(await deps.users.find(nobody), undefined, nobody);
    }
    await assert.rejects(createUser(deps, { email }), { code: "conflict" });
  });

  it("list what they made, and lose none of ten admins who are added at once", async () => {
    const made = await createOrganization(deps, { name: "Blue Gym", plan: "business", admins: [] });
    const users = await Promise.all(
      Array.from({ length: 10 }, () => createUser(deps, { email: `${randomUUID()}@blue.example` })),
    );
    await Promise.all(
      users.map(({ id }) => setAdmin(deps, { organization_id: made.id, user: id, admin: true })),
    );
    const found = (await deps.organizations.all()).find(({ id }) => id === made.id);
    assert.deepEqual(
      { ...found, admins: found?.admins.toSorted() },
      { ...made, admins: users.map(({ id }) => id).sort() },
    );
    for (const { id } of users) assert.deepEqual(await deps.organizations.ofAdmin(id), [found]);
    const environments = await deps.environments.all();
    assert.deepEqual(
      environments.find(({ id }) => id === tenant.environment.id),
      tenant.environment,
    );
  });

  it("change a manifest only as it was read", async () => {
    const { id } = tenant.environment;
    const was = await deps.changes.manifest(id);
    assert.ok(was);
    const replace = () => deps.commit([deps.changes.replaceManifest(was, { wrapped_key: null })]);
    assert.equal(await replace(), "committed");
    assert.equal(await replace(), "conflict");
    assert.deepEqual((await deps.changes.manifest(id))?.value, { wrapped_key: null });
    assert.equal(await deps.changes.manifest(randomUUID()), undefined);
  });

  const newMember = async () => createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
  const enroll = async (seed: number, ctx: Deps = deps) => {
    const { id: member_id } = await newMember();
    const { member_id: enrolled } = await enrollPalm(ctx, {
      ...tenant,
      member_id,
      samples: [sampleOf(seed)],
    });
    return enrolled;
  };
  const identify = async (seed: number, ctx: Deps = deps) =>
    (await identifyPalm(ctx, { ...tenant, sample: sampleOf(seed, 1) })).member_id;
  /** An instance of its own, with a keyring of its own. */
  const instance = (sealing: Sealing): Deps => ({
    ...deps,
    sealing,
    galleries: new Galleries({ ...deps, sealing }, 2 ** 30),
  });

  describe("rotate the keyring", () => {
    const fresh = newRing("next", "last");
    const { next = "", last = "" } = fresh;
    let demo: Record<string, string>;

    before(() => {
      demo = JSON.parse(process.env["TEMPLATE_KEYS"] ?? "");
    });

    /** A rotation of these environments alone: others' are not this test's. */
    const rotate = (ring: Record<string, string>, environments: Environment[] = [tenant.environment]) =>
      rotateKeys({
        ...deps,
        sealing: sealingOf(ring),
        environments: { ...deps.environments, all: async () => environments },
      });

    it("while palms are enrolled: none is lost, and every instance identifies them all", async () => {
      const [yesterday, today] = [instance(sealingOf(demo)), instance(sealingOf({ ...demo, next, last }))];
      await Promise.all([identify(300, yesterday), identify(300, today)]);
      const seeds = Array.from({ length: 12 }, (_, i) => 300 + i);
      let enrolling = true;
      const enrolled = Promise.all(seeds.map((seed, i) => enroll(seed, i % 2 ? today : yesterday))).finally(
        () => {
          enrolling = false;
        },
      );
      let rotations = 0;
      while (enrolling || rotations < 3) {
        const ring = rotations % 2 ? { ...demo, next, last } : { ...demo, last, next };
        const { rewrapped, failed } = await rotate(ring);
        assert.deepEqual({ rewrapped, failed }, { rewrapped: 1, failed: [] });
        rotations += 1;
      }
      const members = await enrolled;
      await rotate({ ...demo, next, last });
      // One that has followed all along, one that has the new keyring, and one that starts after the old keys have left.
      for (const ctx of [yesterday, today, instance(sealingOf({ last }))]) {
        assert.deepEqual(await Promise.all(seeds.map((seed) => identify(seed, ctx))), members);
      }
      await assert.rejects(identify(300, instance(sealingOf(demo))), /no key last/);
    });

    it("to the end, when it died between two environments", async () => {
      const environments = [
        tenant.environment,
        ...Array.from({ length: 3 }, () => ({ ...tenant.environment, id: randomUUID() })),
      ];
      for (const environment of environments.slice(1)) await createEnvironment(deps, environment);
      const kids = () =>
        Promise.all(
          environments.map(async ({ id }) => (await deps.changes.manifest(id))?.value.wrapped_key?.kid),
        );
      let commits = 0;
      const dying: Deps = {
        ...deps,
        sealing: sealingOf({ ...demo, next }),
        environments: { ...deps.environments, all: async () => environments },
        async commit(writes) {
          commits += 1;
          if (commits === 3) throw new Error("died");
          return deps.commit(writes);
        },
      };
      await assert.rejects(rotateKeys(dying), /died/);
      assert.deepEqual(await kids(), ["next", "next", "demo-1", "demo-1"]);
      const both = await Promise.all([
        rotate({ ...demo, next }, environments),
        rotate({ ...demo, next }, environments),
      ]);
      assert.deepEqual(
        both.map(({ rewrapped, current, failed, unused }) => ({ all: rewrapped + current, failed, unused })),
        Array.from({ length: 2 }, () => ({ all: 4, failed: [], unused: ["demo-1"] })),
      );
      assert.equal(
        both.reduce((total, { rewrapped }) => total + rewrapped, 0),
        2,
      );
      assert.deepEqual(await kids(), ["next", "next", "next", "next"]);
    });
  });

  it("destroy a key: whatever the instance, its palms are expired, and what is theirs can be deleted", async () => {
    const member_id = await enroll(330);
    const warm = instance(deps.sealing);
    assert.equal(await identify(330, warm), member_id);
    const result = await destroyKey(deps, { environment_id: tenant.environment.id, confirmed: true });
    assert.deepEqual(result, {
      environment_id: tenant.environment.id,
      organization: tenant.organization.name,
      palms: 1,
      outcome: "destroyed",
    });
    const member = await deps.members.get(tenant.project.id, member_id ?? "");
    assert.ok(member);
    for (const ctx of [deps, warm, instance(deps.sealing)]) {
      const expired = { code: "expired" };
      await assert.rejects(identify(330, ctx), expired);
      await assert.rejects(enroll(331, ctx), expired);
      await assert.rejects(
        verifyPalm(ctx, { ...tenant, member: member.value, sample: sampleOf(330, 1) }),
        expired,
      );
    }
    await deleteMember(deps, { environment: tenant.environment, member });
  });

  describe("erase a palm by its picture", () => {
    const picture = (seed: number) => encodePng(steadyPalm({ seed, sample: 2 }));
    const erase = (seed: number, more: { confirmed?: boolean; ctx?: Deps; environment_id?: string } = {}) =>
      erasePalmByPicture(more.ctx ?? deps, {
        environment_id: more.environment_id ?? tenant.environment.id,
        picture: { kind: "image", bytes: picture(seed) },
        confirmed: more.confirmed ?? true,
      });
    /** Enrols a palm of nobody. */
    const enrolAtTerminal = async (seed: number) => {
      const project_id = tenant.project.id;
      const device_id = randomUUID();
      const session = newSession({ device_id, project_id, member_id: null });
      await deps.commit([deps.devices.create(newDevice({ id: device_id, project_id, session }))]);
      const device = await deps.devices.get(device_id);
      assert.ok(device);
      const { status } = await submitSample(deps, {
        ...{ ...tenant, device, session },
        ...{ sample_id: randomUUID(), sample: sampleOf(seed) },
      });
      assert.equal(status, "completed");
    };
    const stored = async () => {
      const { changes } = await deps.changes.readAfter(tenant.environment.id, 0, 100);
      return {
        palms: await deps.palms.count(tenant.environment.id),
        log: changes.map(({ op, template }) => [op, template !== null]),
      };
    };

    beforeEach(async () => {
      tenant = await newTenant(deps, { environment: { type: "global" } });
    });

    it("when that is confirmed, and tells before which it is", async () => {
      await enrolAtTerminal(340);
      await enrolAtTerminal(341);
      const before = {
        palms: 2,
        log: [
          ["put", true],
          ["put", true],
        ],
      };
      const would = await erase(340, { confirmed: false });
      const { palm_id, created_at, score, threshold } = would;
      assert.deepEqual(would, {
        environment_id: tenant.environment.id,
        ...{ palm_id, created_at, score, threshold },
        outcome: "would_erase",
      });
      assert.ok(palm_id && created_at && (score ?? 0) >= threshold);
      assert.deepEqual(await stored(), before);

      assert.deepEqual(await erase(340), { ...would, outcome: "erased" });
      const after = {
        palms: 1,
        log: [
          ["put", false],
          ["put", true],
          ["remove", false],
        ],
      };
      assert.deepEqual(await stored(), after);
      const later = new Date(Date.now() + 1000);
      await sweepGarbage({ ...deps, now: () => later }, { until: new Date(later.getTime() + 60_000) });
      const left = await objectsBelow(`environments/${tenant.environment.id}/`);
      assert.deepEqual([left.length, left.some(({ path }) => path.includes(palm_id))], [1, false]);
      for (const confirmed of [false, true]) {
        const none = await erase(340, { confirmed });
        const nobody = { palm_id: null, created_at: null, score: null, threshold: none.threshold };
        assert.deepEqual(none, { environment_id: tenant.environment.id, ...nobody, outcome: "no_match" });
      }
      assert.deepEqual(await stored(), after);
    });

    it("and looks again where somebody else was first", async () => {
      await enrolAtTerminal(342);
      let first = true;
      const ctx: Deps = {
        ...deps,
        async commit(writes, effect) {
          if (first) {
            first = false;
            await enrolAtTerminal(343);
          }
          return deps.commit(writes, effect);
        },
      };
      assert.equal((await erase(342, { ctx })).outcome, "erased");
      assert.deepEqual(await stored(), {
        palms: 1,
        log: [
          ["put", false],
          ["put", true],
          ["remove", false],
        ],
      });
    });

    it("in a global environment alone", async () => {
      const own = await newTenant(deps);
      await assert.rejects(erase(344, { environment_id: own.environment.id }), { code: "conflict" });
      const environment_id = randomUUID();
      await assert.rejects(erase(344, { environment_id }), {
        code: "not_found",
        message: `There is no environment ${environment_id}.`,
      });
      await destroyKey(deps, { environment_id: tenant.environment.id, confirmed: true });
      await assert.rejects(erase(344), { code: "expired" });
    });
  });
});
