import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as devices from "../../domain/device/rotateDeviceKey.ts";
import { defineRoute } from "../../http/route.ts";

const DeviceKeyShape = z
  .strictObject({ device_key: z.string().meta({ description: "Shown in this answer only." }) })
  .meta({ id: "DeviceKey" });

export const rotateDeviceKey = defineRoute({
  method: "POST",
  path: "/v1/device/{device_id}/rotate-key",
  operationId: "rotateDeviceKey",
  fn: "devices",
  summary: "Rotate a device's key",
  description:
    "Makes a new key for the device, to be brought to it. The old one is refused from the very next request on, and " +
    "is no longer there for the terminal to fetch.",
  auth: ["firebase", "apiKey"],
  permission: "devices:write",
  scope: "device",
  idempotent: true,
  audits: "device",
  body: z.strictObject({}),
  response: DeviceKeyShape,
  errors: [],
  async handle(ctx: Ctx<"devices" | "commit">, { device }) {
    return devices.rotateDeviceKey(ctx, { device });
  },
});
