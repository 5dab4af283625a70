import { FieldPath, type Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { TEMPLATE_FORMATS } from "../domain/environment/environment.ts";
import type { FoundPalms, Palm, Palms } from "../domain/palm/palm.ts";
import { count, Documents, date, type Inspected } from "./firestore.ts";

const documents = new Documents<Palm>(
  z.object({
    id: z.string(),
    environment_id: z.string(),
    project_id: z.string().nullable(),
    member_id: z.string().nullable(),
    hand: z.enum(["left", "right", "unknown"]),
    template_format: z.enum(TEMPLATE_FORMATS),
    samples: z.number(),
    quality: z.number().nullable(),
    seq: z.number(),
    object: z.string(),
    created_at: date,
    mac: z.instanceof(Uint8Array).nullable().default(null),
  }),
);

/** A document that names another palm than its path does is malformed. */
const toFound = ({ sound, malformed }: Inspected<Palm>): FoundPalms => ({
  palms: sound.flatMap(({ id, value }) => (id === value.value.id ? value : [])),
  malformed: [...malformed, ...sound.flatMap(({ id, value }) => (id === value.value.id ? [] : id))],
});

/** `environments/{environment}/palms/{palm}` */
export function createPalms(db: Firestore): Palms {
  const palmsOf = (environment_id: string) =>
    db.collection("environments").doc(environment_id).collection("palms");
  const ref = (environment_id: string, id: string) => palmsOf(environment_id).doc(id);
  return {
    getMany: (environment_id, ids) =>
      documents.getMany(
        db,
        ids.map((id) => ref(environment_id, id)),
      ),
    async find(environment_id, ids) {
      return toFound(
        await documents.inspect(
          db,
          ids.map((id) => ref(environment_id, id)),
        ),
      );
    },
    async after(environment_id, id, limit) {
      const all = palmsOf(environment_id).orderBy(FieldPath.documentId()).limit(limit);
      return toFound(await documents.inspectQuery(id === undefined ? all : all.startAfter(id)));
    },
    create: (palm) => documents.create(ref(palm.environment_id, palm.id), palm),
    replace: (was, now) => documents.replace(was, now),
    remove: (was) => documents.remove(was),
    count(environment_id, project_id) {
      const all = palmsOf(environment_id);
      return count(project_id === undefined ? all : all.where("project_id", "==", project_id));
    },
  };
}
