import assert from "node:assert/strict";
import fc from "fast-check";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { healthDeps } from "../../functions/src/deps.ts";
import type { Device } from "../../functions/src/domain/device/device.ts";
import { sweepDevices } from "../../functions/src/domain/device/sweepDevices.ts";
import { sweepGarbage } from "../../functions/src/domain/garbage/sweepGarbage.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import type { Stored } from "../../functions/src/domain/store.ts";
import { db } from "../support/firestore.ts";
import { UNLIMITED } from "../support/limits.ts";
import { clientOf } from "../support/requests.ts";
import { newDeviceWithKey } from "../support/rows.ts";
import {
  assertChange,
  assertMembers,
  assertWhole,
  land,
  newReal,
  playHistories,
  type Stores,
} from "../support/sessions.ts";
import { everyDocument, flatten, objectsBelow } from "../support/stores.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const RUNS = Number(process.env["SESSION_RUNS"] ?? 20);

describe("Enrolment sessions on Firestore, whatever happens to them at once", () => {
  let deps: Deps;
  /** Every sample that was ever held, sealed as it was stored. */
  const held: Buffer[] = [];

  before(async () => {
    deps = await openDeps();
  });

  after(async () => {
    assert.ok(held.length > 0);
    for (const { path, fields } of await everyDocument()) {
      const bytes = flatten(fields);
      for (const sample of held) assert.ok(!bytes.includes(sample), `${path} has a held sample`);
    }
  });

  it(`keep their promises in ${RUNS} random histories at two instances`, async () => {
    const { checks } = await healthDeps();
    const log = { warn: () => undefined, error: (words: string) => assert.fail(words) };
    await playHistories({ runs: RUNS, wanted: ["completed"], endOnFailure: true }, async (commands) => {
      let ahead = 0;
      const now = () => new Date(Date.now() + ahead);
      const tenant = await newTenant(deps);
      const terminals = await Promise.all([newTerminal(tenant), newTerminal(tenant)]);
      const devices = terminals.map(({ id }) => id);
      const instance = () => {
        const ctx = { ...deps, now, log, limiter: UNLIMITED, checks, devices: watched(deps.devices, now) };
        return clientOf(allRoutes, { ...ctx, galleries: new Galleries(ctx, 2 ** 30) });
      };
      const sweep = async () => {
        const ctx = { ...deps, now };
        const until = new Date(now().getTime() + 45_000);
        await Promise.all([sweepDevices(ctx, { until }), sweepGarbage(ctx, { until })]);
      };
      const member = async () =>
        (await createMember(deps, { project_id: tenant.project.id, fields: NOBODY })).id;
      const real = newReal({
        project_id: tenant.project.id,
        token: tenant.key,
        clients: [instance(), instance()],
        devices: terminals,
        members: await Promise.all([member(), member()]),
        advance: (ms) => {
          ahead += ms;
        },
        sweep,
        quiet: async () => assertMembers(await storesOf(tenant, devices)),
      });
      await fc.asyncModelRun(() => ({ model: {}, real }), commands);
      await land(real);
      ahead += 60 * 60_000;
      await sweep();
      return assertWhole(await storesOf(tenant, devices), real, now());
    });
  });

  async function newTerminal({ project }: Tenant): Promise<{ id: string; key: string }> {
    const { device, key } = newDeviceWithKey({ project_id: project.id });
    await deps.commit([deps.devices.create(device)]);
    return { id: device.id, key };
  }

  /** Holds every change against the machine, and keeps what is held. */
  const watched = (devices: Deps["devices"], now: () => Date): Deps["devices"] => ({
    ...devices,
    replace(was: Stored<Device>, device: Device) {
      assertChange(was.value.session, device.session, now());
      held.push(...(device.session?.held ?? []).map(({ template }) => Buffer.from(template)));
      return devices.replace(was, device);
    },
  });

  async function storesOf({ project, environment }: Tenant, devices: string[]): Promise<Stores> {
    const read = async (path: string) =>
      (await db().collection(path).get()).docs.map((doc) => doc.data() as never);
    const [members, palms, changes, scans, events, objects, ...sessions] = await Promise.all([
      read(`projects/${project.id}/members`),
      read(`environments/${environment.id}/palms`),
      read(`environments/${environment.id}/changes`),
      read(`projects/${project.id}/scans`),
      read(`projects/${project.id}/events`),
      objectsBelow(`environments/${environment.id}/`),
      ...devices.map((id) => db().collection(`devices/${id}/sessions`).get()),
    ]);
    const displaced = sessions.flatMap(({ docs }) =>
      docs.map((doc) => deps.sessions.get(doc.ref.parent.parent?.id ?? "", doc.id)),
    );
    const present = <T>(found: (Stored<T> | undefined)[]) => found.flatMap((one) => (one ? [one.value] : []));
    return {
      ...{ members, palms, changes, scans, events, objects: objects.map(({ path }) => path) },
      devices: present(await Promise.all(devices.map((id) => deps.devices.get(id)))),
      sessions: present(await Promise.all(displaced)),
    };
  }
});
