import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { AGAIN, changeStored } from "../../functions/src/domain/change.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { activeSession, advance, type Session } from "../../functions/src/domain/enrollment/session.ts";
import { submitSample } from "../../functions/src/domain/enrollment/submitSample.ts";
import { unauthenticated } from "../../functions/src/domain/errors.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { deleteMember } from "../../functions/src/domain/member/deleteMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { identifyPalm } from "../../functions/src/domain/palm/identifyPalm.ts";
import type { Commit } from "../../functions/src/domain/store.ts";
import { dying } from "../support/dying.ts";
import { db } from "../support/firestore.ts";
import { sampleOf } from "../support/palms.ts";
import { newDevice, newSession } from "../support/rows.ts";
import { documentsBelow, flatten } from "../support/stores.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** A session of a member that waits for its last sample, and what it holds. */
interface Case {
  tenant: Tenant;
  seed: number;
  member_id: string;
  /** Another member. */
  other_id: string;
  session: Session;
  held: Buffer;
}

/** What came of it: a status, or the code of a refusal. */
type Outcome = string;

const outcomeOf = (what: Promise<string>): Promise<Outcome> =>
  what.catch((error: { code?: string }) => {
    if (error.code === undefined) throw error;
    return error.code;
  });

/** The device of a session, changed as long as somebody else is first; nothing where there is nothing to change. */
async function changeDevice(
  ctx: Deps,
  { session }: Case,
  changes: (device: Device) => Partial<Device> | undefined,
): Promise<boolean> {
  const read = () => ctx.devices.get(session.device_id);
  const device = await read();
  assert.ok(device);
  return changeStored(ctx, device, read, async (was) => {
    const now = changes(was.value);
    if (!now) return false;
    const outcome = await ctx.commit([ctx.devices.replace(was, { ...was.value, ...now })]);
    return outcome === "committed" ? true : AGAIN;
  });
}

/** Who may be there in the same moment: what they do, and what the last sample becomes when they are first. */
const RIVALS: Record<
  string,
  { act(ctx: Deps, of: Case): Promise<Outcome>; first: [theirs: Outcome, sample: Outcome]; second: Outcome }
> = {
  "the same sample": {
    act: (ctx, of) => submit(ctx, of, of.session.id),
    first: ["completed", "completed"],
    second: "completed",
  },
  "another last sample": {
    act: (ctx, of) => submit(ctx, of, randomUUID(), 2),
    first: ["completed", "completed"],
    second: "completed",
  },
  "a sample that is refused": {
    act: (ctx, of) => submit(ctx, { ...of, seed: of.seed + 5000 }, randomUUID()),
    first: ["capturing", "completed"],
    second: "completed",
  },
  "the terminal's heartbeat": {
    async act(ctx, { session }) {
      const seen = { last_seen_at: new Date(), app_version: "2.0" };
      return ctx.commit([ctx.devices.touch(session.device_id, seen)]);
    },
    first: ["committed", "completed"],
    second: "committed",
  },
  "a cancellation": {
    async act(ctx, of) {
      const cancelled = await changeDevice(ctx, of, (device) => {
        const session = activeSession(device, ctx.now());
        return session && { session: advance(session, "cancel", "caller", ctx.now()) };
      });
      return cancelled ? "cancelled" : "none is active";
    },
    first: ["cancelled", "expired"],
    second: "none is active",
  },
  "the device being disabled": {
    async act(ctx, of) {
      await changeDevice(ctx, of, () => ({ enabled: false }));
      return "disabled";
    },
    first: ["disabled", "device_disabled"],
    second: "disabled",
  },
  "the deletion of the device": {
    async act(ctx, { session }) {
      const read = () => ctx.devices.get(session.device_id);
      const device = await read();
      assert.ok(device);
      return changeStored(ctx, device, read, async (was) =>
        (await ctx.commit([ctx.devices.remove(was)])) === "committed" ? "deleted" : AGAIN,
      );
    },
    first: ["deleted", "unauthenticated"],
    second: "deleted",
  },
  "the deletion of the member": {
    async act(ctx, { tenant: { project, environment }, member_id }) {
      const member = await ctx.members.get(project.id, member_id);
      assert.ok(member);
      await deleteMember(ctx, { environment, member });
      return "deleted";
    },
    first: ["deleted", "expired"],
    second: "deleted",
  },
  "another member's enrolment of the palm": {
    async act(ctx, { tenant, seed, other_id: member_id }) {
      await enrollPalm(ctx, { ...tenant, member_id, samples: [sampleOf(seed, 3)] });
      return "enrolled";
    },
    first: ["enrolled", "failed"],
    second: "duplicate_palm",
  },
  "another enrolment of the member's palm": {
    async act(ctx, { tenant, seed, member_id }) {
      await enrollPalm(ctx, { ...tenant, member_id, samples: [sampleOf(seed, 3)] });
      return "enrolled";
    },
    first: ["enrolled", "completed"],
    second: "enrolled",
  },
  "another palm that is enrolled": {
    async act(ctx, { tenant, seed, other_id: member_id }) {
      await enrollPalm(ctx, { ...tenant, member_id, samples: [sampleOf(seed + 7000, 0)] });
      return "enrolled";
    },
    first: ["enrolled", "completed"],
    second: "enrolled",
  },
};

