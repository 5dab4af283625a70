import { getEnvironment } from "./getEnvironment.ts";
import { getProject } from "./getProject.ts";
import { listAudit } from "./listAudit.ts";
import { listOrganizations } from "./listOrganizations.ts";
import { listProjects } from "./listProjects.ts";
import { updateServerLookup } from "./updateServerLookup.ts";

export const routes = [
  listOrganizations,
  listProjects,
  getProject,
  getEnvironment,
  updateServerLookup,
  listAudit,
];
