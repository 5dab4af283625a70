import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createQueue } from "../../functions/src/data/queue.ts";
import { openTasks } from "../../functions/src/data/tasks.ts";
import type { Queue } from "../../functions/src/domain/delivery/queue.ts";

/** The queue of a project of its own, whose function is a server of the test. */
describe("The queue, on the emulator of Cloud Tasks", () => {
  const projectId = `demo-queue-${randomUUID()}`;
  const region = "europe-west1";
  let queue: Queue;
  let fn: Server;
  /** What the function is asked: the task's name and the body. */
  const asked: { name: string | undefined; body: unknown }[] = [];
  /** What it answers next; then 204. */
  const answers: number[] = [];

  before(async () => {
    fn = createServer(async (request, response) => {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
      asked.push({ name: request.headers["x-cloudtasks-taskname"] as string | undefined, body });
      response.writeHead(answers.shift() ?? 204).end();
    }).listen(0, "127.0.0.1");
    await once(fn, "listening");
    const emulator = `http://${process.env["CLOUD_TASKS_EMULATOR_HOST"]}`;
    const made = await fetch(`${emulator}/projects/${projectId}/locations/${region}/queues/deliverwebhook`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        defaultUri: `http://127.0.0.1:${(fn.address() as AddressInfo).port}`,
        retryConfig: { maxAttempts: 2, minBackoffSeconds: 0.1 },
        rateLimits: { maxConcurrentDispatches: 2 },
      }),
    });
    assert.equal(made.status, 200);
    queue = createQueue({ projectId, region, open: async () => openTasks(), now: () => new Date() });
  });
  after(() => fn.close());
  beforeEach(() => {
    asked.length = 0;
  });

  const task = { project_id: "p", webhook_id: "w", delivery_id: "d", attempt: 1 };
  const inMs = (ms: number): Date => new Date(Date.now() + ms);
  const until = async (count: number): Promise<void> => {
    for (let tries = 0; tries < 100 && asked.length < count; tries++) await sleep(100);
  };

  it("brings a task to its function, in the form that functions take", async () => {
    await queue.enqueue("deliverwebhook", "01", task, inMs(0));
    await until(1);
    assert.deepEqual(asked, [{ name: "01", body: { data: task } }]);
  });

  it("brings tasks of one name once, though it has been run", async () => {
    await queue.enqueue("deliverwebhook", "02", task, inMs(0));
    await queue.enqueue("deliverwebhook", "02", task, inMs(0));
    await until(1);
    await queue.enqueue("deliverwebhook", "02", task, inMs(0));
    await queue.enqueue("deliverwebhook", "03", task, inMs(0));
    await until(2);
    assert.deepEqual(asked.map(({ name }) => name).sort(), ["02", "03"]);
  });

  it("leaves to the sweeper what is due later, which it would bring at once", async () => {
    await queue.enqueue("deliverwebhook", "04", task, inMs(3000));
    await queue.enqueue("deliverwebhook", "05", task, inMs(1500));
    await until(1);
    await sleep(1200);
    assert.deepEqual(
      asked.map(({ name }) => name),
      ["05"],
    );
  });

  it("brings a task again when its function has failed", async () => {
    answers.push(500);
    await queue.enqueue("deliverwebhook", "06", task, inMs(0));
    await until(2);
    assert.deepEqual(
      asked.map(({ name }) => name),
      ["06", "06"],
    );
  });

  it("is unavailable while there is no such queue", async () => {
    await assert.rejects(queue.enqueue("retrywebhook", "07", task, inMs(0)), { code: "unavailable" });
  });
});
