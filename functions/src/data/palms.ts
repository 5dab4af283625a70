import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Palm, Palms } from "../domain/palm/palm.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Palm>(
  z.object({
    id: z.string(),
    environment_id: z.string(),
    project_id: z.string().nullable(),
    member_id: z.string().nullable(),
    hand: z.enum(["left", "right", "unknown"]),
    template_format: z.literal("palm-code.v1"),
    samples: z.number(),
    quality: z.number(),
    seq: z.number(),
    object: z.string(),
    created_at: date,
  }),
);

/** `environments/{environment}/palms/{palm}` */
export function createPalms(db: Firestore): Palms {
  const ref = (environment_id: string, id: string) =>
    db.collection("environments").doc(environment_id).collection("palms").doc(id);
  return {
    getMany: (environment_id, ids) =>
      documents.getMany(
        db,
        ids.map((id) => ref(environment_id, id)),
      ),
    create: (palm) => documents.create(ref(palm.environment_id, palm.id), palm),
    replace: (was, now) => documents.replace(was, now),
  };
}
