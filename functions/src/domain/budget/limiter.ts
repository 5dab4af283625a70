import { AGAIN, change } from "../change.ts";
import type { Surroundings } from "../context.ts";
import type { Stored } from "../store.ts";
import {
  type Budget,
  type Budgets,
  capacityOf,
  currentGrants,
  DECIDE_MS,
  freeAt,
  freeTokens,
  type Grant,
  giveBack,
  type Policy,
} from "./budget.ts";

/** How long a policy is taken for granted, in ms. */
const POLICY_MS = 60_000;
/** For how many sleeps an instance waits for the store, and for how many at most, of so many ms. */
const TURNS = 5;
const MOST_TURNS = 40;
const TURN_MS = DECIDE_MS / TURNS;
/** How many takes may be slow while an instance is still connecting to the store. */
const FIRST_TAKES = 5;
/** How long an instance limits by itself before it asks the store again, in ms. */
const ALONE_MS = 1000;
/**
 * How often the time that a token may decide is doubled: to 8 s. A crowd may keep an instance so busy that each take
 * comes too late, and the takes that follow would keep it busy for ever.
 */
const MOST_LATE = 5;
/** How many empty shards tell that the others are empty, too, where tokens are scarce. */
const HUNT = 8;
/** How many subjects are kept in memory. */
const ACCOUNTS = 10_000;

/** Whether a request is let through, and what its caller is told of the limit. */
export interface Verdict {
  admitted: boolean;
  /** Undefined where it could not be found out: let through. */
  policy: Policy | undefined;
  /** Whole tokens that are left, an estimate with several shards; 0 when refused. */
  remaining: number;
  /** Whole seconds until the oldest token comes back, 1 to the window. */
  reset_s: number;
  /** Of a refusal: whole seconds until a token is free, 1 to the window; else 0. */
  retry_after_s: number;
}

export type PolicySource = () => Promise<Policy>;

/** What this instance knows of a subject without asking the store. */
export interface Peeked {
  /** How many requests this instance has let through that still count. */
  admitted: number;
  /** The refusal that the next request would get from memory; undefined where it may be let through. */
  refusal: Verdict | undefined;
}

/** What this instance knows of one shard. */
interface Shard {
  free: number;
  blocked_until: number;
}

/** Tokens that this instance took; those that are left when it ends are given back. */
interface Lease {
  shard: number;
  grant: Grant;
  ends: number;
  left: number;
}

interface Waiter {
  resolve(verdict: Verdict): void;
  reject(error: unknown): void;
}

/** How often the store has answered in one take. */
interface Asked {
  answers: number;
}

/** What this instance knows of one subject. */
interface Account {
  readonly subject: string;
  source: PolicySource | undefined;
  policy: Policy | undefined;
  policy_at: number;
  shards: Shard[];
  /** The shard that tokens are taken from, and what this instance has stored there: null where it must be read. */
  shard: number | undefined;
  known: Stored<Budget> | null;
  /** Until then others are taken to write what this instance has stored: reading first is cheaper than a conflict. */
  shared_until: number;
  leases: Lease[];
  waiting: Waiter[];
  serving: boolean;
  /** Requests of about one lease: what is taken ahead. */
  demand: number;
  demand_at: number;
  /** What this instance let through, by the store or alone. It never exceeds the limit, even if the store fails. */
  readonly own: Grant[];
  alone_until: number;
  /** No shard had tokens, and none that was half full has been seen since. */
  isScarce: boolean;
  /** How many shards were found empty one after the other. */
  empty: number;
  remaining: number;
  reset_at: number;
}

/** Of a subject whose policy nobody knows. */
const UNKNOWN: Verdict = {
  admitted: true,
  policy: undefined,
  remaining: 0,
  reset_s: 1,
  retry_after_s: 0,
};

/** Lets through what the policies allow, exactly, together with the other instances: they share `budgets`. */
export class Limiter {
  readonly #ctx: Surroundings & { budgets: Budgets };
  /** The last in the map is the one used last. */
  readonly #accounts = new Map<string, Account>();
  #outage = false;
  /** How many takes in a row, less those in time, came too late to be used; each doubles how long a token may decide. */
  #late = 0;
  /** How many more takes may be slow: none once the store has answered in time, or not at all. */
  #slowTakes = FIRST_TAKES;

  constructor(ctx: Surroundings & { budgets: Budgets }) {
    this.#ctx = ctx;
  }

