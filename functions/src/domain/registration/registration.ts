import type { Stored, Write } from "../store.ts";

/** A terminal out of its box: it shows a code, and asks with its claim token what became of it. */
export interface Registration {
  /** The claim token's prefix is it. */
  id: string;
  code_hash: string;
  secret_hash: string;
  app_version: string | null;
  model: string | null;
  created_at: Date;
  /** The code works until then. */
  expires_at: Date;
  /** Null until somebody has entered the code. */
  registered: { device_id: string; project_id: string; organization_id: string; at: Date } | null;
}

export interface Registrations {
  get(id: string): Promise<Stored<Registration> | undefined>;
  withCode(code_hash: string): Promise<Stored<Registration> | undefined>;
  create(registration: Registration): Write;
  /** Takes the code: the batch fails when another registration has it. */
  claimCode(registration: Registration): Write;
  replace(was: Stored<Registration>, now: Registration): Write;
}

/** How long a code works, and how long its device's key can be fetched from when it was entered, in ms. */
export const CODE_MS = 15 * 60_000;

/** How much longer than its code a registration is kept, so that what comes late is told so, in ms. */
export const KEPT_MS = 24 * 60 * 60_000;
