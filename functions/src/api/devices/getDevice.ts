import { defineRoute } from "../../http/route.ts";
import { DeviceShape, toDevice } from "./schemas.ts";

export const getDevice = defineRoute({
  method: "GET",
  path: "/v1/device/{device_id}",
  operationId: "getDevice",
  fn: "devices",
  summary: "Get a device",
  description: "One palm terminal of a project that the caller may see.",
  auth: ["firebase", "apiKey"],
  permission: "devices:read",
  scope: "device",
  response: DeviceShape,
  errors: [],
  async handle(_ctx, { device }) {
    return toDevice(device.value);
  },
});
