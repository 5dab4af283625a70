import type { Actor, Ctx } from "../context.ts";
import type { Effect, Stored, Write } from "../store.ts";

export const PLANS = ["sandbox", "business", "enterprise"] as const;

/** A customer. `admins` are the ids of the console users who run it. */
export interface Organization {
  id: string;
  name: string;
  plan: (typeof PLANS)[number];
  admins: readonly string[];
  /** How many devices its projects have. Absent until a device is first registered or deleted; then they are counted. */
  device_count?: number | undefined;
  created_at: Date;
}

/** How many devices an organization may have by itself, by plan; Infinity for any number. */
export type DeviceLimits = Readonly<Record<Organization["plan"], number>>;

export const effectOn = ({ id }: Organization): Effect => ({
  target: { type: "organization", id },
  organization_id: id,
});

/**
 * Whether an actor administers an organization. A user without a verified e-mail address never does, even when the
 * organization names them.
 */
export const administers = (actor: Actor, organization: Organization | undefined): boolean =>
  actor.type === "user" && actor.email_verified && organization?.admins.includes(actor.id) === true;

/** The organizations that an actor administers, in any order. */
export const administeredBy = async (ctx: Ctx<"organizations">, actor: Actor): Promise<Organization[]> =>
  actor.type === "user" && actor.email_verified ? ctx.organizations.ofAdmin(actor.id) : [];

export interface Organizations {
  get(id: string): Promise<Stored<Organization> | undefined>;
  /** The organizations that name the user as admin; what the user may do is decided by `administeredBy`. */
  ofAdmin(user_id: string): Promise<Organization[]>;
  /** Every organization, in any order. */
  all(): Promise<Organization[]>;
  create(organization: Organization): Write;
  replace(was: Stored<Organization>, now: Organization): Write;
}
