import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Scan, Scans } from "../domain/scan/scan.ts";
import { count, Documents, date, within } from "./firestore.ts";

const documents = new Documents<Scan>(
  z.object({
    id: z.string(),
    project_id: z.string(),
    device_id: z.string().nullable(),
    api_key_id: z.string().nullable().default(null),
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
  const scansOf = (project_id: string) => db.collection("projects").doc(project_id).collection("scans");
  return {
    create: (scan) => documents.create(scansOf(scan.project_id).doc(scan.id), scan),
    ofProject: (project_id, range) => documents.list(within(scansOf(project_id), range)),
    countIdentify: (project_id, outcome, range) =>
      count(
        within(
          scansOf(project_id).where("operation", "==", "identify").where("outcome", "==", outcome),
          range,
        ),
      ),
  };
}
