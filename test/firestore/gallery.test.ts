import assert from "node:assert/strict";
import { dueNow } from "../../functions/src/domain/garbage/garbage.ts";
import { sweepGarbage } from "../../functions/src/domain/garbage/sweepGarbage.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { type EnrollCtx, enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import { type Calls, dying } from "../support/dying.ts";
import { db } from "../support/firestore.ts";
import { sampleOf } from "../support/palms.ts";
import { testSurroundings } from "../support/surroundings.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("The gallery", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const newMember = async () =>
    (await createMember(deps, { project_id: tenant.project.id, fields: NOBODY })).id;
  const enroll = (member_id: string, seed: number, ctx: EnrollCtx = deps, sample = 0) =>
    enrollPalm(ctx, { ...tenant, member_id, samples: [sampleOf(seed, sample)] });
  const identify = (seed: number, ctx: Deps = deps) =>
    identifyPalm(ctx, { ...tenant, sample: sampleOf(seed, 1) });
  /** Another instance: it shares the stores, not the memory. */
  const instance = (): Deps => ({ ...deps, galleries: new Galleries(deps, 2 ** 30) });
  const logOf = async () =>
    (await db().collection(`environments/${tenant.environment.id}/changes`).get()).docs.map((doc) => doc.id);
  /** What the garbage list says of this tenant's objects, and what Storage holds of them. */
  const garbage = async () =>
    (await db().collection("garbage").get()).docs
      .map((doc) => doc.data()["object"] as string)
      .filter((object) => object.includes(tenant.environment.id));
  const objects = async () => {
    const { openStorage } = await import("../../functions/src/data/storage.ts");
    const [files] = await openStorage("demo-palmgate-test")
      .bucket(process.env["TEMPLATE_BUCKET"] ?? "")
      .getFiles({ prefix: `environments/${tenant.environment.id}/` });
    return files.map((file) => file.name).sort();
  };
  const palmObjects = async () =>
    (await db().collection(`environments/${tenant.environment.id}/palms`).get()).docs
      .map((doc) => doc.data()["object"] as string)
      .sort();

  it("is followed by every instance: enrolled on one, found by another on its next request", async () => {
    const [one, other] = [instance(), instance()];
    assert.equal((await identify(1, other)).outcome, "no_match");
    for (const seed of [1, 2, 3]) {
      const member_id = await newMember();
      await enroll(member_id, seed, one);
      assert.equal((await identify(seed, other)).member_id, member_id);
    }
    assert.deepEqual(await logOf(), ["000000000001", "000000000002", "000000000003"]);
  });

  it("is read whole by many first requests at once, and drops none of them", async () => {
    const member_id = await newMember();
    await enroll(member_id, 4);
    const cold = instance();
    const found = await Promise.all(Array.from({ length: 16 }, () => identify(4, cold)));
    assert.ok(found.every((answer) => answer.member_id === member_id && answer.searched === 1));
  });

  it("is read in pages when the log is long", async () => {
    const member_id = await newMember();
    await enroll(member_id, 5);
    const { changes } = await deps.changes.readAfter(tenant.environment.id, 0, 1);
    const [first] = changes;
    assert.ok(first);
    // The same palm again and again: 2,400 changes, one row.
    for (let seq = 2; seq <= 2400; seq += 400) {
      await deps.commit(
        Array.from({ length: 400 }, (_, i) =>
          deps.changes.append(tenant.environment.id, { ...first, seq: seq + i, template: null }),
        ),
      );
    }
    const cold = instance();
    assert.equal((await identify(5, cold)).member_id, member_id);
    assert.equal(cold.galleries.open(tenant.environment).seq, 2401);
  });

  it("refuses a log with a gap rather than searching what may be incomplete", async () => {
    await enroll(await newMember(), 6);
    await db().doc(`environments/${tenant.environment.id}/changes/000000000001`).delete();
    await deps.commit([
      deps.changes.append(tenant.environment.id, {
        seq: 2,
        op: "put",
        palm_id: "x",
        project_id: null,
        hand: "unknown",
        template: null,
        at: new Date(),
        mac: null,
      }),
    ]);
    await assert.rejects(identify(6, instance()), /gap before change 2/);
  });

  it("does not take in a template that was moved to another palm", async () => {
    await enroll(await newMember(), 7);
    await db()
      .doc(`environments/${tenant.environment.id}/changes/000000000001`)
      .update({ palm_id: tenant.project.id });
    assert.deepEqual(await identify(7, instance()).then(({ outcome, searched }) => [outcome, searched]), [
      "no_match",
      0,
    ]);
  });

  it("does not name a palm whose document is gone, whatever the memory holds", async () => {
    const palm = await enroll(await newMember(), 8);
    const warm = instance();
    assert.equal((await identify(8, warm)).outcome, "identified");
    await db().doc(`environments/${tenant.environment.id}/palms/${palm.id}`).delete();
    assert.equal((await identify(8, warm)).outcome, "no_match");
  });

  it("keeps the sealed template alone, in Storage and in the log", async () => {
    const { decodeImage, extractTemplate } = await import("../../functions/src/palm/index.ts");
    const { template } = extractTemplate(await decodeImage(sampleOf(9).picture?.bytes ?? assert.fail()), {
      hand: "unknown",
    });
    const palm = await enroll(await newMember(), 9);
    assert.deepEqual(await objects(), [palm.object]);
    const { openStorage } = await import("../../functions/src/data/storage.ts");
    const [stored] = await openStorage("demo-palmgate-test")
      .bucket(process.env["TEMPLATE_BUCKET"] ?? "")
      .file(palm.object)
      .download();
    const { changes } = await deps.changes.readAfter(tenant.environment.id, 0, 1);
    const logged = Buffer.from(changes[0]?.template ?? []);
    assert.ok(logged.equals(stored));
    // The codes themselves, past the header that the API tells anyway.
    const telling = Buffer.from(template).subarray(40, 56);
    assert.ok(!stored.includes(telling));
    const wrapped = (await deps.changes.readAfter(tenant.environment.id, 0, 1)).manifest?.wrapped_key;
    assert.ok(wrapped);
    const opened = deps.sealing
      .unwrap(tenant.environment.id, wrapped)
      .open(stored, `template:${tenant.environment.id}:${palm.id}`);
    assert.ok(Buffer.from(opened).includes(telling));
  });

  describe("and its garbage", () => {
    const sweep = (at: Date) =>
      sweepGarbage({ ...deps, now: () => at }, { until: new Date(at.getTime() + 60_000) });
    const later = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    /** When planted items are due, in minutes: not now, or the suite's own sweeper would take them. */
    const DUE = 60;

    it("an enrolment leaves none", async () => {
      const palm = await enroll(await newMember(), 10);
      assert.deepEqual(await garbage(), []);
      await sweep(later(60));
      assert.deepEqual(await objects(), [palm.object]);
    });

    it("a replaced template goes at the next run of the sweeper", async () => {
      const member_id = await newMember();
      const old = await enroll(member_id, 11);
      const palm = await enroll(member_id, 11, deps, 1);
      assert.equal(palm.id, old.id);
      assert.deepEqual(await garbage(), [old.object]);
      await sweep(later(0.1));
      assert.deepEqual(await garbage(), []);
      assert.deepEqual(await objects(), [palm.object]);
    });

    it("the sweeper dies around any call, or runs twice at once, and still takes all", async () => {
      const learnt: Calls = new Map();
      const plant = async (round: string) => {
        for (const n of [1, 2, 3]) {
          const object = `environments/${tenant.environment.id}/templates/x/${round}-${n}`;
          await deps.templates.put(object, Buffer.from("orphan"));
          await deps.garbage.add(dueNow(deps.id(), object, new Date(later(DUE).getTime() - n)));
        }
      };
      await plant("living");
      const run = (ctx: Deps) => sweepGarbage({ ...ctx, now: () => later(DUE) }, { until: later(DUE + 1) });
      const { ctx, fate } = dying(deps, learnt);
      await run(ctx);
      assert.ok(fate.calls.length >= 9, "three items have three writes each");
      for (let nth = 1; nth <= fate.calls.length; nth++) {
        for (const when of ["before", "after"] as const) {
          await plant(`${nth}-${when}`);
          await run(dying(deps, learnt, nth, when).ctx).catch((error: Error) =>
            assert.equal(error.message, "died"),
          );
          await Promise.all([sweep(later(DUE)), sweep(later(DUE))]);
          // What was claimed and not deleted has its second try a little later.
          await sweep(later(DUE + 11));
          assert.deepEqual(await garbage(), []);
          assert.deepEqual(await objects(), []);
        }
      }
    });

    it("an object that cannot be deleted holds up no other, and is told of when it is overdue", async () => {
      const put = async (name: string, at: Date) => {
        const object = `environments/${tenant.environment.id}/templates/x/${name}`;
        await deps.templates.put(object, Buffer.from("orphan"));
        await deps.garbage.add(dueNow(deps.id(), object, at));
        return object;
      };
      const stuck = await put("stuck", new Date(later(DUE).getTime() - 2000));
      await put("free", new Date(later(DUE).getTime() - 1000));
      const { logged, log } = testSurroundings();
      const failing = {
        ...deps.templates,
        delete: async (object: string) => {
          if (object === stuck) throw new Error("held");
          await deps.templates.delete(object);
        },
      };
      const run = (at: Date) =>
        sweepGarbage(
          { ...deps, log, now: () => at, templates: failing },
          { until: new Date(at.getTime() + 60_000) },
        );
      await run(later(DUE));
      assert.deepEqual(await objects(), [stuck]);
      assert.match(logged.join("\n"), /^warn an object was not deleted[^\n]*held/);
      await run(later(DUE + 25 * 60));
      assert.match(logged.at(-1) ?? "", /^error an erasure is overdue/);
      await sweep(later(DUE + 26 * 60));
      assert.deepEqual(await objects(), []);
    });

    it("a slow enrolment whose upload was swept uploads anew: no palm without its template", async () => {
      const member_id = await newMember();
      let swept = false;
      const slow: EnrollCtx = {
        ...deps,
        templates: {
          ...deps.templates,
          async put(object, sealed) {
            await deps.templates.put(object, sealed);
            if (swept) return;
            swept = true;
            await sweep(later(60));
          },
        },
      };
      const palm = await enroll(member_id, 13, slow);
      assert.deepEqual(await objects(), [palm.object]);
      assert.deepEqual(await garbage(), []);
    });
  });

  it("gives one of twenty who enrol one palm at once its palm, and the others a refusal", async () => {
    const members = await Promise.all(Array.from({ length: 20 }, newMember));
    const instances = [instance(), instance()];
    const outcomes = await Promise.allSettled(
      members.map((member_id, i) => enroll(member_id, 14, instances[i % 2])),
    );
    const codes = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? "enrolled" : (outcome.reason as { code?: string }).code,
    );
    assert.equal(codes.filter((code) => code === "enrolled").length, 1);
    assert.ok(
      codes.every((code) => ["enrolled", "duplicate_palm", "unavailable"].includes(code ?? "")),
      String(codes),
    );
    assert.deepEqual(await logOf(), ["000000000001"]);
    assert.equal((await palmObjects()).length, 1);
  });

  it("gives twenty different palms at once a gapless log", async () => {
    const members = await Promise.all(Array.from({ length: 20 }, newMember));
    const instances = [instance(), instance()];
    await Promise.all(members.map((member_id, i) => enroll(member_id, 100 + i, instances[i % 2])));
    assert.deepEqual(
      await logOf(),
      Array.from({ length: 20 }, (_, i) => String(i + 1).padStart(12, "0")),
    );
  });
});