  /**
   * Decides on one request; without a promise where memory suffices. The store is asked at most by one take at a
   * time for a subject, whoever comes meanwhile is served by the next.
   * @throws DomainError `unavailable` after 3 s of contention.
   */
  admit(subject: string, policy: Policy | PolicySource): Verdict | Promise<Verdict> {
    const account = this.#use(subject);
    if (typeof policy === "function") account.source = policy;
    else setPolicy(account, policy, this.#now());
    this.#count(account);
    const verdict = account.waiting.length === 0 ? this.#fromMemory(account) : undefined;
    return (
      verdict ??
      new Promise((resolve, reject) => {
        account.waiting.push({ resolve, reject });
        if (!account.serving) void this.#serve(account);
      })
    );
  }

  /**
   * Looks at what memory knows of a subject: takes no token, creates no account and never asks the store. An account
   * that is looked at stays in memory, so a flood of refused requests costs nothing for as long as it lasts.
   */
  peek(subject: string): Peeked {
    const account = this.#accounts.get(subject);
    if (!account) return { admitted: 0, refusal: undefined };
    this.#use(subject);
    const now = this.#now();
    const admitted = currentGrants(account.own, now).reduce((sum, { tokens }) => sum + tokens, 0);
    return { admitted, refusal: refusalFrom(account, now) };
  }

  /** Serves whoever waits, first come, first served: each take changes what memory says. */
  async #serve(account: Account): Promise<void> {
    account.serving = true;
    try {
      while (account.waiting.length > 0) {
        const verdict = this.#fromMemory(account);
        if (verdict) account.waiting.shift()?.resolve(verdict);
        else await change(this.#ctx, () => this.#take(account));
      }
    } catch (error) {
      for (const { reject } of account.waiting.splice(0)) reject(error);
    } finally {
      account.serving = false;
    }
  }

  /** Undefined where the store must be asked. */
  #fromMemory(account: Account): Verdict | undefined {
    const now = this.#now();
    const { policy, own } = account;
    const isAlone = now < account.alone_until;
    if (!policy) return isAlone ? UNKNOWN : undefined;
    const refusal = refusalFrom(account, now);
    if (refusal) return refusal;
    const mine = freeTokens(own, policy.limit, now);
    const lease = usableLease(account, now);
    if (lease) {
      lease.left -= 1;
      account.remaining = Math.min(account.remaining, mine) - 1;
      note(own, Math.min(lease.grant.until, now + policy.window_ms + DECIDE_MS), policy, now);
      return admitted(policy, account.remaining, account.reset_at - now);
    }
    if (!isAlone) return undefined;
    note(own, now + policy.window_ms + DECIDE_MS, policy, now);
    return admitted(policy, mine - 1, (own[0]?.until ?? now) - now);
  }

