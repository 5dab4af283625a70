import assert from "node:assert/strict";
import { taskQueue, trigger } from "../../functions/src/serve.ts";
import { schema } from "../../functions/src/tasks/attempt.ts";
import { testSurroundings } from "../support/surroundings.ts";

const TASK = { project_id: "p", webhook_id: "w", delivery_id: "d", attempt: 1 };

describe("A function of a queue", () => {
  const newFunction = (run: (ctx: object, task: object) => Promise<void>) => {
    const ctx = testSurroundings();
    const fn = taskQueue(
      "queue",
      {},
      async () => ({ schema, run }),
      () => ctx,
    );
    return { ctx, dispatch: (data: unknown) => fn.run({ data } as Parameters<typeof fn.run>[0]) };
  };

  it("runs its verb with the task", async () => {
    const ran: object[] = [];
    const { ctx, dispatch } = newFunction(async (...args) => void ran.push(...args));
    await dispatch(TASK);
    assert.deepEqual(ran, [ctx, TASK]);
  });

  it("rejects with its verb, so that the queue runs the task again", async () => {
    const { dispatch } = newFunction(async () => {
      throw new Error("no");
    });
    await assert.rejects(async () => dispatch(TASK), /^Error: no$/);
  });

  for (const wrong of [null, "x", {}, { ...TASK, attempt: 0 }, { ...TASK, delivery_id: "" }]) {
    it(`logs ${JSON.stringify(wrong)}, and is done with it`, async () => {
      const { ctx, dispatch } = newFunction(() => assert.fail("it is no task"));
      await dispatch(wrong);
      assert.equal(ctx.logged.length, 1);
      assert.match(ctx.logged[0] ?? "", /^error this is no task, and never will be/);
    });
  }
});

describe("A function of a document's creation", () => {
  it("is told the document's path alone, and rejects with its verb", async () => {
    const told: unknown[] = [];
    const ctx = testSurroundings();
    const fn = trigger(
      "outbox",
      {},
      "projects/{project_id}/events/{event_id}",
      async () =>
        async (...args: [object, object]) => {
          told.push(...args);
          throw new Error("no");
        },
      () => ctx,
    );
    const params = { project_id: "p", event_id: "e" };
    assert.ok(fn);
    const event = { params, data: "fields" } as unknown as Parameters<typeof fn.run>[0];
    await assert.rejects(async () => fn.run(event), /^Error: no$/);
    assert.deepEqual(told, [ctx, params]);
  });

  it("is not defined in an instance of another function", async () => {
    process.env["FUNCTION_TARGET"] = "members";
    try {
      const ctx = testSurroundings();
      const task = async () => async (_ctx: object) => {};
      const fn = trigger("outbox", {}, "projects/{project_id}/events/{event_id}", task, () => ctx);
      assert.equal(fn, undefined);
    } finally {
      delete process.env["FUNCTION_TARGET"];
    }
  });
});
