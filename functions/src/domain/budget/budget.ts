import type { Stored } from "../store.ts";

/**
 * What a limit allows: `limit` requests in any `window_ms`. Its tokens lie in `shards` documents, and an instance
 * may take tokens that it expects to need within `lease_ms`; 0 takes none ahead.
 */
export interface Policy {
  name: string;
  limit: number;
  window_ms: number;
  shards: number;
  lease_ms: number;
}

/** Tokens that were taken together; they count until then, in ms since the epoch. */
export interface Grant {
  until: number;
  tokens: number;
}

/** One shard of what a subject has taken: a sliding window, kept as a log. */
export interface Budget {
  grants: readonly Grant[];
}

export interface Budgets {
  /** Undefined when nothing was ever taken. */
  get(subject: string, shard: number): Promise<Stored<Budget> | undefined>;
  /** Creates it when `was` is undefined, else takes effect only while `was` is current. What is stored then needs no read. */
  put(
    subject: string,
    shard: number,
    was: Stored<Budget> | undefined,
    now: Budget,
  ): Promise<Stored<Budget> | "conflict">;
}

/** How long after its stamp a token may still let a request through, in ms. It counts as much longer than a window. */
export const DECIDE_MS = 250;

/** How many tokens a shard holds; together they hold exactly the limit. */
export const capacityOf = ({ limit, shards }: Policy, shard: number): number =>
  Math.floor(((shard + 1) * limit) / shards) - Math.floor((shard * limit) / shards);

/** The grants that count at a time. */
export const currentGrants = (grants: readonly Grant[], at: number): Grant[] =>
  grants.filter(({ until }) => until > at);

/** Tokens that may be taken at a time; below 0 when the limit was lowered meanwhile. */
export const freeTokens = (grants: readonly Grant[], capacity: number, at: number): number =>
  grants.reduce((free, { until, tokens }) => (until > at ? free - tokens : free), capacity);

/** The first time from `at` on at which a token is free: exact, since tokens come back by time alone. */
export function freeAt(grants: readonly Grant[], capacity: number, at: number): number {
  let free = freeTokens(grants, capacity, at);
  if (free > 0) return at;
  for (const { until, tokens } of currentGrants(grants, at).sort((a, b) => a.until - b.until)) {
    free += tokens;
    if (free > 0) return until;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Without the unused tokens of a grant. It must be found as it was taken: where a write took effect whose answer
 * was lost, they have been given back already.
 */
export function giveBack(grants: readonly Grant[], taken: Grant, unused: number): Grant[] {
  const at = grants.findIndex(({ until, tokens }) => until === taken.until && tokens === taken.tokens);
  return grants
    .map((grant, i) => (i === at ? { ...grant, tokens: grant.tokens - unused } : grant))
    .filter(({ tokens }) => tokens > 0);
}
