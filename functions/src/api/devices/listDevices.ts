import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import { pageQuery, pageShape, readPage } from "../../http/page.ts";
import { defineRoute } from "../../http/route.ts";
import { DeviceShape, toDevice } from "./schemas.ts";

export const listDevices = defineRoute({
  method: "GET",
  path: "/v1/project/{project_id}/devices",
  operationId: "listDevices",
  fn: "devices",
  summary: "List devices",
  description: "The palm terminals of the project, newest first, a page at a time.",
  auth: ["firebase", "apiKey"],
  permission: "devices:read",
  scope: "project",
  query: z.strictObject(pageQuery(100)),
  response: pageShape(DeviceShape).meta({ id: "DevicePage" }),
  errors: [],
  async handle(ctx: Ctx<"devices">, { project, query }) {
    return readPage(ctx.devices.ofProject(project.id), query, toDevice);
  },
});