  /** One try to take tokens from one shard, or to learn that it has none. Where the store fails, this instance goes on alone. */
  async #take(account: Account): Promise<typeof AGAIN | undefined> {
    const asked = { answers: 0 };
    const asking = this.#ask(account, asked);
    try {
      const outcome = await Promise.race([asking, this.#patience(asking, asked)]);
      this.#outage = false;
      return outcome;
    } catch (error) {
      account.alone_until = this.#now() + ALONE_MS;
      if (!this.#outage) {
        const { cause = error } = error as { cause?: unknown };
        const facts = { policy: account.policy?.name, error: String(cause) };
        this.#ctx.log.warn("rate limits are kept by this instance alone", facts);
      }
      this.#outage = true;
      return undefined;
    }
  }

  /**
   * Rejects when the store has not answered in time, which begins anew with each of its answers. A sleep that took much longer than it should does not count:
   * the instance is kept busy by a crowd, and the answer may be there, waiting to be read. And one that the store has
   * never answered in time is still connecting: it waits for as long as it may.
   */
  async #patience(asking: Promise<unknown>, asked: Asked): Promise<never> {
    let isAnswered = false;
    const answered = () => {
      isAnswered = true;
    };
    asking.then(answered, answered);
    let [turns, answers] = [0, 0];
    for (let all = 0; all < MOST_TURNS && !isAnswered && (turns < TURNS || this.#slowTakes > 0); all++) {
      const since = this.#now();
      await this.#ctx.sleep(TURN_MS);
      if (asked.answers > answers) [turns, answers] = [0, asked.answers];
      else if (this.#now() - since < 1.5 * TURN_MS) turns++;
    }
    this.#slowTakes = isAnswered && turns >= TURNS ? Math.max(0, this.#slowTakes - 1) : 0;
    throw new Error("the store has not answered in time");
  }

  /** What comes too late for those who waited is true all the same: the next ones use it, or it is given back. */
  async #ask(account: Account, asked: Asked): Promise<typeof AGAIN | undefined> {
    const number = this.#choose(account);
    const { source, known, subject } = account;
    const isStale = source && this.#now() >= account.policy_at + POLICY_MS;
    if (known && !isStale) return this.#takeFrom(account, number, known);
    const [read] = await Promise.all([
      this.#ctx.budgets.get(subject, number),
      isStale && source().then((policy) => setPolicy(account, policy, this.#now())),
    ]);
    asked.answers += 1;
    return this.#takeFrom(account, number, read);
  }

  async #takeFrom(
    account: Account,
    number: number,
    known: Stored<Budget> | undefined,
  ): Promise<typeof AGAIN | undefined> {
    const { policy, subject } = account;
    const shard = account.shards[number];
    // The plan has changed, and with it the shards.
    if (!policy || !shard) return undefined;
    const at = this.#now();
    const capacity = capacityOf(policy, number);
    const ended = account.leases.filter((lease) => lease.shard === number && lease.ends <= at);
    const before = ended.reduce(
      (grants, { grant, left }) => giveBack(grants, grant, left),
      currentGrants(known?.value.grants ?? [], at),
    );
    const free = Math.max(0, freeTokens(before, capacity, at));
    const ready = Math.min(free, account.waiting.length);
    const decide_ms = DECIDE_MS * 2 ** this.#late;
    const ahead = Math.min(aheadFor(account, policy), Math.floor(free / 2), free - ready);
    const taken = [
      newLease(number, ready, at + decide_ms, policy.window_ms),
      newLease(number, ahead, at + policy.lease_ms, policy.window_ms + DECIDE_MS),
    ].filter(({ left }) => left > 0);
    const grants = [...before, ...taken.map(({ grant }) => grant)];
    if (taken.length > 0) {
      account.known = null;
      const put = await this.#ctx.budgets.put(subject, number, known, { grants });
      if (put === "conflict") {
        account.shared_until = at + policy.window_ms;
        return AGAIN;
      }
      if (at >= account.shared_until) account.known = put;
      const isLate = this.#now() >= at + decide_ms;
      this.#late = Math.min(Math.max(0, this.#late + (isLate ? 1 : -1)), MOST_LATE);
    }
    const rest = account.leases.filter(
      (lease) => lease.left > 0 && lease.grant.until > at && !ended.includes(lease),
    );
    account.leases = [...rest, ...taken];
    shard.free = free - ready - ahead;
    shard.blocked_until = freeAt(grants, capacity, at);
    account.empty = free > 0 ? 0 : account.empty + 1;
    if (free > capacity / 2) account.isScarce = false;
    if (policy.lease_ms > 0) this.#rest(account, policy, at);
    account.remaining = account.shards.reduce((sum, one) => sum + one.free, ready + ahead);
    account.reset_at = Math.min(...grants.map(({ until }) => until));
    return undefined;
  }

  /**
   * Where tokens are scarce an instance rests for about a lease when it has found some shards empty: many that
   * hunt for each token that comes back would only meet each other, and leave ever smaller grants.
   */
  #rest(account: Account, { lease_ms }: Policy, at: number): void {
    const { shards } = account;
    const allBlocked = shards.every(({ blocked_until }) => blocked_until > at);
    account.isScarce ||= allBlocked;
    if (!allBlocked && !(account.isScarce && account.empty >= HUNT)) return;
    account.empty = 0;
    const until = at + lease_ms * (0.5 + this.#ctx.random());
    for (const shard of shards) shard.blocked_until = Math.max(shard.blocked_until, until);
  }

  /** The last shard while it may have tokens, then any that may; the first while nobody knows how many there are. */
  #choose(account: Account): number {
    const now = this.#now();
    const open = openShards(account, now);
    if (account.shard !== undefined && open.includes(account.shard)) return account.shard;
    const number = open[Math.floor(this.#ctx.random() * open.length)];
    if (number !== (account.shard ?? 0)) account.known = null;
    account.shard = number;
    return number ?? 0;
  }

  /** Demand fades over one lease, so that it is about what was asked for in the last one. */
  #count(account: Account): void {
    const now = this.#now();
    const lease_ms = account.policy?.lease_ms ?? 0;
    const faded = lease_ms > 0 ? Math.max(0, 1 - (now - account.demand_at) / lease_ms) : 0;
    account.demand = account.demand * faded + (lease_ms > 0 ? 1 : 0);
    account.demand_at = now;
  }

  #use(subject: string): Account {
    const account = this.#accounts.get(subject) ?? newAccount(subject);
    this.#accounts.delete(subject);
    this.#accounts.set(subject, account);
    if (this.#accounts.size > ACCOUNTS) {
      const [unused] = this.#accounts.values().filter(({ serving }) => !serving);
      if (unused) this.#accounts.delete(unused.subject);
    }
    return account;
  }

  #now(): number {
    return this.#ctx.now().getTime();
  }
}

