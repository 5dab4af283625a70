import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { Project, Projects } from "../domain/project/project.ts";
import { Documents, date } from "./firestore.ts";

/** The most values that one `in` filter takes. */
const IN_LIMIT = 30;

const documents = new Documents<Project>(
  z.object({
    id: z.string(),
    organization_id: z.string(),
    environment_id: z.string().nullable(),
    name: z.string(),
    phone_number: z.string().nullable(),
    website: z.string().nullable(),
    sandbox: z.boolean(),
    server_lookup_enabled: z.boolean(),
    created_at: date,
  }),
);

/** `projects/{project}` */
export function createProjects(db: Firestore): Projects {
  const collection = db.collection("projects");
  return {
    get: (id) => documents.get(collection.doc(id)),
    async getMany(ids) {
      const found = await documents.getMany(
        db,
        ids.map((id) => collection.doc(id)),
      );
      return found.map(({ value }) => value);
    },
    async ofOrganizations(organization_ids) {
      const chunks = Array.from({ length: Math.ceil(organization_ids.length / IN_LIMIT) }, (_, i) =>
        organization_ids.slice(i * IN_LIMIT, (i + 1) * IN_LIMIT),
      );
      const found = await Promise.all(
        chunks.map((chunk) => documents.query(collection.where("organization_id", "in", chunk))),
      );
      return found.flat().map(({ value }) => value);
    },
    create: (project) => documents.create(collection.doc(project.id), project),
    replace: (was, now) => documents.replace(was, now),
  };
}
