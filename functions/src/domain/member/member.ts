import type { Stored, Write } from "../store.ts";

/** A person as the customer knows them. */
export interface Member {
  id: string;
  project_id: string;
  name: string | null;
  external_id: string | null;
  email: string | null;
  phone_number: string | null;
  metadata: Readonly<Record<string, string>>;
  /** The member's enrolled palms, oldest first; at most `MAX_PALMS`. */
  palm_ids: readonly string[];
  created_at: Date;
  updated_at: Date;
}

/** How many palms a member can have enrolled. */
export const MAX_PALMS = 4;

export interface Members {
  get(project_id: string, id: string): Promise<Stored<Member> | undefined>;
  create(member: Member): Write;
  replace(was: Stored<Member>, now: Member): Write;
  /** Takes an external id for a member: the batch fails when the project has it already. */
  claimExternalId(member: { id: string; project_id: string }, external_id: string): Write;
}
