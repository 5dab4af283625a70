import { join } from "node:path";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { BASE, type OperationExample } from "../../functions/src/http/openapi.ts";
import { interruption, startSuite } from "../emulators.ts";
import { ROOT } from "../profiles.ts";
import { startReceiver } from "../webhooks/receiver.ts";
import { Play } from "./play.ts";
import { TOUR } from "./tour.ts";

/**
 * Plays the tour on a suite of its own: examples by operationId, the same each time.
 * @throws Error for an answer that is no success
 */
export async function record(): Promise<Record<string, OperationExample[]>> {
  const suite = await startSuite({
    profile: "demo",
    importDir: join(ROOT, "emulator-data"),
    signal: interruption(),
  });
  const receiver = await startReceiver();
  try {
    const play = await Play.begin(suite, receiver.url);
    const examples: Record<string, OperationExample[]> = {};
    for (const call of TOUR) {
      const { operationId, summary } = call;
      const route = allRoutes.find((one) => one.operationId === operationId);
      if (!route) throw new Error(`there is no operation ${operationId}`);
      const request = play.requestOf(call);
      const answered = await play.send(call, { ...route, path: route.path.slice(BASE.length) }, request);
      if (answered.status !== route.status) {
        throw new Error(`${operationId} (${summary}): ${JSON.stringify(answered)}`);
      }
      examples[operationId] = [...(examples[operationId] ?? []), { summary, ...request, ...answered }];
    }
    return examples;
  } finally {
    await receiver.close();
    await suite.stop();
  }
}
