import assert from "node:assert/strict";
import { allRoutes } from "../../functions/src/api/routes.ts";
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
  devices: api,
  members: { ...api, secrets: ["SEAL_KEYS"] },
  projects: api,
  health: api,
  sweeper: { ...api, concurrency: 1, trigger: "schedule" },
};

interface Endpoint {
  region: string[];
  httpsTrigger?: { invoker?: string[] };
  scheduleTrigger?: object;
  secretEnvironmentVariables?: { key: string }[];
  availableMemoryMb: string;
  cpu: number;
  concurrency: string | number;
  timeoutSeconds: number;
  minInstances: string | null;
}

/** As JSON, where a parameter stands by its name and what is left to the platform is null. */
const endpoints = Object.entries(table).map(([name, fn]) => {
  const { __endpoint } = fn as unknown as { __endpoint: object };
  return [name, JSON.parse(JSON.stringify(__endpoint)) as Endpoint] as const;
});

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
          trigger: endpoint.httpsTrigger ? "https" : endpoint.scheduleTrigger ? "schedule" : "?",
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

  it("has a function for every route", () => {
    for (const { fn, operationId } of allRoutes)
      assert.ok(fn in MANIFEST, `${operationId} is served by ${fn}`);
  });
});
