import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Session } from "../../functions/src/domain/enrollment/session.ts";
import { submitSample } from "../../functions/src/domain/enrollment/submitSample.ts";
import { sweepGarbage } from "../../functions/src/domain/garbage/sweepGarbage.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { deleteMember } from "../../functions/src/domain/member/deleteMember.ts";
import type { Member } from "../../functions/src/domain/member/member.ts";
import { deletePalm } from "../../functions/src/domain/palm/deletePalm.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Palm } from "../../functions/src/domain/palm/palm.ts";
import type { Stored } from "../../functions/src/domain/store.ts";
import { type Calls, changes, dying } from "../support/dying.ts";
import { db } from "../support/firestore.ts";
import { sampleOf } from "../support/palms.ts";
import { newDevice, newSession } from "../support/rows.ts";
import { everyDocument, flatten, objectsBelow } from "../support/stores.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** One member, alone in its tenant but for others that earlier rounds left, and the seed of its palm. */
interface Case {
  tenant: Tenant;
  seed: number;
  member: Stored<Member>;
  palm: Palm | undefined;
  /** One that goes on at a terminal; its first sample of two is held. */
  session: Session | undefined;
}

const enrol = (ctx: Deps, { tenant, member, seed }: Omit<Case, "palm" | "session">, sample: number) =>
  enrollPalm(ctx, { ...tenant, member_id: member.value.id, samples: [sampleOf(seed, sample)] });

async function submit(
  ctx: Deps,
  { tenant, seed, session }: Pick<Case, "tenant" | "seed" | "session">,
  { sample_id, sample }: { sample_id: string; sample: number },
): Promise<Session> {
  const device = session && (await ctx.devices.get(session.device_id));
  assert.ok(device);
  return submitSample(ctx, { ...tenant, device, session, sample_id, sample: sampleOf(seed, sample) });
}

/** What may die in the middle; `writes` are calls that the walk must have met, or it walks past them. */
const VERBS: Record<
  string,
  {
    begins: "enrolled" | "bare";
    enrolling?: boolean;
    run(ctx: Deps, of: Case): Promise<unknown>;
    writes: readonly string[];
  }
> = {
  "an enrolment": {
    begins: "bare",
    run: (ctx, of) => enrol(ctx, of, 0),
    writes: ["garbage.add", "templates.put", "commit"],
  },
  "the replacement of a palm": {
    begins: "enrolled",
    run: (ctx, of) => enrol(ctx, of, 1),
    writes: ["garbage.add", "templates.put", "commit"],
  },
  "the deletion of a palm": {
    begins: "enrolled",
    run: (ctx, { tenant: { environment }, member, palm }) =>
      deletePalm(ctx, { environment, member, palm_id: palm?.id ?? "" }),
    writes: ["commit"],
  },
  "the deletion of a member": {
    begins: "enrolled",
    run: (ctx, { tenant: { environment }, member }) => deleteMember(ctx, { environment, member }),
    writes: ["commit"],
  },
  "the last sample of a session": {
    begins: "bare",
    enrolling: true,
    // Sent again it is the same sample.
    run: (ctx, of) => submit(ctx, of, { sample_id: of.session?.id ?? "", sample: 1 }),
    writes: ["garbage.add", "templates.put", "commit"],
  },
  "the deletion of a palm, while the member is enrolled": {
    begins: "enrolled",
    enrolling: true,
    run: (ctx, { tenant: { environment }, member, palm }) =>
      deletePalm(ctx, { environment, member, palm_id: palm?.id ?? "" }),
    writes: ["devices.enrolling", "commit"],
  },
  "the deletion of a member who is enrolled": {
    begins: "enrolled",
    enrolling: true,
    run: (ctx, { tenant: { environment }, member }) => deleteMember(ctx, { environment, member }),
    writes: ["devices.enrolling", "commit"],
  },
};

