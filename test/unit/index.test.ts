import assert from "node:assert/strict";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { QUEUES } from "../../functions/src/domain/delivery/queue.ts";
import * as table from "../../functions/src/index.ts";

/** What architecture promises of each function; a figure that is a parameter stands by its name. */
const api = {
  availableMemoryMb: "params.API_MEMORY_MIB",
  cpu: 1,
  concurrency: "params.API_CONCURRENCY",
  timeoutSeconds: 60,
  trigger: "https",
  secrets: [],
};
const MANIFEST: Record<string, object> = {
  identify: {
    ...api,
    availableMemoryMb: "params.IDENTIFY_MEMORY_MIB",
    cpu: 8,
    concurrency: "params.IDENTIFY_CONCURRENCY",
    minInstances: "params.IDENTIFY_MIN_INSTANCES",
    secrets: ["TEMPLATE_KEYS", "SEAL_KEYS"],
  },
  apikeys: { ...api, secrets: ["SEAL_KEYS"] },
  analytics: { ...api, timeoutSeconds: 300 },
  devices: { ...api, secrets: ["SEAL_KEYS"] },
  enrollments: { ...api, secrets: ["SEAL_KEYS"] },
  members: { ...api, secrets: ["SEAL_KEYS"] },
  projects: api,
  terminal: { ...api, concurrency: "params.TERMINAL_CONCURRENCY", secrets: ["SEAL_KEYS"] },
  webhooks: { ...api, secrets: ["WEBHOOK_KEYS", "SEAL_KEYS"] },
  health: api,
  deliverwebhook: { ...api, trigger: "tasks", secrets: ["WEBHOOK_KEYS"] },
  retrywebhook: { ...api, trigger: "tasks", secrets: ["WEBHOOK_KEYS"] },
  outbox: { ...api, concurrency: 1, trigger: "event" },
  sweeper: { ...api, concurrency: 1, trigger: "schedule" },
};

interface Endpoint {
  region: string[];
  httpsTrigger?: { invoker?: string[] };
  taskQueueTrigger?: { invoker?: string[]; retryConfig: object; rateLimits: object };
  eventTrigger?: { eventType: string; eventFilterPathPatterns: object; retry: boolean };
  scheduleTrigger?: object;
  secretEnvironmentVariables?: { key: string }[];
  availableMemoryMb: string;
  cpu: number;
  concurrency: string | number;
  timeoutSeconds: number;
  minInstances: string | null;
}

const TRIGGERS = {
  httpsTrigger: "https",
  taskQueueTrigger: "tasks",
  eventTrigger: "event",
  scheduleTrigger: "schedule",
} as const;

/** As JSON, where a parameter stands by its name and what is left to the platform is null. */
const endpoints = Object.entries(table).map(([name, fn]) => {
  const { __endpoint } = fn as unknown as { __endpoint: object };
  return [name, JSON.parse(JSON.stringify(__endpoint)) as Endpoint] as const;
});

const withoutNulls = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

describe("The deployment table", () => {
  it("has exactly the functions of the manifest", () => {
    assert.deepEqual(endpoints.map(([name]) => name).sort(), Object.keys(MANIFEST).sort());
  });

  for (const [name, endpoint] of endpoints) {
    it(`gives ${name} its options`, () => {
      const { availableMemoryMb, cpu, concurrency, timeoutSeconds, minInstances } = endpoint;
      assert.deepEqual(
        {
          availableMemoryMb,
          cpu,
          concurrency,
          timeoutSeconds,
          trigger: Object.entries(TRIGGERS).find(([trigger]) => trigger in endpoint)?.[1],
          secrets: (endpoint.secretEnvironmentVariables ?? []).map(({ key }) => key),
          ...(minInstances === null ? {} : { minInstances }),
        },
        MANIFEST[name],
      );
      assert.deepEqual(endpoint.region, ["europe-west1"]);
      if (endpoint.httpsTrigger) assert.deepEqual(endpoint.httpsTrigger.invoker, ["public"]);
    });

    it(`names ${name} in one lower-case word`, () => assert.match(name, /^[a-z]+$/));
  }

  const endpointOf = (name: string) => endpoints.find(([each]) => each === name)?.[1];

  for (const name of ["deliverwebhook", "retrywebhook"]) {
    it(`lets Cloud Tasks alone call ${name}, and again five times at most`, () => {
      const { invoker, retryConfig, rateLimits } = endpointOf(name)?.taskQueueTrigger ?? assert.fail();
      assert.deepEqual(invoker, ["private"]);
      assert.deepEqual(withoutNulls(retryConfig), {
        maxAttempts: 5,
        minBackoffSeconds: 5,
        maxBackoffSeconds: 60,
      });
      assert.deepEqual(rateLimits, {
        maxConcurrentDispatches: "params.WEBHOOK_CONCURRENCY",
        maxDispatchesPerSecond: 500,
      });
    });
  }

  it("runs outbox with each event that is created, again until it succeeds", () => {
    const { eventType, eventFilterPathPatterns, retry } = endpointOf("outbox")?.eventTrigger ?? assert.fail();
    assert.equal(eventType, "google.cloud.firestore.document.v1.created");
    assert.deepEqual(eventFilterPathPatterns, { document: "projects/{project_id}/events/{event_id}" });
    assert.equal(retry, true);
  });

  it("has a queue for every name of the port", () => {
    for (const queue of QUEUES) assert.ok(endpointOf(queue)?.taskQueueTrigger, queue);
  });

  it("has a function for every route", () => {
    for (const { fn, operationId } of allRoutes)
      assert.ok(fn in MANIFEST, `${operationId} is served by ${fn}`);
  });
});
