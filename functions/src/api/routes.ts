import type { Ports } from "../domain/context.ts";
import type { Route } from "../http/route.ts";
import { routes as analytics } from "./analytics/routes.ts";
import { routes as apikeys } from "./apikeys/routes.ts";
import { routes as biometrics } from "./biometrics/routes.ts";
import { routes as devices } from "./devices/routes.ts";
import { routes as enrollments } from "./enrollments/routes.ts";
import { routes as health } from "./health/routes.ts";
import { routes as members } from "./members/routes.ts";
import { routes as projects } from "./projects/routes.ts";
import { routes as terminal } from "./terminal/routes.ts";
import { routes as webhooks } from "./webhooks/routes.ts";

/** Every route by group, for documentation and for tests that walk them; no function loads this table. */
export const groups: Record<string, readonly Route<keyof Ports>[]> = {
  analytics,
  apikeys,
  biometrics,
  devices,
  enrollments,
  members,
  projects,
  terminal,
  webhooks,
  health,
};

export const allRoutes: readonly Route<keyof Ports>[] = Object.values(groups).flat();
