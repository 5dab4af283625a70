import type { Ctx } from "../../domain/context.ts";
import * as devices from "../../domain/device/deleteDevice.ts";
import { defineRoute } from "../../http/route.ts";

export const deleteDevice = defineRoute({
  method: "DELETE",
  path: "/v1/device/{device_id}",
  operationId: "deleteDevice",
  fn: "devices",
  summary: "Delete a device",
  description:
    "Its key is refused from the very next request on, and its enrollment session ends; its scans stay. Twice is 404.",
  auth: ["firebase", "apiKey"],
  permission: "devices:write",
  scope: "device",
  audits: "device",
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: Ctx<"devices" | "organizations" | "projects" | "commit">, { device, project }) {
    await devices.deleteDevice(ctx, { device, project });
  },
});
