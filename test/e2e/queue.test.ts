import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { QUEUES } from "../../functions/src/domain/delivery/queue.ts";
import { REGION } from "../../functions/src/options.ts";
import { profileConfig } from "../../scripts/profiles.ts";

describe("The functions of the queues", () => {
  const { project, ports } = profileConfig("test");

  /** Calls one as the queue does, whose token the emulator does not look at. */
  const run = (name: string, data: object) =>
    fetch(`http://127.0.0.1:${ports.functions}/${project}/${REGION}/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Bearer e30.e30.none" },
      body: JSON.stringify({ data }),
    });

  for (const name of QUEUES) {
    it(`acknowledge an attempt of no delivery, and what is no task: ${name}`, async () => {
      const [project_id, webhook_id, delivery_id] = [randomUUID(), randomUUID(), randomUUID()];
      const answers = [
        await run(name, { project_id, webhook_id, delivery_id, attempt: 1 }),
        await run(name, { delivery_id }),
        await run(name, {}),
      ];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [204, 204, 204],
      );
    });
  }
});
