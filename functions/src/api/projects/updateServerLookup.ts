import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { setServerLookup } from "../../domain/project/setServerLookup.ts";
import { defineRoute } from "../../http/route.ts";
import { ProjectShape, toProject } from "./schemas.ts";

const ServerLookupBody = z.strictObject({ enabled: z.boolean() }).meta({ id: "ServerLookup" });

export const updateServerLookup = defineRoute({
  method: "PATCH",
  path: "/v1/project/{project_id}/server-lookup",
  operationId: "updateServerLookup",
  fn: "projects",
  summary: "Switch server lookup on or off",
  description:
    "Whether identify and verify may be called with an API key; from the very next request on. On is refused " +
    "where the project has no environment that allows it.",
  auth: ["firebase"],
  scope: "project",
  audits: "project",
  body: ServerLookupBody,
  response: ProjectShape,
  errors: ["conflict"],
  async handle(ctx: Ctx<"projects" | "environments" | "commit">, { project, body }) {
    return toProject(await setServerLookup(ctx, { project_id: project.id, enabled: body.enabled }));
  },
});
