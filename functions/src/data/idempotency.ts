import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { IdempotencyRecord, IdempotencyRecords } from "../domain/idempotency/record.ts";
import type { WrappedKey } from "../domain/palm/sealing.ts";
import { Documents, date } from "./firestore.ts";
import type { Sealer } from "./keyring.ts";

/** A record as it is stored: when it ends, and nothing else that anybody can read. */
type SealedRecord = WrappedKey & Pick<IdempotencyRecord, "expires_at">;

const documents = new Documents<SealedRecord>(
  z.object({ kid: z.string(), sealed: z.instanceof(Uint8Array), expires_at: date }),
);

const Answer = z.strictObject({ body_hash: z.string(), status: z.int(), text: z.string() });

/** `idempotency/{sha256}` */
export function createIdempotencyRecords(db: Firestore, sealer: Sealer): IdempotencyRecords {
  const collection = db.collection("idempotency");
  const about = (id: string): string => `idempotency:${id}`;
  const seal = ({ id, expires_at, ...answer }: IdempotencyRecord): SealedRecord => ({
    ...sealer.seal(Buffer.from(JSON.stringify(answer)), about(id)),
    expires_at,
  });
  return {
    async get(id) {
      const stored = await documents.get(collection.doc(id));
      if (!stored) return undefined;
      const { expires_at, ...sealed } = stored.value;
      const answer = Answer.parse(JSON.parse(Buffer.from(sealer.open(sealed, about(id))).toString()));
      return { value: { id, expires_at, ...answer }, version: stored.version };
    },
    create: (record) => documents.create(collection.doc(record.id), seal(record)),
    replace: (was, now) => documents.replace(was, seal(now)),
  };
}
