// The deployment table: every function, its options, where its code is and what it is given; nothing else.
import "./options.ts";
import { params, secrets } from "./config.ts";
import { schedule, serve, taskQueue, trigger } from "./serve.ts";

const small = { memory: params.API_MEMORY_MIB, cpu: 1, timeoutSeconds: 60 };

const api = { ...small, concurrency: params.API_CONCURRENCY };

/** The high-memory function: whatever touches the gallery. */
const gallery = {
  memory: params.IDENTIFY_MEMORY_MIB,
  cpu: 8,
  concurrency: params.IDENTIFY_CONCURRENCY,
  minInstances: params.IDENTIFY_MIN_INSTANCES,
  timeoutSeconds: 60,
  secrets: [secrets.TEMPLATE_KEYS, secrets.SEAL_KEYS],
};

export const identify = serve(
  "identify",
  gallery,
  () => import("./api/biometrics/routes.ts"),
  (deps) => deps.galleryDeps(),
  async () => new (await import("./inputs.ts")).ReaderAside(),
);

export const apikeys = serve(
  "apikeys",
  { ...api, secrets: [secrets.SEAL_KEYS] },
  () => import("./api/apikeys/routes.ts"),
  (deps) => deps.apikeysDeps(),
);

export const devices = serve(
  "devices",
  { ...api, secrets: [secrets.SEAL_KEYS] },
  () => import("./api/devices/routes.ts"),
  (deps) => deps.devicesDeps(),
);

export const enrollments = serve(
  "enrollments",
  { ...api, secrets: [secrets.SEAL_KEYS] },
  () => import("./api/enrollments/routes.ts"),
  (deps) => deps.enrollmentsDeps(),
);

/** Long polls: hundreds of them wait in one instance. */
export const terminal = serve(
  "terminal",
  {
    ...small,
    concurrency: params.TERMINAL_CONCURRENCY,
    secrets: [secrets.SEAL_KEYS],
  },
  () => import("./api/terminal/routes.ts"),
  (deps) => deps.terminalDeps(),
);

export const members = serve(
  "members",
  { ...api, secrets: [secrets.SEAL_KEYS] },
  () => import("./api/members/routes.ts"),
  (deps) => deps.membersDeps(),
);

/** Exports take their time: Hosting waits 60 s, the function's own URL as long as this. */
export const analytics = serve(
  "analytics",
  { ...api, timeoutSeconds: 300 },
  () => import("./api/analytics/routes.ts"),
  (deps) => deps.apiDeps(),
);

export const projects = serve(
  "projects",
  api,
  () => import("./api/projects/routes.ts"),
  (deps) => deps.projectsDeps(),
);

export const webhooks = serve(
  "webhooks",
  { ...api, secrets: [secrets.WEBHOOK_KEYS, secrets.SEAL_KEYS] },
  () => import("./api/webhooks/routes.ts"),
  (deps) => deps.webhooksDeps(),
);

/** Also answers every path under /v1 that no other function has. */
export const health = serve(
  "health",
  api,
  () => import("./api/health/routes.ts"),
  (deps) => deps.healthDeps(),
);

export const sweeper = schedule(
  "sweeper",
  { ...small, concurrency: 1, schedule: "every 5 minutes", retryCount: 0 },
  () => import("./tasks/sweeper.ts").then(({ sweep }) => sweep),
  (deps) => deps.sweeperDeps(),
);

/** An endpoint that fails is tried again by a schedule of ours: the queue's own is for our faults, short and bounded. */
const attempts = {
  ...small,
  concurrency: params.API_CONCURRENCY,
  secrets: [secrets.WEBHOOK_KEYS],
  retryConfig: { maxAttempts: 5, minBackoffSeconds: 5, maxBackoffSeconds: 60 },
  rateLimits: { maxConcurrentDispatches: params.WEBHOOK_CONCURRENCY, maxDispatchesPerSecond: 500 },
};

const attempt = async () => {
  const [{ schema }, { deliver }] = await Promise.all([
    import("./tasks/attempt.ts"),
    import("./tasks/deliver.ts"),
  ]);
  return { schema, run: deliver };
};

export const deliverwebhook = taskQueue("deliverwebhook", attempts, attempt, (deps) => deps.deliveryDeps());

export const retrywebhook = taskQueue("retrywebhook", attempts, attempt, (deps) => deps.deliveryDeps());

export const outbox = trigger(
  "outbox",
  { ...small, concurrency: 1 },
  "projects/{project_id}/events/{event_id}",
  () => import("./tasks/outbox.ts").then(({ dispatch }) => dispatch),
  (deps) => deps.outboxDeps(),
);
