import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { sweepDevices } from "../../functions/src/domain/device/sweepDevices.ts";
import { updateDevice } from "../../functions/src/domain/device/updateDevice.ts";
import { cancelEnrollment } from "../../functions/src/domain/enrollment/cancelEnrollment.ts";
import {
  accept,
  advance,
  type HeldSample,
  type Session,
} from "../../functions/src/domain/enrollment/session.ts";
import { startEnrollment } from "../../functions/src/domain/enrollment/startEnrollment.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import type { Commit } from "../../functions/src/domain/store.ts";
import { newDevice, newSession } from "../support/rows.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const MINUTE = 60_000;

describe("An enrolment at a device", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const sample: HeldSample = {
    sample_id: randomUUID(),
    hand: "left",
    pad_score: null,
    template: new Uint8Array(48).fill(7),
  };
  const capturing =
    (fields: Partial<Session> = {}) =>
    (device_id: string) =>
      accept(newSession({ device_id, project_id: tenant.project.id, ...fields }), sample, new Date());

  async function newStored(session?: (device_id: string) => Session, fields: Partial<Device> = {}) {
    const device = newDevice({ project_id: tenant.project.id, ...fields });
    await deps.commit([deps.devices.create({ ...device, session: session?.(device.id) ?? null })]);
    return read(device.id);
  }
  async function read(id: string) {
    const stored = await deps.devices.get(id);
    assert.ok(stored);
    return stored;
  }
  const newMember = () => createMember(deps, { project_id: tenant.project.id, fields: NOBODY });

  async function start(device: Awaited<ReturnType<typeof read>>, ctx = deps, member_id?: string) {
    return startEnrollment(ctx, {
      device,
      environment: tenant.environment,
      member_id: member_id ?? (await newMember()).id,
      hand: "right",
      samples_required: 2,
      expires_in_ms: 90_000,
    });
  }

  /** Something else happens between what is read and the first commit. */
  function meeting(event: () => Promise<unknown>): Deps {
    let met = false;
    const commit: Commit = async (writes, effect) => {
      if (!met) await event();
      met = true;
      return deps.commit(writes, effect);
    };
    return { ...deps, commit };
  }

  it("is the device's, and named by its member", async () => {
    const device = await newStored();
    const { id: member_id } = await newMember();
    const session = await start(device, deps, member_id);
    assert.deepEqual((await read(device.value.id)).value, { ...device.value, session });
    const member = await deps.members.get(tenant.project.id, member_id);
    assert.equal(member?.value.last_session_id, session.id);
    assert.equal(Number(session.expires_at) - Number(session.created_at), 90_000);
    const [enrolling] = await deps.devices.enrolling({ id: member_id, project_id: tenant.project.id });
    assert.equal(enrolling?.value.id, device.value.id);
  });

  it("is one, of ten that are started at once", async () => {
    const device = await newStored();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => start(device)));
    const codes = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? "started" : outcome.reason.code,
    );
    assert.deepEqual(codes.sort(), [...Array(9).fill("session_active"), "started"]);
    const started = outcomes.find((outcome) => outcome.status === "fulfilled");
    assert.equal((await read(device.value.id)).value.session?.id, started?.value.id);
  });

  it("puts the one before away as it ended, without its samples, though nobody had written that it expired", async () => {
    const expires_at = new Date(Date.now() - 1000);
    const device = await newStored(capturing({ expires_at, created_at: new Date(Date.now() - MINUTE) }));
    const before = device.value.session as Session;
    assert.equal(before.held.length, 1);
    const session = await start(device);
    assert.equal((await read(device.value.id)).value.session?.id, session.id);
    const displaced = await deps.sessions.get(device.value.id, before.id);
    assert.deepEqual(displaced?.value, {
      ...before,
      status: "expired",
      version: before.version + 1,
      updated_at: expires_at,
      held: [],
    });
  });

  for (const [what, refusal, event] of [
    ["is renamed", undefined, (id: string) => change(id, { name: "Other" })],
    ["is disabled", "device_disabled", (id: string) => change(id, { enabled: false })],
    ["gets another session", "session_active", (id: string) => read(id).then((device) => start(device))],
    [
      "is deleted",
      "not_found",
      (id: string) => read(id).then((was) => deps.commit([deps.devices.remove(was)])),
    ],
  ] as [string, string | undefined, (id: string) => Promise<unknown>][]) {
    it(`${refusal ? `is refused with ${refusal}` : "starts"} where the device ${what} in the same moment`, async () => {
      const device = await newStored();
      const { id: member_id } = await newMember();
      const starting = start(
        device,
        meeting(() => event(device.value.id)),
        member_id,
      );
      if (!refusal) {
        const session = await starting;
        const { name, session: stored } = (await read(device.value.id)).value;
        assert.deepEqual({ name, stored }, { name: "Other", stored: session });
        return;
      }
      await assert.rejects(starting, { code: refusal });
      const member = await deps.members.get(tenant.project.id, member_id);
      assert.equal(member?.value.last_session_id, null);
    });
  }
  async function change(id: string, changes: Parameters<typeof updateDevice>[1]["changes"]) {
    await updateDevice(deps, { device: await read(id), changes });
  }

  it("is refused with not_found where the member is deleted in the same moment", async () => {
    const device = await newStored();
    const { id: member_id } = await newMember();
    const ctx = meeting(async () => {
      const member = await deps.members.get(tenant.project.id, member_id);
      assert.ok(member);
      await deps.commit([deps.members.remove(member)]);
    });
    await assert.rejects(start(device, ctx, member_id), { code: "not_found" });
    assert.equal((await read(device.value.id)).value.session, null);
  });

  it("is cancelled with its samples, and no other with it, however often that is said", async () => {
    const device = await newStored(capturing());
    const { id: session_id, version } = device.value.session as Session;
    await assert.rejects(cancelEnrollment(deps, { device, session_id: randomUUID() }), { code: "not_found" });
    const commits: unknown[] = [];
    const ctx = {
      ...deps,
      commit: ((writes, effect) => {
        commits.push(effect?.target);
        return deps.commit(writes, effect);
      }) as Commit,
    };
    const cancel = async () => cancelEnrollment(ctx, { device: await read(device.value.id), session_id });
    await cancel();
    const cancelled = (await read(device.value.id)).value.session;
    assert.deepEqual(
      [cancelled?.status, cancelled?.version, cancelled?.held],
      ["cancelled", version + 1, []],
    );
    await cancel();
    const next = await start(await read(device.value.id));
    await cancel();
    assert.deepEqual((await read(device.value.id)).value.session, next);
    assert.deepEqual(commits, [{ type: "session", id: session_id }]);
  });

  it("cannot be cancelled once it has ended otherwise, displaced or not", async () => {
    const expires_at = new Date(Date.now() - 1000);
    const device = await newStored(capturing({ expires_at }));
    const session_id = device.value.session?.id as string;
    await assert.rejects(cancelEnrollment(deps, { device, session_id }), { code: "not_found" });
    await start(device);
    await assert.rejects(cancelEnrollment(deps, { device: await read(device.value.id), session_id }), {
      code: "not_found",
    });
  });

  it("is cancelled once, of a cancellation and a change that meet", async () => {
    const device = await newStored(capturing());
    const session = device.value.session as Session;
    const ctx = meeting(() => change(device.value.id, { name: "Other" }));
    await cancelEnrollment(ctx, { device, session_id: session.id });
    const { name, session: cancelled } = (await read(device.value.id)).value;
    assert.deepEqual(
      [name, cancelled?.status, cancelled?.version],
      ["Other", "cancelled", session.version + 1],
    );
  });

  it("ends when its device is disabled, with its samples; other changes leave it alone", async () => {
    const device = await newStored(capturing());
    const session = device.value.session as Session;
    await change(device.value.id, { name: "Other", mode: "demo" });
    assert.deepEqual((await read(device.value.id)).value.session, session);
    await change(device.value.id, { enabled: false });
    const { enabled, session: ended } = (await read(device.value.id)).value;
    assert.equal(enabled, false);
    const { updated_at } = ended as Session;
    assert.deepEqual(ended, advance(session, "cancel", "house", updated_at));
    await change(device.value.id, { enabled: true });
    assert.deepEqual((await read(device.value.id)).value.session, ended);
  });

  describe("that nobody has ended", () => {
    const key = (until: Date) => ({ kid: "k", sealed: new Uint8Array(16), until });
    const sweep = (at: Date) =>
      sweepDevices({ ...deps, now: () => at }, { until: new Date(at.getTime() + MINUTE) });

    it("is stored expired by the sweeper, without its samples, and a key that was not fetched goes", async () => {
      const now = new Date();
      const [past, ahead] = [new Date(now.getTime() - 1), new Date(now.getTime() + MINUTE)];
      const both = await newStored(capturing({ expires_at: past }), { unclaimed_key: key(past) });
      const one = await newStored(capturing({ expires_at: ahead }), { unclaimed_key: key(past) });
      const other = await newStored(capturing({ expires_at: past }), { unclaimed_key: key(ahead) });
      const neither = await newStored(capturing({ expires_at: ahead }), { unclaimed_key: key(ahead) });
      const expired = ({ value }: typeof both) => advance(value.session as Session, "expire", "clock", past);
      // Twice, and at once.
      await Promise.all([sweep(now), sweep(now)]);
      await sweep(now);
      const wanted = [
        { ...both.value, session: expired(both), unclaimed_key: null },
        { ...one.value, unclaimed_key: null },
        { ...other.value, session: expired(other) },
        neither.value,
      ];
      for (const device of wanted) assert.deepEqual((await read(device.id)).value, device);
    });

    it("is found by the sweeper among more than a page of them", async () => {
      const past = new Date(Date.now() - 1);
      const devices = Array.from({ length: 70 }, () => {
        const device = newDevice({ project_id: tenant.project.id });
        return { ...device, session: capturing({ expires_at: past })(device.id) };
      });
      await deps.commit(devices.map((device) => deps.devices.create(device)));
      await sweep(new Date());
      const statuses = await Promise.all(
        devices.map(async ({ id }) => (await read(id)).value.session?.status),
      );
      assert.deepEqual(new Set(statuses), new Set(["expired"]));
    });
  });

  it("is told by a listener: as it is, after each change, when it is gone; nothing once it is stopped", async () => {
    const device = await newStored();
    const { id } = device.value;
    const told: (Device | undefined)[] = [];
    let news = Promise.withResolvers<void>();
    const stop = deps.devices.watch(id, {
      next(found) {
        told.push(found?.value);
        news.resolve();
      },
      error: (error) => news.reject(error),
    });
    const next = async (act?: () => Promise<unknown>) => {
      if (act) {
        news = Promise.withResolvers();
        await act();
      }
      await news.promise;
    };
    await next();
    await next(() => start(device));
    const started = (await read(id)).value;
    await next(async () => deps.commit([deps.devices.remove(await read(id))]));
    stop();
    await deps.commit([deps.devices.create(device.value)]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(told, [device.value, started, undefined]);
  });
});
