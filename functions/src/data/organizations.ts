import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { type Organization, type Organizations, PLANS } from "../domain/organization/organization.ts";
import { Documents, date } from "./firestore.ts";

const documents = new Documents<Organization>(
  z.object({
    id: z.string(),
    name: z.string(),
    plan: z.enum(PLANS),
    admins: z.array(z.string()),
    device_count: z.int().min(0).optional(),
    created_at: date,
  }),
);

/** `organizations/{organization}` */
export function createOrganizations(db: Firestore): Organizations {
  const collection = db.collection("organizations");
  return {
    get: (id) => documents.get(collection.doc(id)),
    async ofAdmin(user_id) {
      const found = await documents.query(collection.where("admins", "array-contains", user_id));
      return found.map(({ value }) => value);
    },
    async all() {
      return (await documents.query(collection)).map(({ value }) => value);
    },
    create: (organization) => documents.create(collection.doc(organization.id), organization),
    replace: (was, now) => documents.replace(was, now),
  };
}
