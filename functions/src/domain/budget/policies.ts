import { type Organization, PLANS } from "../organization/organization.ts";
import type { Policy } from "./budget.ts";

const MINUTE_MS = 60_000;

/**
 * Whose requests are counted together, and how. The plans are an organization's; a user's, a terminal's; those without
 * a valid credential by the client's address, and by that of whoever passed them on; registrations by the client's
 * address, wrong codes by who enters them, duplicate palms by who enrolls them without server lookup, failed
 * verifications by the member. A lease spares a busy instance the store for so long; shards spare a busy document.
 */
const COUNTING = {
  sandbox: { shards: 1, lease_ms: 0 },
  business: { shards: 1, lease_ms: 0 },
  enterprise: { shards: 20, lease_ms: 250 },
  user: { shards: 1, lease_ms: 500 },
  terminal: { shards: 1, lease_ms: 500 },
  address: { shards: 1, lease_ms: 500 },
  proxy: { shards: 10, lease_ms: 500 },
  registration: { shards: 1, lease_ms: 0, window_ms: 10 * MINUTE_MS },
  code: { shards: 1, lease_ms: 0, window_ms: 10 * MINUTE_MS },
  duplicate: { shards: 1, lease_ms: 0, window_ms: 60 * MINUTE_MS },
  mismatch: { shards: 1, lease_ms: 0, window_ms: 15 * MINUTE_MS },
} as const satisfies Record<Plan, unknown> & Record<string, Partial<Policy>>;

/** The same of what all terminals of an organization scan and enroll together, by its plan. */
const TERMINALS = {
  sandbox: { shards: 1, lease_ms: 500 },
  business: { shards: 4, lease_ms: 500 },
  enterprise: { shards: 50, lease_ms: 500 },
} as const satisfies Record<Plan, Partial<Policy>>;

/** How many requests the terminals of an organization may make for each one that its plan allows. */
export const TERMINALS_FACTOR = 10;

type Plan = Organization["plan"];
type LimitName = keyof typeof COUNTING;
export type Policies = Readonly<Record<LimitName | `${Plan}-terminals`, Policy>>;

/** The policies with their limits, in requests a window: a minute unless said otherwise. */
export function policiesOf(limits: Readonly<Record<LimitName, number>>): Policies {
  const policies = Object.entries(COUNTING).map(([name, counting]) => [
    name,
    { name, limit: limits[name as LimitName], window_ms: MINUTE_MS, ...counting },
  ]);
  const terminals = PLANS.map((plan) => {
    const name = `${plan}-terminals`;
    return [name, { name, limit: limits[plan] * TERMINALS_FACTOR, window_ms: MINUTE_MS, ...TERMINALS[plan] }];
  });
  return Object.fromEntries([...policies, ...terminals]);
}
