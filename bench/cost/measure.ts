import { allRoutes } from "../../functions/src/api/routes.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import type { Client } from "../../test/support/client.ts";
import { UNLIMITED } from "../../test/support/limits.ts";
import { clientOf, examplesOf, prepare, send } from "../../test/support/requests.ts";
import { installMeter, Meter, type Operation } from "./meter.ts";
import type { Bill } from "./procedures.ts";
import { type AllDeps, type Example, newPlaces, type Places } from "./requests.ts";

/** How many rounds of reads a request may take before its first write. */
const LIMITS = {
  pipeline: 2,
  /** A device names its project, the project its environment. */
  palmsOfDevice: 3,
  handler: 2,
  all: { identify: 3 } as Record<string, number>,
};

/** Whose pipeline goes by a device to the environment of its project. */
const PALMS_OF_DEVICE = new Set(
  allRoutes
    .filter(({ scope }) => scope === "devicePalms" || scope === "terminalPalms")
    .map(({ operationId }) => operationId),
);

/** What one request costs when its instance is warm. */
export interface Cost extends Bill {
  operation: string;
  which: string | undefined;
  credential: Credential | "none";
  /** Rounds of reads before the first write: the pipeline's, then what the handler adds. */
  pipeline: number;
  handler: number;
  /** Rounds in all, writes included. */
  rounds: number;
}

/** Measures every route by every credential that it takes. */
export async function measureAll(deps: AllDeps): Promise<Cost[]> {
  installMeter();
  const places = await newPlaces(deps);
  // What it costs to take tokens is told by itself (guards.ts).
  const client = clientOf(allRoutes.map(marked), { ...deps, limiter: UNLIMITED, log: SILENT });
  const costs: Cost[] = [];
  for (const route of allRoutes) {
    const credentials = route.auth === "public" ? (["none"] as const) : route.auth;
    for (const example of examplesOf(route)) {
      for (const credential of credentials) {
        const operations = await measure(client, places, route, example, credential);
        const named = { operation: route.operationId, which: example.which, credential };
        costs.push({ ...named, ...summary(operations) });
      }
    }
  }
  return costs;
}

/** What is put off with a warning would not be measured. */
const SILENT: AllDeps["log"] = {
  warn(message, facts) {
    throw new Error(`${message}: ${JSON.stringify(facts)}`);
  },
  error(message, facts) {
    throw new Error(`${message}: ${JSON.stringify(facts)}`);
  },
};

const marked = (route: Route): Route => ({
  ...route,
  handle(ctx, input) {
    Meter.handling();
    return route.handle(ctx, input);
  },
});

/** How often `health` is asked until no check times out. */
const HEALTH_TRIES = 50;

async function measure(
  client: Client,
  places: Places,
  route: Route,
  example: Example,
  credential: Cost["credential"],
): Promise<Operation[]> {
  const { deps } = places;
  const place = places[example.at ?? "busy"];
  const request = await prepare(places, route, example, credential);
  // An instance that has served this minute: the key is touched, gallery and format are in memory.
  await deps.apiKeys.touch(place.ids["key_id"] as string, deps.now());
  await Promise.all([deps.galleries.follow(place.environment).synced, deps.formats.of(place.project.id)]);

  for (let tries = 1; ; tries++) {
    const meter = new Meter();
    const answer = await meter.run(() => send(client, request));
    if (answer.status === route.status) return meter.operations;
    // A busy machine can make the checks of `health` time out, which does not change what they cost.
    if (route.operationId === "health" && answer.status === 503 && tries < HEALTH_TRIES) continue;
    throw new Error(`${route.operationId} answered ${answer.status} to its example: ${answer.text}`);
  }
}

/** What operations cost together. */
export function summary(operations: readonly Operation[]): Omit<Cost, "operation" | "which" | "credential"> {
  const total = (of: keyof Bill) => operations.reduce((sum, operation) => sum + operation[of], 0);
  const last = (some: readonly Operation[]) => Math.max(0, ...some.map(({ round }) => round));
  const firstWrite = Math.min(...operations.filter(({ kind }) => kind === "write").map(({ round }) => round));
  const reads = operations.filter(({ kind, round }) => kind === "read" && round < firstWrite);
  const pipeline = last(reads.filter(({ by }) => by === "pipeline"));
  return {
    reads: total("reads"),
    writes: total("writes"),
    deletes: total("deletes"),
    classA: total("classA"),
    classB: total("classB"),
    pipeline,
    handler: last(reads) - pipeline,
    rounds: last(operations),
  };
}

/** Which limits are broken, and by whom. */
export function broken(costs: readonly Cost[]): string[] {
  return costs.flatMap(({ operation, which, credential, pipeline, handler }) => {
    const name = [operation, which, `(${credential})`].filter(Boolean).join(" ");
    const all = LIMITS.all[operation] ?? Infinity;
    const say = (who: string, takes: number, limit: number) =>
      takes > limit
        ? [`${name}: ${who} ${takes} rounds of reads before the first write, ${limit} at most`]
        : [];
    return [
      ...say(
        "the pipeline takes",
        pipeline,
        PALMS_OF_DEVICE.has(operation) ? LIMITS.palmsOfDevice : LIMITS.pipeline,
      ),
      ...say("the handler adds", handler, LIMITS.handler),
      ...say("it takes", pipeline + handler, all),
    ];
  });
}
