import type { Ctx } from "../../domain/context.ts";
import { getEnvironmentOf } from "../../domain/environment/getEnvironmentOf.ts";
import { defineRoute } from "../../http/route.ts";
import { EnvironmentShape } from "./schemas.ts";

export const getEnvironment = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/environment",
  operationId: "getEnvironment",
  fn: "projects",
  summary: "Get a project's environment",
  description:
    "Where the project's palms live: their format, how strict the decision is, and how many are the project's. " +
    "404 when it has none.",
  auth: ["firebase", "apiKey"],
  permission: "projects:read",
  scope: "project",
  response: EnvironmentShape,
  errors: ["not_found"],
  async handle(ctx: Ctx<"environments" | "palms">, { project }) {
    const { environment, palms } = await getEnvironmentOf(ctx, { project });
    const { id, type, template_format, target_fpir, server_lookup_allowed } = environment;
    const calibrated = environment.calibration !== null;
    return { id, type, template_format, target_fpir, calibrated, palms, server_lookup_allowed };
  },
});
