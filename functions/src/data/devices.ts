import { type Firestore, type Query, Timestamp } from "@google-cloud/firestore";
import * as z from "zod";
import { type Device, type Devices, dueAt } from "../domain/device/device.ts";
import { isActive } from "../domain/enrollment/session.ts";
import type { Stored } from "../domain/store.ts";
import { Documents, date, updateFields } from "./firestore.ts";
import { sessionFields } from "./sessions.ts";

/** What devices are found by: the member that is being enrolled there, and when there is something to tidy away. */
interface Found {
  enrolling: string | null;
  due_at: Date | null;
}

const documents = new Documents<Device & Found>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    mode: z.enum(["standard", "demo"]),
    // Absent from devices of before the field existed.
    model: z.string().nullable().default(null),
    app_version: z.string().nullable(),
    last_seen_at: date.nullable(),
    secret_hash: z.string().regex(/^[0-9a-f]{64}$/),
    unclaimed_key: z.object({ kid: z.string(), sealed: z.instanceof(Uint8Array), until: date }).nullable(),
    session: sessionFields.nullable(),
    created_at: date,
    enrolling: z.string().nullable(),
    due_at: date.nullable(),
  }),
);

const toRecord = (device: Device): Device & Found => ({
  ...device,
  enrolling: device.session && isActive(device.session) ? device.session.member_id : null,
  due_at: dueAt(device),
});

const fromRecord = ({ enrolling: _, due_at: _d, ...device }: Device & Found): Device => device;

const toStored = (found: Stored<Device & Found>): Stored<Device> => ({
  ...found,
  value: fromRecord(found.value),
});

/** `devices/{device}` */
export function createDevices(db: Firestore): Devices {
  const collection = db.collection("devices");
  const query = async (what: Query) => (await documents.query(what)).map(toStored);
  return {
    async get(id) {
      const found = await documents.get(collection.doc(id));
      return found && toStored(found);
    },
    ofProject: (project_id) => documents.list(collection.where("project_id", "==", project_id), fromRecord),
    async enrolling({ id, project_id }) {
      const found = await query(collection.where("enrolling", "==", id));
      return found.filter(({ value }) => value.project_id === project_id);
    },
    due: (at, limit) =>
      query(collection.where("due_at", "<=", Timestamp.fromDate(at)).orderBy("due_at").limit(limit)),
    create: (device) => documents.create(collection.doc(device.id), toRecord(device)),
    replace: (was, now) => documents.replace(was, toRecord(now)),
    remove: (was) => documents.remove(was),
    touch: (id, { last_seen_at, app_version }) =>
      updateFields(collection.doc(id), { last_seen_at: Timestamp.fromDate(last_seen_at), app_version }),
    watch: (id, { next, error }) =>
      documents.watch(collection.doc(id), (found) => next(found && toStored(found)), error),
  };
}