async function submit(
  ctx: Deps,
  of: Omit<Case, "held" | "other_id">,
  sample_id: string,
  sample = 1,
): Promise<string> {
  const { tenant, seed, session } = of;
  const device = await ctx.devices.get(session.device_id);
  if (!device) throw unauthenticated();
  const input = { ...tenant, device, session, sample_id, sample: sampleOf(seed, sample) };
  return (await submitSample(ctx, input)).status;
}

describe("The last sample of a session", () => {
  let deps: Deps;
  let seed = 50_000;

  before(async () => {
    deps = await openDeps();
  });

  const instance = (): Deps => dying(deps, new Map()).ctx;

  async function begin(): Promise<Case> {
    const tenant = await newTenant(deps);
    const project_id = tenant.project.id;
    const [{ id: member_id }, { id: other_id }] = await Promise.all([
      createMember(deps, { project_id, fields: NOBODY }),
      createMember(deps, { project_id, fields: NOBODY }),
    ]);
    const device_id = randomUUID();
    const session = newSession({ device_id, project_id, member_id, samples_required: 2 });
    await deps.commit([deps.devices.create(newDevice({ id: device_id, project_id, session }))]);
    const of = { tenant, seed: ++seed, member_id, session };
    assert.equal(await submit(instance(), of, randomUUID(), 0), "capturing");
    const held = Buffer.from((await deps.devices.get(device_id))?.value.session?.held[0]?.template ?? []);
    assert.ok(held.length > 500);
    return { ...of, other_id, held };
  }

  /** An instance at whose first commit somebody else is first. */
  function overtaken(by: () => Promise<Outcome>): { ctx: Deps; rival: Promise<Outcome> } {
    const rival = Promise.withResolvers<Outcome>();
    let first = true;
    const commit: Commit = async (writes, effect) => {
      if (first) {
        first = false;
        await by().then(rival.resolve, rival.reject);
      }
      return deps.commit(writes, effect);
    };
    return { ctx: { ...instance(), commit }, rival: rival.promise };
  }

  /** Palm, scan, event and session are there together or not at all, once; and nothing is held any more. */
  async function assertOneEnd({ tenant, seed: palm, session: { id, device_id }, held }: Case, where: string) {
    const { project, environment } = tenant;
    const read = async (path: string) => (await db().collection(path).get()).docs.map((doc) => doc.data());
    const [device, scans, events, palms, changes, documents] = await Promise.all([
      deps.devices.get(device_id),
      read(`projects/${project.id}/scans`),
      read(`projects/${project.id}/events`),
      read(`environments/${environment.id}/palms`),
      read(`environments/${environment.id}/changes`),
      documentsBelow(
        `devices/${device_id}`,
        `environments/${environment.id}`,
        `organizations/${environment.organization_id}`,
        `projects/${project.id}`,
      ),
    ]);
    const session = device?.value.session;
    const own = scans.filter((scan) => scan["device_id"] === device_id);
    const told = events.map(({ body }) => JSON.parse(body)).filter(({ data }) => data.session_id === id);
    const completed = session ? (session.status === "completed" ? 1 : 0) : own.length;
    assert.deepEqual([own.length, told.length], [completed, completed], where);
    assert.ok(own.length <= 1, where);
    if (session && completed) {
      assert.equal(session.samples_accepted, session.samples_required, where);
      assert.equal(told[0].data.completed_at, session.completed_at?.toISOString(), where);
    }
    assert.deepEqual(
      changes.map(({ seq }) => seq),
      changes.map((_, index) => index + 1),
      where,
    );
    // Whoever has the palm is found by it, and nobody is where nobody has.
    const members = (await deps.members.ofProject(project.id).slice({ limit: 10 })).flatMap((member) =>
      member.palm_ids.map((palm_id) => [palm_id, member.id]),
    );
    assert.deepEqual(palms.map((one) => [one["id"], one["member_id"]]).sort(), members.sort(), where);
    const found = await identifyPalm(instance(), { ...tenant, sample: sampleOf(palm, 4) });
    const lone = palms.filter((one) => one["member_id"] === found.member_id).length === 1;
    assert.equal(found.outcome === "identified", lone, where);
    const ended = !session || !["pending", "capturing"].includes(session.status);
    assert.equal(session?.held.length ?? 0, ended ? 0 : 1, where);
    const keeping = documents.filter(({ fields }) => flatten(fields).includes(held)).map(({ path }) => path);
    assert.deepEqual(keeping, ended ? [] : [`devices/${device_id}`], where);
  }

  for (const [what, { act, first, second }] of Object.entries(RIVALS)) {
    it(`and ${what} at once are one after the other, on two instances`, async () => {
      const before = await begin();
      const { ctx, rival } = overtaken(() => act(instance(), before));
      const mine = await outcomeOf(submit(ctx, before, before.session.id));
      assert.deepEqual([await rival, mine], first);
      await assertOneEnd(before, "the other one first");

      const after = await begin();
      const other = overtaken(() => submit(instance(), after, after.session.id));
      const theirs = await outcomeOf(act(other.ctx, after));
      assert.deepEqual([await other.rival, theirs], ["completed", second]);
      await assertOneEnd(after, "the sample first");

      for (let round = 0; round < 4; round++) {
        const race = await begin();
        const [one, two] = [instance(), instance()];
        const both = await Promise.all([
          outcomeOf(submit(one, race, race.session.id)),
          outcomeOf(act(two, race)),
        ]);
        assert.ok(["completed", first[1]].includes(both[0]), String(both));
        await assertOneEnd(race, `at once: ${both}`);
      }
    });
  }

  it("is the third of three, however often and on however many instances the others were sent", async () => {
    const { tenant, session, ...of } = await begin();
    const device = await deps.devices.get(session.device_id);
    assert.ok(device);
    // As it was before any sample.
    const three = { ...session, samples_required: 3 };
    await deps.commit([deps.devices.replace(device, { ...device.value, session: three })]);
    const [first, second] = [randomUUID(), randomUUID()];
    await Promise.all(
      [first, second, first, second].map((id) =>
        submit(instance(), { ...of, tenant, session }, id, id === first ? 0 : 1),
      ),
    );
    const stored = (await deps.devices.get(session.device_id))?.value.session;
    assert.deepEqual(
      { ...stored, sample_ids: stored?.sample_ids.toSorted(), held: stored?.held.length },
      {
        ...three,
        status: "capturing",
        samples_accepted: 2,
        sample_ids: [first, second].sort(),
        held: 2,
        version: 3,
        updated_at: stored?.updated_at,
      },
    );
    assert.equal(await submit(instance(), { ...of, tenant, session }, randomUUID(), 2), "completed");
    await assertOneEnd({ ...of, tenant, session: three }, "three");
  });

  it("never comes where time ran out: a deletion of the member then puts that down, and nothing is held", async () => {
    const of = await begin();
    const { tenant, session, member_id } = of;
    const expires_at = new Date(Date.now() - 1000);
    await changeDevice(deps, of, ({ session: now }) => ({ session: now && { ...now, expires_at } }));
    assert.equal(await outcomeOf(submit(instance(), of, session.id)), "expired");
    const member = await deps.members.get(tenant.project.id, member_id);
    assert.ok(member);
    await deleteMember(deps, { environment: tenant.environment, member });
    const ended = (await deps.devices.get(session.device_id))?.value.session;
    assert.deepEqual([ended?.status, ended?.updated_at, ended?.version], ["expired", expires_at, 3]);
    await assertOneEnd(of, "expired");
  });
});
