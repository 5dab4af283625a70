import type { Effect, Stored, Write } from "../store.ts";

export const PLANS = ["sandbox", "business", "enterprise"] as const;

/** A customer. `admins` are the ids of the console users who run it. */
export interface Organization {
  id: string;
  name: string;
  plan: (typeof PLANS)[number];
  admins: readonly string[];
  created_at: Date;
}

export const effectOn = ({ id }: Organization): Effect => ({
  target: { type: "organization", id },
  organization_id: id,
});

export interface Organizations {
  get(id: string): Promise<Stored<Organization> | undefined>;
  /** The organizations that name the user as admin. */
  ofAdmin(user_id: string): Promise<Organization[]>;
  /** Every organization, in any order. */
  all(): Promise<Organization[]>;
  create(organization: Organization): Write;
  replace(was: Stored<Organization>, now: Organization): Write;
}
