import { CloudTasksClient } from "@google-cloud/tasks";
import type { Check } from "../domain/health/checkHealth.ts";

/** Cloud Tasks, by the queue of webhook deliveries; in the emulator, by its statistics. */
export function createQueueCheck(queue: {
  projectId: string;
  region: string;
  name: string;
  emulatorHost: string | undefined;
}): Check {
  const named = { name: "cloud_tasks", critical: false };
  if (queue.emulatorHost) {
    const stats = `http://${queue.emulatorHost}/queueStats`;
    return {
      ...named,
      async run() {
        const response = await fetch(stats);
        if (!response.ok) throw new Error(`the tasks emulator answered ${response.status}`);
      },
    };
  }
  const client = new CloudTasksClient({ projectId: queue.projectId });
  const name = client.queuePath(queue.projectId, queue.region, queue.name);
  return {
    ...named,
    async run() {
      await client.getQueue({ name });
    },
  };
}
