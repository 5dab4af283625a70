import { FieldPath, type Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Change, Changes, Manifest } from "../domain/palm/changes.ts";
import { count, Documents, date, updateFields } from "./firestore.ts";

/** Change numbers are document ids of twelve digits, so that their order is the log's. */
const DIGITS = 12;
const changeId = (seq: number): string => String(seq).padStart(DIGITS, "0");
const isChangeId = (id: string): boolean => id.length === DIGITS && /^\d+$/.test(id);

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
    mac: bytes.nullable().default(null),
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
        .endAt(changeId(10 ** DIGITS - 1))
        .limit(limit);
      const [manifest, found] = await Promise.all([
        manifests.get(manifestRef(environment_id)),
        changes.inspectQuery(newer),
      ]);
      // The number is the document's id: an entry whose field says another one is malformed.
      const values = found.sound.map(({ id, value }) => ({ id, value: value.value }));
      const sound = values.filter(({ id, value }) => id === changeId(value.seq));
      const moved = values.filter(({ id, value }) => id !== changeId(value.seq));
      return {
        manifest: manifest?.value,
        changes: sound.map(({ value }) => value),
        // A document whose id is not a number is no entry.
        malformed: [...found.malformed, ...moved.map(({ id }) => id)].filter(isChangeId).map(Number),
        more: found.sound.length + found.malformed.length >= limit,
      };
    },
    async head(environment_id) {
      // By the field: the order of document ids backwards has no index of its own.
      const last = changesOf(environment_id).orderBy("seq", "desc").limit(1);
      const { sound, malformed } = await changes.inspectQuery(last);
      const [found] = sound;
      if (found && found.id === changeId(found.value.value.seq)) return found.value.value.seq;
      // Numbers are gapless from 1, so that a malformed entry can be counted, too.
      return found || malformed.length > 0 ? count(changesOf(environment_id)) : 0;
    },
    manifest: (environment_id) => manifests.get(manifestRef(environment_id)),
    createManifest: (environment_id, manifest) => manifests.create(manifestRef(environment_id), manifest),
    replaceManifest: (was, now) => manifests.replace(was, now),
    append: (environment_id, change) =>
      changes.create(changesOf(environment_id).doc(changeId(change.seq)), change),
    bind: (environment_id, seq, mac) => updateFields(changesOf(environment_id).doc(changeId(seq)), { mac }),
    redact: (environment_id, seq) =>
      updateFields(changesOf(environment_id).doc(changeId(seq)), { template: null }),
  };
}
