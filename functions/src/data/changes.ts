import { FieldPath, type Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Change, Changes, Manifest } from "../domain/palm/changes.ts";
import { Documents, date, updateFields } from "./firestore.ts";

/** Change numbers are document ids of twelve digits, so that their order is the log's. */
const DIGITS = 12;
const changeId = (seq: number): string => String(seq).padStart(DIGITS, "0");

const bytes = z.instanceof(Uint8Array);

const changes = new Documents<Change>(
  z.object({
    seq: z.number(),
    op: z.enum(["put", "remove"]),
    palm_id: z.string(),
    project_id: z.string().nullable(),
    hand: z.enum(["left", "right", "unknown"]),
    template: bytes.nullable(),
    at: date,
  }),
);

const manifests = new Documents<Manifest>(
  z.object({ wrapped_key: z.object({ kid: z.string(), sealed: bytes }).nullable() }),
);

/** `environments/{environment}/gallery/current` and `environments/{environment}/changes/{seq}` */
export function createChanges(db: Firestore): Changes {
  const environment = (id: string) => db.collection("environments").doc(id);
  const manifestRef = (id: string) => environment(id).collection("gallery").doc("current");
  const changesOf = (id: string) => environment(id).collection("changes");
  return {
    async readAfter(environment_id, seq, limit) {
      const newer = changesOf(environment_id)
        .orderBy(FieldPath.documentId())
        .startAfter(changeId(seq))
        .limit(limit);
      const [manifest, found] = await Promise.all([
        manifests.get(manifestRef(environment_id)),
        changes.query(newer),
      ]);
      return { manifest: manifest?.value, changes: found.map(({ value }) => value) };
    },
    async head(environment_id) {
      // By the field: the order of document ids backwards has no index of its own.
      const [last] = await changes.query(changesOf(environment_id).orderBy("seq", "desc").limit(1));
      return last?.value.seq ?? 0;
    },
    manifest: (environment_id) => manifests.get(manifestRef(environment_id)),
    createManifest: (environment_id, manifest) => manifests.create(manifestRef(environment_id), manifest),
    replaceManifest: (was, now) => manifests.replace(was, now),
    append: (environment_id, change) =>
      changes.create(changesOf(environment_id).doc(changeId(change.seq)), change),
    redact: (environment_id, seq) =>
      updateFields(changesOf(environment_id).doc(changeId(seq)), { template: null }),
  };
}
