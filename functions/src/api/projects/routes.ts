import { getProject } from "./getProject.ts";
import { listProjects } from "./listProjects.ts";

export const routes = [listProjects, getProject];
