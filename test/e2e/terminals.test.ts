import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { updateDevice } from "../../functions/src/domain/device/updateDevice.ts";
import { accept, type Session } from "../../functions/src/domain/enrollment/session.ts";
import { startEnrollment } from "../../functions/src/domain/enrollment/startEnrollment.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { type Answer, assertProblem } from "../support/client.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { SOONER_MS } from "../support/limits.ts";
import { newDeviceWithKey } from "../support/rows.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const ROUNDS = 20;

describe("Two instances of terminal, with the built bundle", () => {
  let deps: Deps;
  let tenant: Tenant;
  let member_id: string;
  let instances: [Instance, Instance];

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
    member_id = (await createMember(deps, { project_id: tenant.project.id, fields: NOBODY })).id;
    instances = await Promise.all([startInstance("terminal"), startInstance("terminal")]);
  });
  after(() => Promise.all(instances.map((instance) => instance.stop())));

  async function newTerminal(fields: Partial<Device> = {}) {
    const { device, key } = newDeviceWithKey({
      project_id: tenant.project.id,
      last_seen_at: new Date(),
      ...fields,
    });
    await deps.commit([deps.devices.create(device)]);
    return { id: device.id, key };
  }
  async function read(id: string) {
    const stored = await deps.devices.get(id);
    assert.ok(stored);
    return stored;
  }
  const poll = (instance: Instance, token: string, body: object = {}) =>
    instance.api("POST", "/v1/terminal/poll", { token, body });
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const start = async (id: string): Promise<Session> =>
    startEnrollment(deps, {
      ...{ device: await read(id), environment: tenant.environment, member_id },
      ...{ hand: "unknown", samples_required: 3, expires_in_ms: 120_000 },
    });

  /** Both poll; then it happens; what they are answered, and how long after. */
  async function inFlight(
    key: string,
    act: () => Promise<unknown>,
  ): Promise<{ answer: Answer; ms: number }[]> {
    let at = Number.NaN;
    const polls = instances.map(async (instance) => {
      const answer = await poll(instance, key, { wait: 20 });
      return { answer, ms: Date.now() - at };
    });
    await pause(500);
    at = Date.now();
    await act();
    return Promise.all(polls);
  }

  const DEATHS: Record<string, (id: string) => Promise<string | undefined>> = {
    rotated: async (id) => {
      const { key, secret_hash } = newKey("pd", id);
      const was = await read(id);
      assert.equal(
        await deps.commit([deps.devices.replace(was, { ...was.value, secret_hash })]),
        "committed",
      );
      return key;
    },
    deleted: async (id) => {
      assert.equal(await deps.commit([deps.devices.remove(await read(id))]), "committed");
      return undefined;
    },
  };
  for (const [what, kill] of Object.entries(DEATHS)) {
    it(`refuse a key that was ${what} on the very next request, ${ROUNDS} times`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { id, key } = await newTerminal();
        const statuses = (token: string) =>
          Promise.all(instances.map(async (instance) => (await poll(instance, token)).status));
        assert.deepEqual(await statuses(key), [200, 200]);
        const next = await kill(id);
        assert.deepEqual(await statuses(key), [401, 401]);
        if (next) assert.deepEqual(await statuses(next), [200, 200]);
      }
    });

    it(`end a poll in flight with 401 when its key was ${what}`, async () => {
      const { id, key } = await newTerminal();
      for (const { answer, ms } of await inFlight(key, () => kill(id))) {
        assertProblem(answer, 401, "unauthenticated");
        assert.ok(ms < SOONER_MS, `${ms} ms`);
      }
    });
  }

  it("tell a terminal that waits that it was disabled, and one that comes later immediately", async () => {
    const { id, key } = await newTerminal();
    const disable = async () => updateDevice(deps, { device: await read(id), changes: { enabled: false } });
    const answers = await inFlight(key, disable);
    const { device } = answers[0]?.answer.body ?? {};
    assert.equal(device.enabled, false);
    for (const { answer, ms } of answers) {
      assert.deepEqual(answer.body, { session: null, device, template_format: "palm-code.v1" });
      assert.ok(ms < SOONER_MS, `${ms} ms`);
    }
    for (const instance of instances) assert.deepEqual((await poll(instance, key)).body.device, device);
  });

  it("tell a terminal between whose polls sessions start and end of each that goes on", async () => {
    const { id, key } = await newTerminal();
    for (let round = 0; round < ROUNDS; round++) {
      const instance = instances[round % 2] as Instance;
      // As long as it takes, it is not on the line.
      const { id: session_id } = await start(id);
      const told = (await poll(instance, key, { wait: 20 })).body.session;
      assert.deepEqual([told.session_id, told.version], [session_id, 1], `round ${round}`);
      const was = await read(id);
      const ended = { ...(was.value.session as Session), status: "cancelled" as const, version: 2 };
      await deps.commit([deps.devices.replace(was, { ...was.value, session: ended })]);
      const next = await poll(instance, key, { wait: 20, session_id, session_version: told.version });
      assert.equal(next.body.session, null, `round ${round}`);
    }
  });

  it("do not let a terminal spin that polls with the pair it knows while it captures, and miss nothing", async () => {
    const { id, key } = await newTerminal();
    const { id: session_id } = await start(id);
    const versions: number[] = [];
    let polls = 0;
    let done = false;
    const polling = (async () => {
      let known: object = {};
      while (!done) {
        const { session } = (await poll(instances[polls++ % 2] as Instance, key, { wait: 2, ...known })).body;
        assert.equal(session.session_id, session_id);
        if (versions.at(-1) !== session.version) versions.push(session.version);
        known = { session_id, session_version: session.version };
      }
    })();
    // Samples are taken meanwhile, one of them while the terminal's poll is under way.
    for (let sample = 0; sample < 2; sample++) {
      await pause(2500);
      const was = await read(id);
      const held = {
        sample_id: randomUUID(),
        hand: "left",
        pad_score: null,
        template: new Uint8Array(8),
      } as const;
      const session = accept(was.value.session as Session, held, new Date());
      await deps.commit([deps.devices.replace(was, { ...was.value, session })]);
    }
    await pause(2500);
    done = true;
    await polling;
    assert.deepEqual(versions, [1, 2, 3]);
    // In 7.5 s with waits of 2 s: the first one, one a sample, and those whose time was over.
    assert.ok(polls <= 3 + 4, `${polls} polls`);
  });
});
