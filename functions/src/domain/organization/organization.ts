import type { Stored, Write } from "../store.ts";

/** A customer. `admins` are the ids of the console users who run it. */
export interface Organization {
  id: string;
  name: string;
  plan: "sandbox" | "business" | "enterprise";
  admins: readonly string[];
  created_at: Date;
}

export interface Organizations {
  get(id: string): Promise<Stored<Organization> | undefined>;
  /** The organizations that name the user as admin. */
  ofAdmin(user_id: string): Promise<Organization[]>;
  create(organization: Organization): Write;
}
