import { defineRoute } from "../../http/route.ts";
import { ProjectShape, toProject } from "./schemas.ts";

export const getProject = defineRoute({
  method: "GET",
  path: "/v1/projects/{project_id}",
  operationId: "getProject",
  fn: "projects",
  summary: "Get a project",
  description: "One project that the caller may see.",
  auth: ["firebase", "apiKey"],
  permission: "projects:read",
  scope: "project",
  response: ProjectShape,
  errors: [],
  async handle(_ctx, { project }) {
    return toProject(project);
  },
});
