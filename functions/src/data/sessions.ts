import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { REJECTIONS, type Session, type Sessions, STATUSES, TOLD_MS } from "../domain/enrollment/session.ts";
import { Documents, date } from "./firestore.ts";

const hand = z.enum(["left", "right", "unknown"]);

/** A session as it is stored, in its device or put away. */
export const sessionFields = z.object({
  id: z.string(),
  device_id: z.string(),
  project_id: z.string(),
  member_id: z.string().nullable(),
  hand,
  status: z.enum(STATUSES),
  samples_required: z.int(),
  samples_accepted: z.int(),
  last_rejection: z.object({ code: z.enum(REJECTIONS), at: date }).nullable(),
  version: z.int(),
  created_at: date,
  updated_at: date,
  expires_at: date,
  completed_at: date.nullable(),
  sample_ids: z.array(z.string()),
  held: z.array(
    z.object({
      sample_id: z.string(),
      hand,
      pad_score: z.number().nullable(),
      template: z.instanceof(Uint8Array),
    }),
  ),
});

/** `expires_at` is the session's own; Firestore deletes the record a day after. */
type Record = Session & { kept_until: Date };

const documents = new Documents<Record>(sessionFields.extend({ kept_until: date }));

/** `devices/{device}/sessions/{session}`: those that another one has displaced. */
export function createSessions(db: Firestore): Sessions {
  const ref = (device_id: string, id: string) =>
    db.collection("devices").doc(device_id).collection("sessions").doc(id);
  return {
    async get(device_id, id) {
      const found = await documents.get(ref(device_id, id));
      if (!found) return undefined;
      const { kept_until: _, ...session } = found.value;
      return { ...found, value: session };
    },
    create: (session) =>
      documents.create(ref(session.device_id, session.id), {
        ...session,
        kept_until: new Date(session.updated_at.getTime() + TOLD_MS),
      }),
  };
}
