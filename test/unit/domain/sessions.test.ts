import assert from "node:assert/strict";
import { setImmediate as immediate } from "node:timers/promises";
import fc from "fast-check";
import { allRoutes } from "../../../functions/src/api/routes.ts";
import { sweepDevices } from "../../../functions/src/domain/device/sweepDevices.ts";
import { sweepGarbage } from "../../../functions/src/domain/garbage/sweepGarbage.ts";
import { createApp } from "../../../functions/src/http/app.ts";
import { newChance } from "../../support/chance.ts";
import { createClient } from "../../support/client.ts";
import {
  assertChange,
  assertMembers,
  assertWhole,
  land,
  newReal,
  playHistories,
} from "../../support/sessions.ts";
import { terminalWorld } from "../../support/terminals.ts";

const RUNS = Number(process.env["SESSION_RUNS"] ?? 300);

describe("Enrolment sessions, whatever happens to them at once", () => {
  it(`keep their promises in ${RUNS} random histories at two instances`, async () => {
    // The limit of palms takes five of one member.
    const wanted = [
      ...(["completed", "failed", "cancelled", "expired"] as const),
      ...(["poor_quality", "template_mismatch", "duplicate_palm"] as const),
    ];
    await playHistories({ runs: RUNS, wanted }, async (commands, turns) => {
      const world = terminalWorld();
      const { shelves } = world;
      const everHeld = new Set<string>();
      const put = shelves.devices.put;
      shelves.devices.put = (id, device) => {
        assertChange(shelves.devices.stored.get(id)?.value.session ?? null, device.session, world.now());
        for (const { template } of device.session?.held ?? []) everHeld.add(hex(template));
        return put(id, device);
      };
      const chance = newChance(turns);
      // Between two calls of one request others have their turns, more or fewer of them.
      const gate = async () => {
        for (let others = Math.floor(chance() * 4); others > 0; others--) await immediate();
      };
      const app = () => {
        const { fetch } = createApp(allRoutes, world.instance(gate) as never);
        return createClient((request) => fetch(request));
      };
      const quiet = world.instance();
      const sweep = async (ctx = world.instance(gate)) => {
        const until = new Date(world.now().getTime() + 45_000);
        await sweepDevices(ctx, { until });
        await sweepGarbage(ctx, { until });
      };
      const real = newReal({
        project_id: world.project.id,
        token: world.token,
        clients: [app(), app()],
        devices: [world.newTerminal(), world.newTerminal()],
        members: [world.newMember(), world.newMember()],
        advance: world.advance,
        sweep,
        quiet: async () =>
          assertMembers({ devices: values(shelves.devices), members: values(shelves.members) }),
      });
      await fc.asyncModelRun(() => ({ model: {}, real }), commands);
      await land(real);
      world.advance(60 * 60_000);
      await sweep(quiet);

      const faults = world.logged.filter((line) => !line.includes("The service is busy"));
      assert.deepEqual(faults, []);
      const sessions = assertWhole(
        {
          devices: values(shelves.devices),
          sessions: values(shelves.sessions),
          members: values(shelves.members),
          palms: values(shelves.palms),
          changes: values(shelves.changes),
          scans: values(shelves.scans),
          events: values(shelves.events),
          objects: [...world.objects.keys()],
        },
        real,
        world.now(),
      );
      const left = Object.values(shelves).flatMap((shelf) => values<unknown>(shelf as never));
      for (const bytes of bytesIn(left)) assert.ok(!everHeld.has(hex(bytes)), "a held sample is left");
      return sessions;
    });
  });
});

const values = <T>(shelf: { stored: Map<string, { value: T }> }) =>
  [...shelf.stored.values()].map(({ value }) => value);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Every sequence of bytes in a value. */
function bytesIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(bytesIn) : [];
}
