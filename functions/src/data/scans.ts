import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Scan, Scans } from "../domain/scan/scan.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Scan>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    device_id: z.string().nullable(),
    source: z.enum(["api", "terminal"]),
    operation: z.enum(["identify", "verify", "enroll"]),
    outcome: z.enum(["identified", "no_match", "match", "enrolled"]),
    member_id: z.string().nullable(),
    score: z.number().nullable(),
    pad_score: z.number().nullable(),
    created_at: date,
  }),
);

/** `projects/{project}/scans/{scan}` */
export function createScans(db: Firestore): Scans {
  return {
    create: (scan) =>
      documents.create(db.collection("projects").doc(scan.project_id).collection("scans").doc(scan.id), scan),
  };
}
