import type { Listing } from "../list.ts";
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
  /**
   * The enrolment session that was started last for the member. Starting one so changes the member: whoever deletes it
   * in the same moment begins again, and finds the session.
   */
  last_session_id: string | null;
  created_at: Date;
  updated_at: Date;
}

/** What a customer says of a member. */
export type MemberFields = Pick<Member, "name" | "external_id" | "email" | "phone_number" | "metadata">;

/** A member, or an answer that shows one, without what a customer said of the person. */
export const withoutPersonalData = <T extends MemberFields>(member: T): T => ({
  ...member,
  name: null,
  external_id: null,
  email: null,
  phone_number: null,
  metadata: {},
});

/** How many palms a member can have enrolled. */
export const MAX_PALMS = 4;

export interface Members {
  get(project_id: string, id: string): Promise<Stored<Member> | undefined>;
  create(member: Member): Write;
  replace(was: Stored<Member>, now: Member): Write;
  remove(was: Stored<Member>): Write;
  ofProject(project_id: string): Listing<Member>;
  /** Takes an external id for a member: the batch fails when the project has it already. */
  claimExternalId(member: { id: string; project_id: string }, external_id: string): Write;
  releaseExternalId(project_id: string, external_id: string): Write;
  /** The id of the member that has an external id, in any of its forms. */
  withExternalId(project_id: string, external_id: string): Promise<string | undefined>;
}