const newAccount = (subject: string): Account => ({
  subject,
  source: undefined,
  policy: undefined,
  policy_at: Number.NEGATIVE_INFINITY,
  shards: [],
  shard: undefined,
  known: null,
  shared_until: 0,
  leases: [],
  waiting: [],
  serving: false,
  demand: 0,
  demand_at: 0,
  own: [],
  alone_until: 0,
  isScarce: false,
  empty: 0,
  remaining: 0,
  reset_at: 0,
});

/** The shards that may have tokens: those that are not known to be empty, and those that unused ones go back to. */
const openShards = ({ shards, leases }: Account, at: number): number[] => {
  const unused = leases.filter(({ left, ends }) => left > 0 && ends <= at).map(({ shard }) => shard);
  return shards.flatMap(({ blocked_until }, number) =>
    blocked_until <= at || unused.includes(number) ? number : [],
  );
};

const usableLease = ({ leases }: Account, at: number): Lease | undefined =>
  leases.find(({ ends, left }) => left > 0 && at < ends);

/** The refusal that memory implies: tokens come back by time only, so it holds until then. */
function refusalFrom(account: Account, at: number): Verdict | undefined {
  const { policy, own, shards } = account;
  if (!policy) return undefined;
  if (freeTokens(own, policy.limit, at) <= 0) return refused(policy, freeAt(own, policy.limit, at) - at);
  if (usableLease(account, at) || openShards(account, at).length > 0) return undefined;
  return refused(policy, Math.min(...shards.map(({ blocked_until }) => blocked_until)) - at);
}

/** The demand of one lease, at most its share of the limit; nothing for a single request. */
const aheadFor = ({ demand }: Account, { limit, lease_ms, window_ms }: Policy): number =>
  Math.max(0, Math.min(Math.ceil(demand) - 1, Math.ceil((limit * lease_ms) / window_ms)));

/** Tokens that may be used until `ends`, and count for `ms` more. */
const newLease = (shard: number, tokens: number, ends: number, ms: number): Lease => ({
  shard,
  grant: { until: ends + ms, tokens },
  ends,
  left: tokens,
});

/** Another limit lays the tokens out anew; what is known of the old shards no longer says when one is free. */
function setPolicy(account: Account, policy: Policy, at: number): void {
  const was = account.policy;
  account.policy = policy;
  account.policy_at = at;
  if (was?.limit === policy.limit && was.shards === policy.shards && was.window_ms === policy.window_ms)
    return;
  account.shards = Array.from({ length: policy.shards }, (_, number) => ({
    free: capacityOf(policy, number),
    blocked_until: 0,
  }));
}

/** Adds a token to the last grant if that counts long enough, so that few are kept. */
function note(own: Grant[], until: number, { window_ms }: Policy, now: number): void {
  const last = own.at(-1);
  if (last && last.until >= now + window_ms) last.tokens += 1;
  else own.splice(0, own.length, ...currentGrants(own, now), { until, tokens: 1 });
}

const admitted = (policy: Policy, remaining: number, reset_ms: number): Verdict => ({
  admitted: true,
  policy,
  remaining: Math.max(0, remaining),
  reset_s: seconds(reset_ms, policy),
  retry_after_s: 0,
});

const refused = (policy: Policy, wait_ms: number): Verdict => ({
  admitted: false,
  policy,
  remaining: 0,
  reset_s: seconds(wait_ms, policy),
  retry_after_s: seconds(wait_ms, policy),
});

const seconds = (ms: number, { window_ms }: Policy): number =>
  Math.max(1, Math.min(Math.ceil(ms / 1000), window_ms / 1000));
