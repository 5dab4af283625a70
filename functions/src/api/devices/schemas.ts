import * as z from "zod";
import type { Device } from "../../domain/device/device.ts";
import { patchOf, text, time, toTime, toTimeOrNull, uuid } from "../fields.ts";

const mode = z.enum(["standard", "demo"]);

export const DeviceShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    name: z.string(),
    enabled: z.boolean().meta({ description: "A disabled one is refused samples and scans." }),
    mode: mode.meta({ description: "In mode `demo` a success is also told as `demo.scan.success`." }),
    model: z.string().nullable().meta({
      description:
        "What the terminal said of its hardware in `startRegistration`; compare it with the terminal's label.",
    }),
    app_version: z.string().nullable(),
    last_seen_at: time.nullable(),
    created_at: time,
  })
  .meta({ id: "Device" });

export const UpdateDeviceBody = patchOf("UpdateDevice", {
  name: text(200).optional(),
  enabled: z.boolean().optional(),
  mode: mode.optional(),
});

/** A device as the wire shows it: nothing of its key, nor of its session. */
export const toDevice = (device: Device): z.infer<typeof DeviceShape> => ({
  id: device.id,
  project_id: device.project_id,
  name: device.name,
  enabled: device.enabled,
  mode: device.mode,
  model: device.model,
  app_version: device.app_version,
  last_seen_at: toTimeOrNull(device.last_seen_at),
  created_at: toTime(device.created_at),
});
