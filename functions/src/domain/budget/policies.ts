import type { PLANS } from "../organization/organization.ts";
import type { Policy } from "./budget.ts";

const MINUTE_MS = 60_000;

/**
 * Whose requests are counted together, and how. The plans are an organization's; a user's, a terminal's; those without
 * a valid credential by the client's address, and by that of whoever passed them on; registrations by the client's
 * address, wrong codes by who enters them, duplicate palms by who enrolls them without server lookup. A lease spares a busy instance the store for so long; shards spare a busy
 * document.
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
} as const satisfies Record<(typeof PLANS)[number], unknown> & Record<string, Partial<Policy>>;

type PolicyName = keyof typeof COUNTING;
export type Policies = Readonly<Record<PolicyName, Policy>>;

/** The policies with their limits, in requests a window: a minute unless said otherwise. */
export function policiesOf(limits: Readonly<Record<PolicyName, number>>): Policies {
  const entries = Object.entries(COUNTING).map(([name, counting]) => [
    name,
    { name, limit: limits[name as PolicyName], window_ms: MINUTE_MS, ...counting },
  ]);
  return Object.fromEntries(entries);
}
