import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Device, Devices } from "../domain/device/device.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Device>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    mode: z.enum(["standard", "demo"]),
    app_version: z.string().nullable(),
    last_seen_at: date.nullable(),
    secret_hash: z.string().regex(/^[0-9a-f]{64}$/),
    created_at: date,
  }),
);

/** `devices/{device}` */
export function createDevices(db: Firestore): Devices {
  const collection = db.collection("devices");
  return {
    get: (id) => documents.get(collection.doc(id)),
    ofProject: (project_id) => documents.list(collection.where("project_id", "==", project_id)),
    create: (device) => documents.create(collection.doc(device.id), device),
    replace: (was, now) => documents.replace(was, now),
  };
}
