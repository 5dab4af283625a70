// The deployment table: every function, its options, where its code is and what it is given; nothing else.
import "./options.ts";
import { params, secrets } from "./config.ts";
import { schedule, serve } from "./serve.ts";

const api = {
  memory: params.API_MEMORY_MIB,
  cpu: 1,
  concurrency: params.API_CONCURRENCY,
  timeoutSeconds: 60,
};

/** The high-memory function: whatever touches the gallery. */
const gallery = {
  memory: params.IDENTIFY_MEMORY_MIB,
  cpu: 8,
  concurrency: params.IDENTIFY_CONCURRENCY,
  minInstances: params.IDENTIFY_MIN_INSTANCES,
  timeoutSeconds: 60,
  secrets: [secrets.TEMPLATE_KEYS],
};

export const identify = serve(
  "identify",
  gallery,
  () => import("./api/biometrics/routes.ts"),
  (deps) => deps.galleryDeps(),
);

export const apikeys = serve(
  "apikeys",
  api,
  () => import("./api/apikeys/routes.ts"),
  (deps) => deps.coreDeps(),
);

export const devices = serve(
  "devices",
  api,
  () => import("./api/devices/routes.ts"),
  (deps) => deps.coreDeps(),
);

export const members = serve(
  "members",
  api,
  () => import("./api/members/routes.ts"),
  (deps) => deps.palmDeps(),
);

/** Exports take their time: Hosting waits 60 s, the function's own URL as long as this. */
export const analytics = serve(
  "analytics",
  { ...api, timeoutSeconds: 300 },
  () => import("./api/analytics/routes.ts"),
  (deps) => deps.coreDeps(),
);

export const projects = serve(
  "projects",
  api,
  () => import("./api/projects/routes.ts"),
  (deps) => deps.palmDeps(),
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
  { ...api, concurrency: 1, schedule: "every 5 minutes", retryCount: 0 },
  () => import("./tasks/sweeper.ts").then(({ sweep }) => sweep),
  (deps) => deps.sweeperDeps(),
);
