import assert from "node:assert/strict";
import { recoverDeliveries } from "../../../functions/src/domain/delivery/recoverDeliveries.ts";
import type { Event } from "../../../functions/src/domain/event/event.ts";
import { deleteWebhook } from "../../../functions/src/domain/webhook/deleteWebhook.ts";
import { updateWebhook } from "../../../functions/src/domain/webhook/updateWebhook.ts";
import { deliveryWorld, status } from "../../support/deliveries.ts";
import { type Calls, Fate } from "../../support/dying.ts";

const MINUTE = 60_000;

/** What empties the outbox: whoever made the event, the platform's trigger, the sweeper. */
const MOVERS = ["request", "trigger", "sweeper"] as const;
const SETS: readonly (readonly (typeof MOVERS)[number][])[] = [MOVERS, ["request"], ["trigger"], ["sweeper"]];

function newWorld(fate: Fate, movers: readonly string[], event: { is?: Event }) {
  // The second attempt succeeds, so that every step is walked past twice.
  const world = deliveryWorld({
    process: (ports) => fate.process(ports),
    answer: (_, count) => status(count === 1 ? 500 : 200),
  });
  const begin = async () => {
    const { is } = event;
    assert.ok(is);
    if (movers.includes("request")) void world.soon(is).catch(() => undefined);
    if (movers.includes("trigger")) void world.trigger(is).catch(() => undefined);
    if (movers.includes("sweeper")) world.startSweeper();
  };
  return { ...world, begin };
}

async function play(fate: Fate, movers: readonly string[]) {
  const event: { is?: Event } = {};
  const world = newWorld(fate, movers, event);
  await world.subscribe();
  event.is = await world.happen();
  await world.begin();
  await world.pass(25 * MINUTE);
  return world;
}

type World = ReturnType<typeof deliveryWorld>;

const isDelivered = async (world: World) =>
  (await world.deliveries()).some(({ status: is }) => is === "success");

/** Nothing is lost that anybody will still come for: the outbox has it, or a delivery with a time. */
async function assertKept(world: World, where: string): Promise<void> {
  const [event] = await world.shelves.events.all();
  const deliveries = await world.deliveries();
  assert.ok(event);
  if (!event.dispatched_at) {
    assert.deepEqual(deliveries, [], where);
    return;
  }
  assert.equal(deliveries.length, 1, where);
  for (const { status: is, next_attempt_at } of deliveries) {
    assert.ok(is === "success" || (is === "pending" && next_attempt_at), `${is}, ${where}`);
  }
}

describe("A process that dies on the way of an event", () => {
  for (const movers of SETS) {
    it(`loses nothing, whenever it dies, where ${movers.join(", ")} move events`, async () => {
      const learnt: Calls = new Map();
      const living = new Fate(learnt);
      const alive = await play(living, movers);
      assert.ok(await isDelivered(alive));
      assert.equal(alive.received.length, 2);
      for (const call of [
        "outbound.post",
        "queue.enqueue",
        "commit",
        "webhooks.ofProject",
        "deliveries.get",
      ]) {
        assert.ok(living.calls.includes(call), `${call} among ${living.calls}`);
      }
      const last = living.calls.lastIndexOf("outbound.post") + 3;
      let duplicates = 0;
      for (let nth = 1; nth <= last; nth++) {
        for (const when of ["before", "after"] as const) {
          const fate = new Fate(learnt, nth, when);
          const where = `${when} call ${nth} of ${living.calls.slice(0, last)}`;
          const world = await play(fate, movers);
          assert.ok(fate.met, where);
          await assertKept(world, where);
          // With a sweeper everything arrives, whatever died.
          if (!movers.includes("sweeper")) {
            world.startSweeper();
            await world.pass(25 * MINUTE);
          }
          assert.ok(await isDelivered(world), where);
          const ids = new Set(world.received.map(({ headers }) => headers["webhook-id"]));
          assert.equal(ids.size, 1, where);
          duplicates += world.received.length - 2;
        }
      }
      // An attempt whose record was lost is made again: that is all that comes twice.
      assert.ok(duplicates > 0 && duplicates <= 12, `${duplicates} duplicates`);
    });
  }
});

