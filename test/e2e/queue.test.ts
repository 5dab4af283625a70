import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createQueue } from "../../functions/src/data/queue.ts";
import { openTasks } from "../../functions/src/data/tasks.ts";
import { type AttemptTask, QUEUES } from "../../functions/src/domain/delivery/queue.ts";
import { REGION } from "../../functions/src/options.ts";

const projectId = "demo-palmgate-test";

describe("The functions of the queues", () => {
  const queue = createQueue({
    projectId,
    region: REGION,
    open: async () => openTasks(),
    now: () => new Date(),
  });
  const statistics = async (name: string) => {
    const answer = await fetch(`http://${process.env["CLOUD_TASKS_EMULATOR_HOST"]}/queueStats`);
    const all = (await answer.json()) as Record<string, { completedLastMin: number; failedTasks: number }>;
    return all[`queue:${projectId}-${REGION}-${name}`] ?? assert.fail(`there is no queue ${name}`);
  };

  for (const name of QUEUES) {
    it(`acknowledge an attempt of no delivery, and what is no task: ${name}`, async () => {
      const before = await statistics(name);
      const [project_id, webhook_id, delivery_id] = [randomUUID(), randomUUID(), randomUUID()];
      const task = { project_id, webhook_id, delivery_id, attempt: 1 };
      await queue.enqueue(name, randomUUID(), task, new Date());
      await queue.enqueue(name, randomUUID(), { delivery_id } as AttemptTask, new Date());
      const done = before.completedLastMin + 2;
      for (let tries = 0; tries < 40 && (await statistics(name)).completedLastMin < done; tries++)
        await sleep(250);
      const after = await statistics(name);
      assert.equal(after.completedLastMin, done);
      assert.equal(after.failedTasks, before.failedTasks);
    }).timeout(15_000);
  }
});
