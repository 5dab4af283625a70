import { CloudTasksClient } from "@google-cloud/tasks";
import { type Check, LIMIT_MS } from "../domain/health/checkHealth.ts";
import { ask } from "./health.ts";

type ClientOptions = NonNullable<ConstructorParameters<typeof CloudTasksClient>[0]>;

/** Cloud Tasks, by the queue of webhook deliveries; in the emulator, by its statistics. */
export function createQueueCheck(
  queue: { projectId: string; region: string; name: string; emulatorHost: string | undefined },
  options: ClientOptions = {},
): Check {
  const named = { name: "cloud_tasks", critical: false };
  if (queue.emulatorHost) {
    const stats = `http://${queue.emulatorHost}/queueStats`;
    return { ...named, run: () => ask(stats) };
  }
  // By HTTP: gRPC waits up to 2 min before it connects again, and says until then that Tasks is away.
  const client = new CloudTasksClient({ ...options, projectId: queue.projectId, fallback: true });
  const name = client.queuePath(queue.projectId, queue.region, queue.name);
  return {
    ...named,
    async run() {
      await client.getQueue({ name }, { timeout: LIMIT_MS, retry: null });
    },
  };
}
