import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as projects from "../../domain/project/listProjects.ts";
import { defineRoute } from "../../http/route.ts";
import { ProjectShape, toProject } from "./schemas.ts";

export const listProjects = defineRoute({
  method: "GET",
  path: "/v1/projects",
  operationId: "listProjects",
  fn: "projects",
  summary: "List projects",
  description:
    "A console user sees the projects of the organizations they administer, an API key those that it opens. " +
    "Newest first.",
  auth: ["firebase", "apiKey"],
  permission: "projects:read",
  scope: "caller",
  response: z.array(ProjectShape),
  errors: [],
  async handle(ctx: Ctx<"organizations" | "projects">, { actor }) {
    return (await projects.listProjects(ctx, { actor })).map(toProject);
  },
});
