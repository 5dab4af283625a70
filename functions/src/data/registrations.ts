import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import { KEPT_MS, type Registration, type Registrations } from "../domain/registration/registration.ts";
import type { Stored } from "../domain/store.ts";
import { Documents, date } from "./firestore.ts";

/** Firestore deletes what is past it. */
interface Kept {
  kept_until: Date;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const documents = new Documents<Registration & Kept>(
  z.object({
    id: z.string(),
    code_hash: hash,
    secret_hash: hash,
    app_version: z.string().nullable(),
    model: z.string().nullable(),
    created_at: date,
    expires_at: date,
    registered: z
      .object({ device_id: z.string(), project_id: z.string(), organization_id: z.string(), at: date })
      .nullable(),
    kept_until: date,
  }),
);

const codes = new Documents<{ registration_id: string } & Kept>(
  z.object({ registration_id: z.string(), kept_until: date }),
);

const keptUntil = ({ expires_at }: Registration): Date => new Date(expires_at.getTime() + KEPT_MS);

const toRecord = (registration: Registration): Registration & Kept => ({
  ...registration,
  kept_until: keptUntil(registration),
});

const toStored = (found: Stored<Registration & Kept>): Stored<Registration> => {
  const { kept_until: _, ...registration } = found.value;
  return { ...found, value: registration };
};

/** `registrations/{registration}`, and `registrationcodes/{sha256}`, whose creation makes a code one's own. */
export function createRegistrations(db: Firestore): Registrations {
  const collection = db.collection("registrations");
  const codeRef = (code_hash: string) => db.collection("registrationcodes").doc(code_hash);
  const get = async (id: string) => {
    const found = await documents.get(collection.doc(id));
    return found && toStored(found);
  };
  return {
    get,
    async withCode(code_hash) {
      const code = await codes.get(codeRef(code_hash));
      return code && get(code.value.registration_id);
    },
    create: (registration) => documents.create(collection.doc(registration.id), toRecord(registration)),
    claimCode: (registration) =>
      codes.create(codeRef(registration.code_hash), {
        registration_id: registration.id,
        kept_until: keptUntil(registration),
      }),
    replace: (was, now) => documents.replace(was, toRecord(now)),
  };
}
