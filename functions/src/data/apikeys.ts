import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { ApiKey, ApiKeys } from "../domain/apikey/apikey.ts";
import { PERMISSIONS } from "../domain/apikey/permission.ts";
import { answered, Documents, date } from "./firestore.ts";

const documents = new Documents<ApiKey>(
  z.object({
    id: z.string(),
    prefix: z.string(),
    organization_id: z.string(),
    name: z.string(),
    created_by_user_id: z.string(),
    project_ids: z.array(z.string()).nullable(),
    permissions: z.array(z.enum(PERMISSIONS)).nullable().default(null),
    secret_hash: z.string().regex(/^[0-9a-f]{64}$/),
    created_at: date,
    expires_at: date.nullable().default(null),
    last_used_at: date.nullable(),
    revoked_at: date.nullable(),
  }),
);

/** `apikeys/{key}` */
export function createApiKeys(db: Firestore): ApiKeys {
  const collection = db.collection("apikeys");
  return {
    get: (id) => documents.get(collection.doc(id)),
    async ofOrganization(organization_id) {
      const found = await documents.query(collection.where("organization_id", "==", organization_id));
      return found.map(({ value }) => value);
    },
    create: (key) => documents.create(collection.doc(key.id), key),
    replace: (was, now) => documents.replace(was, now),
    async touch(id, at) {
      await answered(collection.doc(id).update({ last_used_at: at }));
    },
  };
}
