import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { createSealer, parseKeyring } from "../../functions/src/data/keyring.ts";
import { checkEnvironment } from "../../functions/src/domain/environment/checkEnvironment.ts";
import { destroyKey } from "../../functions/src/domain/environment/destroyKey.ts";
import { rotateKeys } from "../../functions/src/domain/environment/rotateKeys.ts";
import { sealEnvironment } from "../../functions/src/domain/environment/sealEnvironment.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { deleteMember } from "../../functions/src/domain/member/deleteMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Palm } from "../../functions/src/domain/palm/palm.ts";
import { verifyPalm } from "../../functions/src/domain/palm/verifyPalm.ts";
import { db } from "../support/firestore.ts";
import { newRing, sealingOf } from "../support/memory.ts";
import { sampleOf } from "../support/palms.ts";
import { testSurroundings } from "../support/surroundings.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

type Fields = Record<string, unknown>;
const DEMO = (): Record<string, string> => JSON.parse(process.env["TEMPLATE_KEYS"] ?? "");

describe("The link from a palm to its member", () => {
  let deps: Deps;
  let tenant: Tenant;
  let seed = 60_000;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  /** Another instance: it shares the stores, not the memory; and what it logs. */
  const instance = (sealing = deps.sealing): { ctx: Deps; logged: string[] } => {
    const { log, logged } = testSurroundings();
    const ports = { ...deps, sealing, log };
    return { ctx: { ...ports, galleries: new Galleries(ports, 2 ** 30) }, logged };
  };
  const newMember = async (of = tenant) =>
    (await createMember(deps, { project_id: of.project.id, fields: NOBODY })).id;
  // One picture of each palm: what is tried here is not how alike two are.
  const enroll = (member_id: string, palm: number, ctx = instance().ctx) =>
    enrollPalm(ctx, { ...tenant, member_id, samples: [sampleOf(palm)] });
  const identify = async (palm: number, ctx = instance().ctx, of = tenant) =>
    (await identifyPalm(ctx, { ...of, sample: sampleOf(palm) })).member_id;
  const environment = () => db().doc(`environments/${tenant.environment.id}`);
  const palmRef = (id: string) => environment().collection("palms").doc(id);
  const entryRef = (seq: number) => environment().collection("changes").doc(String(seq).padStart(12, "0"));
  type Ref = ReturnType<typeof palmRef>;
  /** Changes fields, as a console does; undefined ones are taken out. */
  const edit = async (ref: Ref, fields: Fields): Promise<void> => {
    const edited = Object.entries({ ...(await fieldsOf(ref)), ...fields });
    await ref.set(Object.fromEntries(edited.filter(([, value]) => value !== undefined)));
  };
  const fieldsOf = async (ref: Ref): Promise<Fields> =>
    (await ref.get()).data() ?? assert.fail("there is no document");

  /** Two members with a palm each. */
  async function twoPeople() {
    const people = await Promise.all(
      [1, 2].map(async () => ({ member_id: await newMember(), palm: ++seed })),
    );
    const palms: Palm[] = [];
    for (const { member_id, palm } of people) palms.push(await enroll(member_id, palm));
    const [victim, attacker] = people as [(typeof people)[0], (typeof people)[0]];
    const [hers, his] = palms as [Palm, Palm];
    return { victim, attacker, hers, his };
  }

  describe("in a palm's document", () => {
    const EDITS: Record<string, (at: Awaited<ReturnType<typeof twoPeople>>) => Promise<Fields> | Fields> = {
      "another member": ({ attacker }) => ({ member_id: attacker.member_id }),
      "another project": () => ({ project_id: randomUUID() }),
      "no member": () => ({ member_id: null }),
      "another hand": () => ({ hand: "left" }),
      "a later number": () => ({ seq: 3 }),
      "another object": ({ his }) => ({ object: his.object }),
      "another format": () => ({ template_format: "vector-512.v1" }),
      "another environment": () => ({ environment_id: randomUUID() }),
      "no MAC": () => ({ mac: undefined }),
      "a MAC that is null": () => ({ mac: null }),
      "another document's MAC": async ({ attacker, his }) => ({
        member_id: attacker.member_id,
        mac: (await fieldsOf(palmRef(his.id)))["mac"],
      }),
      "another palm's whole document": ({ his }) => fieldsOf(palmRef(his.id)),
      "something that is no palm": () => ({ samples: "three" }),
    };
    for (const [what, make] of Object.entries(EDITS)) {
      it(`cannot be edited to ${what}: the palm then identifies nobody, and the edit is reported`, async () => {
        const people = await twoPeople();
        const { victim, attacker, hers, his } = people;
        const warm = instance();
        assert.equal(await identify(victim.palm, warm.ctx), victim.member_id);
        // The other direction: his hand must not be hers either.
        await edit(palmRef(hers.id), await make(people));
        await db()
          .doc(`projects/${tenant.project.id}/members/${attacker.member_id}`)
          .update({ palm_ids: [his.id, hers.id] });
        for (const { ctx, logged } of [warm, instance()]) {
          assert.equal(await identify(victim.palm, ctx), null);
          const reported = logged.filter((line) => line.startsWith("error refusing a palm document"));
          assert.equal(reported.length, 1, logged.join("\n"));
          assert.match(reported[0] ?? "", new RegExp(tenant.environment.id));
          assert.match(reported[0] ?? "", new RegExp(hers.id));
          assert.ok(
            !reported.join().includes(victim.member_id) && !reported.join().includes(attacker.member_id),
          );
          const member = await deps.members.get(tenant.project.id, attacker.member_id);
          assert.ok(member);
          const sample = sampleOf(victim.palm);
          const verified = await verifyPalm(ctx, { ...tenant, member: member.value, sample });
          assert.equal(verified.outcome, "no_match");
          assert.equal(await identify(attacker.palm, ctx), attacker.member_id);
        }
      });
    }

    it("cannot be put back from before: an older document does not count", async () => {
      const member_id = await newMember();
      const palm = ++seed;
      const first = await enroll(member_id, palm);
      const older = await fieldsOf(palmRef(first.id));
      await enroll(member_id, palm);
      assert.equal(await identify(palm), member_id);
      await palmRef(first.id).set(older);
      const { ctx, logged } = instance();
      assert.equal(await identify(palm, ctx), null);
      assert.match(logged.join(), /"fault":"older"/);
    });

    it("counts where the palm is replaced between the search and the reading of its document", async () => {
      const member_id = await newMember();
      const palm = ++seed;
      await enroll(member_id, palm);
      const { ctx, logged } = instance();
      let replaced = false;
      const find: Deps["palms"]["find"] = async (...args) => {
        if (!replaced) {
          replaced = true;
          await enroll(member_id, palm);
        }
        return deps.palms.find(...args);
      };
      assert.equal(await identify(palm, { ...ctx, palms: { ...ctx.palms, find } }), member_id);
      assert.ok(replaced);
      assert.deepEqual(logged, []);
    });
  });

  describe("in an entry of the log", () => {
    const EDITS: Record<string, (at: Awaited<ReturnType<typeof twoPeople>>) => Promise<Fields> | Fields> = {
      "another project": () => ({ project_id: "sibling" }),
      "no project": () => ({ project_id: null }),
      "another hand": () => ({ hand: "left" }),
      "another palm": ({ his }) => ({ palm_id: his.id }),
      "another palm's template": async () => ({ template: (await fieldsOf(entryRef(2)))["template"] }),
      "a broken template": () => ({ template: randomBytes(540) }),
      "another entry": async () => fieldsOf(entryRef(2)),
      "another number": () => ({ seq: 7 }),
      "no number": () => ({ seq: undefined }),
      "no MAC": () => ({ mac: undefined }),
      "something that is no change": () => ({ op: "move" }),
    };
    for (const [what, make] of Object.entries(EDITS)) {
      it(`cannot be edited to ${what}: it is skipped, logged once and counted, and the others are found`, async () => {
        const people = await twoPeople();
        const { victim, attacker } = people;
        const sibling: Tenant = { ...tenant, project: { ...tenant.project, id: randomUUID() } };
        const fields = await make(people);
        const moved = fields["project_id"] === "sibling" && { project_id: sibling.project.id };
        await edit(entryRef(1), moved || fields);
        const { ctx, logged } = instance();
        for (let round = 0; round < 2; round++) {
          assert.equal(await identify(victim.palm, ctx), null);
          assert.equal(await identify(victim.palm, ctx, sibling), null);
          assert.equal(await identify(attacker.palm, ctx), attacker.member_id);
        }
        const live = ctx.galleries.open(tenant.environment);
        assert.deepEqual([live.seq, live.skipped.count, live.skipped.first[0]?.seq], [2, 1, 1]);
        const reported = logged.filter((line) => line.startsWith("error skipping a gallery log entry"));
        assert.deepEqual(reported, [
          `error skipping a gallery log entry ${JSON.stringify({
            environment_id: tenant.environment.id,
            seq: 1,
            fault: live.skipped.first[0]?.fault,
          })}`,
        ]);
        // The environment goes on: enrolling, erasing.
        const member_id = await newMember();
        const palm = ++seed;
        await enroll(member_id, palm, ctx);
        assert.equal(await identify(palm), member_id);
        const member = await deps.members.get(tenant.project.id, member_id);
        assert.ok(member);
        await deleteMember(deps, { environment: tenant.environment, member });
        assert.equal(await identify(palm), null);
        assert.equal(await identify(palm, ctx), null);
      });
    }

    it("is not mistaken for a document that is no entry", async () => {
      const { victim } = await twoPeople();
      for (const id of ["0000000000015", "00000000000x", "x", "1"]) {
        await environment().collection("changes").doc(id).set({ seq: 1, op: "put" });
      }
      const { ctx, logged } = instance();
      assert.equal(await identify(victim.palm, ctx), victim.member_id);
      assert.deepEqual(logged, []);
    });
  });

  describe("in an environment from before", () => {
    /** As it was stored before links were sealed. */
    async function age(of = tenant) {
      const sealer = createSealer(parseKeyring("TEMPLATE_KEYS", JSON.stringify(DEMO())));
      const wrapped_key = sealer.seal(randomBytes(32), `datakey:${of.environment.id}`);
      await db().doc(`environments/${of.environment.id}/gallery/current`).update({ wrapped_key });
    }
    async function dropMacs() {
      for (const kind of ["palms", "changes"]) {
        for (const { ref } of (await environment().collection(kind).get()).docs) {
          await edit(ref, { mac: undefined });
        }
      }
    }
    const seal = (ctx: Deps = deps, confirmed = false) =>
      sealEnvironment(ctx, { environment_id: tenant.environment.id, confirmed });
    const check = () => checkEnvironment(deps, { environment_id: tenant.environment.id });
    const macs = async () => {
      const read = await Promise.all(
        ["palms", "changes"].map((kind) => environment().collection(kind).get()),
      );
      return read.flatMap(({ docs }) => docs.map((doc) => doc.data())).filter(({ mac }) => mac).length;
    };

    /** Six members with palms as they were stored before. */
    async function oldRecords() {
      await age();
      const people: { member_id: string; palm: number }[] = [];
      for (let n = 0; n < 6; n++) {
        const person = { member_id: await newMember(), palm: ++seed };
        await enroll(person.member_id, person.palm);
        people.push(person);
      }
      await dropMacs();
      return people;
    }

    it("palms without a MAC are found until it is sealed, and edited ones with a MAC are not", async () => {
      const people = await oldRecords();
      for (const { member_id, palm } of people) assert.equal(await identify(palm), member_id);
      const [one, other] = people as [(typeof people)[0], (typeof people)[0]];
      // Replaced since, it is bound.
      const { id } = await enroll(one.member_id, one.palm);
      assert.equal(await identify(one.palm), one.member_id);
      await edit(palmRef(id), { member_id: other.member_id });
      assert.equal(await identify(one.palm), null);
    });

    it("is sealed by a run that dies in the middle and another one, while palms are enrolled", async () => {
      const people = await oldRecords();
      const warm = instance();
      assert.equal(await identify(people[0]?.palm ?? 0, warm.ctx), people[0]?.member_id);
      let commits = 0;
      const dying: Deps = {
        ...deps,
        async commit(...args) {
          commits += 1;
          if (commits === 4) throw new Error("died");
          return deps.commit(...args);
        },
      };
      await assert.rejects(seal(dying), /died/);
      const halfway = await macs();
      assert.ok(halfway > 0 && halfway < 12, `${halfway} of 12 documents are bound`);
      assert.equal((await check()).links_sealed, false);

      const enrolling = { ...instance().ctx };
      const newcomers: typeof people = [];
      let sealed = false;
      const work = (async () => {
        while (!sealed || newcomers.length < 3) {
          const person = { member_id: await newMember(), palm: ++seed };
          await enroll(person.member_id, person.palm, enrolling);
          newcomers.push(person);
          // One that is being migrated is replaced, too.
          const old = people[newcomers.length % people.length] as (typeof people)[0];
          await enroll(old.member_id, old.palm, enrolling);
        }
      })();
      const result = await seal();
      sealed = true;
      await work;
      assert.deepEqual([result.outcome, result.refused], ["sealed", []]);
      assert.ok(result.palms > 0);
      assert.deepEqual(await seal(), {
        environment_id: tenant.environment.id,
        ...{ changes: 0, palms: 0, refused: [], outcome: "sealed_before" },
      });

      const everybody = [...people, ...newcomers];
      for (const { ctx } of [warm, instance()]) {
        for (const { member_id, palm } of everybody) assert.equal(await identify(palm, ctx), member_id);
      }
      const checked = await check();
      assert.deepEqual(checked, {
        environment_id: tenant.environment.id,
        links_sealed: true,
        changes: checked.changes,
        palms: everybody.length,
        ...{ skipped: 0, skipped_changes: [], refused_palms: [], hidden_palms: [], orphans: 0 },
      });

      // What is not bound is refused now, by the instance that has followed all along, too.
      const [one] = everybody as [(typeof people)[0]];
      const member = await deps.members.get(tenant.project.id, one.member_id);
      const id = member?.value.palm_ids[0] ?? "";
      await edit(palmRef(id), { mac: undefined });
      for (const { ctx } of [warm, instance()]) assert.equal(await identify(one.palm, ctx), null);
      assert.deepEqual((await check()).refused_palms, [id]);
    });

    it("stays sealed for an instance that has seen it so, and for all once the old master key is gone", async () => {
      const [one, other] = (await oldRecords()) as [
        { member_id: string; palm: number },
        { member_id: string },
      ];
      const manifest = environment().collection("gallery").doc("current");
      const before = await fieldsOf(manifest);
      const warm = instance();
      await identify(one.palm, warm.ctx);
      assert.equal((await seal()).outcome, "sealed");
      await identify(one.palm, warm.ctx);
      // An editor who has kept a copy of everything from before.
      const member = await deps.members.get(tenant.project.id, one.member_id);
      const id = member?.value.palm_ids[0] ?? "";
      await manifest.set(before);
      await edit(palmRef(id), { member_id: other.member_id, mac: undefined });
      assert.equal(await identify(one.palm, warm.ctx), null);
      const { next = "" } = newRing("next");
      await assert.rejects(identify(one.palm, instance(sealingOf({ next })).ctx), /no key demo-1/);
    });

    it("stays sealed through a rotation of the keyring, and a destroyed key cannot be sealed", async () => {
      const [one] = (await oldRecords()) as [{ member_id: string; palm: number }];
      const { next = "" } = newRing("next");
      const ring = sealingOf({ ...DEMO(), next });
      const rotate = () =>
        rotateKeys({
          ...deps,
          sealing: ring,
          environments: { ...deps.environments, all: async () => [tenant.environment] },
        });
      await rotate();
      assert.equal(
        (await checkEnvironment({ ...deps, sealing: ring }, { environment_id: tenant.environment.id }))
          .links_sealed,
        false,
      );
      assert.equal((await seal({ ...deps, sealing: ring })).outcome, "sealed");
      const again = sealingOf({ next, ...newRing("last") });
      await rotateKeys({
        ...deps,
        sealing: again,
        environments: { ...deps.environments, all: async () => [tenant.environment] },
      });
      const checked = await checkEnvironment(
        { ...deps, sealing: again },
        { environment_id: tenant.environment.id },
      );
      assert.deepEqual([checked.links_sealed, checked.refused_palms], [true, []]);
      assert.equal(await identify(one.palm, instance(again).ctx), one.member_id);
      await destroyKey(deps, { environment_id: tenant.environment.id, confirmed: true });
      await assert.rejects(seal(), { code: "expired" });
      await assert.rejects(seal({ ...deps, sealing: again }), { code: "expired" });
    });

    it("is not sealed over palms that contradict the log or their member, unless that is confirmed", async () => {
      const people = await oldRecords();
      const [one, other, third, ...rest] = people as [
        (typeof people)[0],
        (typeof people)[0],
        (typeof people)[0],
      ];
      const palmOf = async ({ member_id }: (typeof people)[0]) =>
        (await deps.members.get(tenant.project.id, member_id))?.value.palm_ids[0] ?? "";
      const edited = [await palmOf(one), await palmOf(other), await palmOf(third)] as const;
      await edit(palmRef(edited[0]), { member_id: other.member_id });
      await edit(palmRef(edited[1]), { hand: "left" });
      await edit(palmRef(edited[2]), { samples: "many" });
      const refused = [...edited].sort();
      const first = await seal();
      assert.deepEqual(
        { ...first, refused: first.refused.toSorted() },
        { environment_id: tenant.environment.id, changes: 6, palms: 3, refused, outcome: "would_refuse" },
      );
      assert.equal((await check()).links_sealed, false);
      const second = await seal(deps, true);
      assert.deepEqual(
        { ...second, refused: second.refused.toSorted() },
        { environment_id: tenant.environment.id, changes: 0, palms: 0, refused, outcome: "sealed" },
      );
      for (const { palm } of [one, other, third]) assert.equal(await identify(palm), null);
      for (const { palm, member_id } of rest) assert.equal(await identify(palm), member_id);
      assert.deepEqual((await check()).refused_palms.toSorted(), refused);
    });

    it("is told of by name when there is none", async () => {
      const environment_id = randomUUID();
      await assert.rejects(sealEnvironment(deps, { environment_id, confirmed: true }), { code: "not_found" });
      await assert.rejects(checkEnvironment(deps, { environment_id }), { code: "not_found" });
    });
  });

  it("is checked by the operator: skipped entries, refused and hidden palms, and templates without a palm", async () => {
    const { hers, his } = await twoPeople();
    const theirs = await enroll(await newMember(), ++seed);
    await edit(entryRef(1), { hand: "left" });
    await edit(entryRef(3), { op: "remove" });
    await palmRef(his.id).delete();
    const found = await checkEnvironment(deps, { environment_id: tenant.environment.id });
    assert.deepEqual(
      { ...found, hidden_palms: found.hidden_palms.toSorted() },
      {
        environment_id: tenant.environment.id,
        links_sealed: true,
        changes: 3,
        palms: 2,
        skipped: 1,
        skipped_changes: [{ seq: 1, fault: "wrong_mac" }],
        refused_palms: [],
        hidden_palms: [hers.id, theirs.id].sort(),
        orphans: 1,
      },
    );
    await edit(palmRef(hers.id), { mac: null });
    const { refused_palms } = await checkEnvironment(deps, { environment_id: tenant.environment.id });
    assert.deepEqual(refused_palms, [hers.id]);
  });
});
