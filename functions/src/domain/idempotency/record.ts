import type { Stored, Write } from "../store.ts";

/** The answer to a request that took effect, for whoever sends it again. Stored sealed: a key shown once is in it. */
export interface IdempotencyRecord {
  /** SHA-256 of owner, method, path and key, hex. */
  id: string;
  /** SHA-256 of the body's bytes, hex. */
  body_hash: string;
  status: number;
  /** The answer's body. */
  text: string;
  expires_at: Date;
}

/** For how long a record answers. */
export const RECORD_MS = 24 * 60 * 60_000;

export interface IdempotencyRecords {
  get(id: string): Promise<Stored<IdempotencyRecord> | undefined>;
  create(record: IdempotencyRecord): Write;
  /** In place of one that has expired. */
  replace(was: Stored<IdempotencyRecord>, now: IdempotencyRecord): Write;
}