describe("A process that dies in the middle of", () => {
  let deps: Deps;
  /** What sessions held, by their ids. */
  const held = new Map<string, Buffer>();

  before(async () => {
    deps = await openDeps();
  });

  const fresh = (): Deps => dying(deps, new Map()).ctx;
  /** Far enough ahead for every grace and every second try. */
  const recover = async () => {
    const at = new Date(Date.now() + 60 * 60_000);
    await sweepGarbage({ ...deps, now: () => at }, { until: new Date(at.getTime() + 60_000) });
  };

  async function begin(
    tenant: Tenant,
    seed: number,
    { begins, enrolling }: Pick<(typeof VERBS)[string], "begins" | "enrolling">,
  ): Promise<Case> {
    const project_id = tenant.project.id;
    const fields = { name: null, external_id: `x-${seed}`, email: null, phone_number: null, metadata: {} };
    const { id } = await createMember(deps, { project_id, fields });
    const read = async () => {
      const member = await deps.members.get(project_id, id);
      assert.ok(member);
      return member;
    };
    const palm =
      begins === "bare" ? undefined : await enrol(fresh(), { tenant, seed, member: await read() }, 2);
    const session = enrolling ? await start(tenant, id, seed) : undefined;
    return { tenant, seed, member: await read(), palm, session };
  }

  async function start(tenant: Tenant, member_id: string, seed: number): Promise<Session> {
    const project_id = tenant.project.id;
    const device_id = randomUUID();
    const session = newSession({ device_id, project_id, member_id, samples_required: 2 });
    await deps.commit([deps.devices.create(newDevice({ id: device_id, project_id, session }))]);
    const taken = { sample_id: randomUUID(), sample: 0 };
    const { held: kept } = await submit(fresh(), { tenant, seed, session }, taken);
    held.set(session.id, Buffer.from(kept[0]?.template ?? []));
    return session;
  }

  for (const [what, { run, writes, ...how }] of Object.entries(VERBS)) {
    it(`${what} leaves all of it or nothing, whenever it dies`, async () => {
      const tenant = await newTenant(deps);
      const learnt: Calls = new Map();
      let seed = 40_000;
      const living = dying(deps, learnt);
      await run(living.ctx, await begin(tenant, ++seed, how));
      const { calls } = living.fate;
      for (const write of writes) assert.ok(calls.includes(write), `${write} among ${calls}`);
      assert.ok(writes.length <= calls.length);

      for (const nth of changes(calls)) {
        for (const when of ["before", "after"] as const) {
          const of = await begin(tenant, ++seed, how);
          const where = `${when} call ${nth} of ${calls}`;
          const { ctx, fate } = dying(deps, learnt, nth, when);
          // What is done once the change is committed fails nobody's request.
          await run(ctx, of).catch((error: Error) => assert.equal(error.message, "died", where));
          assert.ok(fate.met, where);
          await recover();
          await assertWhole(tenant, where);
          await assertDecided(of, where);
          // Whoever sent the request sends it again.
          await run(fresh(), of).catch((error: { code?: string }) =>
            assert.equal(error.code, "not_found", where),
          );
          await recover();
          await assertWhole(tenant, `${where}, and again`);
        }
      }
      // Each of them has ended by now.
      for (const { path, fields } of await everyDocument()) {
        const bytes = flatten(fields);
        for (const [id, sealed] of held) assert.ok(!bytes.includes(sealed), `${path} has what ${id} held`);
      }
    });
  }

  /** The palm is found if and only if the stores say that it is enrolled. */
  async function assertDecided({ tenant, member: { value: member }, seed }: Case, where: string) {
    const palms = (await deps.members.get(tenant.project.id, member.id))?.value.palm_ids ?? [];
    const { member_id } = await identifyPalm(fresh(), { ...tenant, sample: sampleOf(seed, 3) });
    assert.equal(member_id, palms.length > 0 ? member.id : null, where);
  }

  /** Holds everything that is stored of a tenant against everything else. */
  async function assertWhole({ project, environment }: Tenant, where: string): Promise<void> {
    const read = async (path: string) => (await db().collection(path).get()).docs.map((doc) => doc.data());
    const [members, claims, scans, events, palms, changes, garbage, devices] = await Promise.all([
      read(`projects/${project.id}/members`),
      read(`projects/${project.id}/externalids`),
      read(`projects/${project.id}/scans`),
      read(`projects/${project.id}/events`),
      read(`environments/${environment.id}/palms`),
      read(`environments/${environment.id}/changes`),
      read("garbage"),
      (await db().collection("devices").where("project_id", "==", project.id).get()).docs.map((doc) =>
        doc.data(),
      ),
    ]);
    const objects = await objectsBelow(`environments/${environment.id}/`);
    const same = (actual: unknown[], expected: unknown[], what: string) =>
      assert.deepEqual(actual.toSorted(), expected.toSorted(), `${what}, ${where}`);
    same(
      members.flatMap((member) => (member["palm_ids"] as string[]).map((id) => `${member["id"]} ${id}`)),
      palms.map((palm) => `${palm["member_id"]} ${palm["id"]}`),
      "members and their palms",
    );
    same(
      claims.map((claim) => claim["member_id"]),
      members.map((member) => member["id"]),
      "external ids",
    );
    same(
      changes.map((change) => change["seq"]),
      changes.map((_, i) => i + 1),
      "the log's numbers",
    );
    same(
      changes.flatMap((change) => (change["template"] ? [`${change["seq"]} ${change["palm_id"]}`] : [])),
      palms.map((palm) => `${palm["seq"]} ${palm["id"]}`),
      "templates in the log",
    );
    same(
      objects.map(({ path }) => path),
      palms.map((palm) => palm["object"]),
      "objects",
    );
    same(
      garbage.map((item) => item["object"] as string).filter((object) => object.includes(environment.id)),
      [],
      "garbage",
    );
    const sessions = devices.map((device) => device["session"] as Session);
    const active = sessions.filter(({ status }) => status === "capturing");
    same(
      active.map(({ member_id }) => member_id),
      members.flatMap(({ id }) => active.filter(({ member_id }) => member_id === id).map(() => id)),
      "members of active sessions",
    );
    same(
      sessions.flatMap(({ id, held: kept }) => (kept.length > 0 ? [id] : [])),
      active.map(({ id }) => id),
      "sessions that hold a sample",
    );
    const completed = sessions.filter(({ status }) => status === "completed");
    same(
      events.map(({ body }) => JSON.parse(body).data.session_id ?? ""),
      [...completed.map(({ id }) => id), ...Array(events.length - completed.length).fill("")],
      "sessions that events tell of",
    );
    same(
      scans.flatMap((scan) => (scan["source"] === "terminal" ? [scan["device_id"]] : [])),
      completed.map(({ device_id }) => device_id),
      "scans at terminals",
    );
    const enrolments = changes.filter((change) => change["op"] === "put").length;
    assert.equal(events.length, enrolments, `events, ${where}`);
    assert.equal(
      scans.filter((scan) => scan["operation"] === "enroll").length,
      enrolments,
      `scans of enrolments, ${where}`,
    );
    const live = fresh().galleries.open(environment);
    await live.sync();
    assert.equal(live.rows.size, palms.length, `palms in memory, ${where}`);
  }
});
