import type { Ctx } from "../../domain/context.ts";
import * as devices from "../../domain/device/updateDevice.ts";
import { defineRoute } from "../../http/route.ts";
import { DeviceShape, toDevice, UpdateDeviceBody } from "./schemas.ts";

export const updateDevice = defineRoute({
  method: "PATCH",
  path: "/v1/device/{device_id}",
  operationId: "updateDevice",
  fn: "devices",
  summary: "Update a device",
  description: "Changes the fields that are named: its name, whether it is enabled, its mode.",
  auth: ["firebase", "apiKey"],
  permission: "devices:write",
  scope: "device",
  audits: "device",
  body: UpdateDeviceBody,
  response: DeviceShape,
  errors: [],
  async handle(ctx: Ctx<"devices" | "commit">, { device, body }) {
    return toDevice(await devices.updateDevice(ctx, { device, changes: body }));
  },
});