/** What somebody asked for, of three deliveries that have failed or wait. */
const CHORES: Record<
  string,
  {
    enabled: boolean;
    ask(world: World, process: World["ctx"]): Promise<unknown>;
    isDone(world: World): Promise<boolean>;
  }
> = {
  "the recovery of what has failed": {
    enabled: false,
    async ask(world, process) {
      await updateWebhook(world.ctx, { webhook: await world.webhook(), fields: { enabled: true } });
      const since = new Date(Number(world.clock.now()) - 600 * MINUTE);
      await recoverDeliveries(process, { webhook: await world.webhook(), since });
    },
    isDone: allDelivered,
  },
  "the enabling of a subscription": {
    enabled: true,
    async ask(world, process) {
      const fields = { enabled: false };
      await updateWebhook(world.ctx, { webhook: await world.webhook(), fields });
      // The second attempts come, and wait.
      await world.clock.sleep(MINUTE);
      await updateWebhook(process, { webhook: await world.webhook(), fields: { enabled: true } });
    },
    isDone: allDelivered,
  },
  "the deletion of a subscription": {
    enabled: true,
    ask: async (world, process) => deleteWebhook(process, { webhook: await world.webhook() }),
    async isDone({ shelves: { webhooks, slots, deliveries, attempts } }) {
      return [webhooks, slots, deliveries, attempts].every(({ stored }) => stored.size === 0);
    },
  },
};

async function allDelivered(world: World): Promise<boolean> {
  const all = await world.deliveries();
  return all.length === 3 && all.every(({ status: is }) => is === "success");
}

describe("A process that dies in the middle of", () => {
  for (const [what, { enabled, ask, isDone }] of Object.entries(CHORES)) {
    it(`${what} leaves it to be done, or not asked for, whenever it dies`, async () => {
      const run = async (fate: Fate) => {
        const world = deliveryWorld({ answer: (_, count) => status(count <= 3 ? 500 : 200) });
        await world.subscribe({ enabled });
        for (let count = 0; count < 3; count++) await world.clock.until(world.soon(await world.happen()));
        await world.pass(1000);
        await world.clock.until(ask(world, fate.process(world.ctx)).catch(() => undefined));
        world.startSweeper();
        await world.pass(60 * MINUTE);
        return world;
      };
      const learnt: Calls = new Map();
      const living = new Fate(learnt);
      assert.ok(await isDone(await run(living)));
      let unasked = 0;
      for (let nth = 1; nth <= living.calls.length; nth++) {
        for (const when of ["before", "after"] as const) {
          const fate = new Fate(learnt, nth, when);
          const where = `${when} call ${nth} of ${living.calls}`;
          const world = await run(fate);
          assert.ok(fate.met, where);
          if (await isDone(world)) continue;
          // Nobody has heard of it: it is asked again.
          unasked++;
          await world.clock.until(ask(world, world.ctx));
          await world.pass(60 * MINUTE);
          assert.ok(await isDone(world), where);
        }
      }
      assert.ok(unasked <= 4, `${unasked} times it was not begun`);
    });
  }

  it("a dispatch, while its subscription is deleted, leaves no delivery behind", async () => {
    const world = deliveryWorld();
    await world.subscribe();
    const event = await world.happen();
    const { ofProject } = world.ctx.webhooks;
    world.ctx.webhooks.ofProject = async (project_id) => {
      const found = await ofProject(project_id);
      await deleteWebhook(world.ctx, { webhook: await world.webhook() });
      return found;
    };
    await world.clock.until(world.soon(event));
    await world.pass(MINUTE);
    assert.equal(world.received.length, 0);
    assert.equal(world.shelves.deliveries.stored.size, 0);
  });
});
