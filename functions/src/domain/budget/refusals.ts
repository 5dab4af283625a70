import { AGAIN, change } from "../change.ts";
import type { Surroundings } from "../context.ts";
import { DomainError, type ErrorCode } from "../errors.ts";
import { type Budgets, currentGrants, freeAt, freeTokens, type Grant, giveBack } from "./budget.ts";
import type { Policies } from "./policies.ts";

type RefusalCtx = Surroundings & { budgets: Budgets; policies: Policies };

/** Which refusals are counted, and how. */
export interface RefusalRule {
  /** The policy that says how many; also the first part of the subject. */
  policy: "code" | "duplicate" | "mismatch";
  /** The error that costs a token, if one does. */
  costs?: ErrorCode;
  /** What a caller without tokens is told. */
  tooMany: string;
  /** Logged when a token could not be given back. */
  notGivenBack: string;
  /**
   * For how long a token counts while the outcome is open, in ms; the policy's window unless given. After that the
   * request has ended, whatever became of it. Callers wait for tokens that may come back within this time, up to 3 s.
   */
  open_ms?: number;
}

/** All of a caller's tokens lie in one document. */
const SHARD = 0;

/** What is done with a token: taken, given back, or kept for the whole window because it was spent. */
type Ask = { token?: undefined } | { token: Grant; spent: boolean };

/** A request that waits for the store to be asked. */
interface Waiter {
  ask: Ask;
  since: number;
  resolve(token: Grant): void;
  reject(error: unknown): void;
}

/** How long a request waits for a token that may come back soon, in ms, and how long between two looks. */
const PATIENCE_MS = 3000;
const PAUSE_MS = 100;

/** Limits how often a caller may be refused for one reason, exactly, together with the other instances: they share `budgets`. */
export class Refusals {
  readonly #ctx: RefusalCtx;
  readonly #rule: RefusalRule;
  /** By subject, while the store is asked for others of it: requests that arrive together are served together. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(ctx: RefusalCtx, rule: RefusalRule) {
    this.#ctx = ctx;
    this.#rule = rule;
  }

  /**
   * Runs `find`; a refusal that counts costs one of the caller's tokens. The token is taken before, or a crowd of
   * requests would learn more than the limit allows, and given back after any other outcome.
   * @param caller whose refusals are counted together.
   * @param isRefusal whether a result of `find` counts as a refusal; errors count by their code.
   * @throws DomainError `rate_limited` when no token is left, whatever `find` would have answered; `unavailable` when
   * the store does not answer.
   */
  async look<T>(caller: string, find: () => Promise<T>, isRefusal?: (result: T) => boolean): Promise<T> {
    const { policy, costs, open_ms, notGivenBack } = this.#rule;
    const subject = `${policy}:${caller}`;
    const token = await this.#ask(subject, {});
    let spent = false;
    // A refusal that cannot be counted is answered 503 instead.
    const spend = async () => {
      spent = true;
      if (open_ms !== undefined) await this.#ask(subject, { token, spent });
    };
    try {
      const result = await find();
      if (isRefusal?.(result)) await spend();
      return result;
    } catch (error) {
      if (!spent && error instanceof DomainError && error.code === costs) await spend();
      throw error;
    } finally {
      if (!spent) {
        // The request is worth no less for it: the token comes back by time.
        await this.#ask(subject, { token, spent }).catch((error: unknown) => {
          this.#ctx.log.warn(notGivenBack, { error: String(error) });
        });
      }
    }
  }

  #ask(subject: string, ask: Ask): Promise<Grant> {
    return new Promise((resolve, reject) => {
      const waiter = { ask, since: this.#ctx.now().getTime(), resolve, reject };
      const others = this.#waiting.get(subject);
      if (others) others.push(waiter);
      else void this.#serve(subject, [waiter]);
    });
  }

  async #serve(subject: string, waiting: Waiter[]): Promise<void> {
    this.#waiting.set(subject, waiting);
    while (waiting.length > 0) {
      const together = waiting.splice(0);
      let patient: readonly Waiter[] = [];
      await change(this.#ctx, async () => {
        const left = await this.#settle(subject, together);
        if (left === AGAIN) return AGAIN;
        patient = left;
        return undefined;
      }).catch((error: unknown) => {
        for (const { reject } of together) reject(error);
      });
      if (patient.length === 0) continue;
      // Those that give tokens back are not to wait for those that want one.
      if (waiting.length === 0) await this.#ctx.sleep(PAUSE_MS * (0.5 + this.#ctx.random()));
      waiting.push(...patient);
    }
    this.#waiting.delete(subject);
  }

  /** @returns those that go on waiting. */
  async #settle(subject: string, together: readonly Waiter[]): Promise<readonly Waiter[] | typeof AGAIN> {
    const { budgets, policies } = this.#ctx;
    const { limit, window_ms } = policies[this.#rule.policy];
    const open_ms = this.#rule.open_ms ?? window_ms;
    const was = await budgets.get(subject, SHARD);
    const at = this.#ctx.now().getTime();
    const asks = together.map(({ ask }) => ask);
    const returned = asks.flatMap(({ token }) => token ?? []);
    const spent = asks.flatMap((ask) => (ask.token && ask.spent ? { until: at + window_ms, tokens: 1 } : []));
    const left = [
      ...returned.reduce(
        (grants, token) => giveBack(grants, token, token.tokens),
        currentGrants(was?.value.grants ?? [], at),
      ),
      ...spent,
    ];
    const free = Math.max(0, freeTokens(left, limit, at));
    const takers = together.filter(({ ask }) => !ask.token);
    const taken = takers.slice(0, free).map(() => ({ until: at + open_ms, tokens: 1 }));
    const grants = [...left, ...taken];
    if (returned.length + taken.length > 0) {
      if ((await budgets.put(subject, SHARD, was, { grants })) === "conflict") return AGAIN;
    }
    for (const { ask, resolve } of together) if (ask.token) resolve(ask.token);
    for (const [n, { resolve }] of takers.slice(0, free).entries()) resolve(taken[n] as Grant);
    return this.#refuse(takers.slice(free), freeAt(grants, limit, at) - at);
  }

  /** Refuses those for whom no token is left. @returns those for whom one may come back in time. */
  #refuse(takers: readonly Waiter[], wait_ms: number): readonly Waiter[] {
    const { open_ms, tooMany } = this.#rule;
    const at = this.#ctx.now().getTime();
    const isPatient = ({ since }: Waiter) =>
      open_ms !== undefined && wait_ms <= open_ms && at - since < PATIENCE_MS;
    for (const taker of takers) {
      if (isPatient(taker)) continue;
      taker.reject(
        new DomainError("rate_limited", tooMany, {
          headers: { "Retry-After": String(Math.ceil(wait_ms / 1000)) },
        }),
      );
    }
    return takers.filter(isPatient);
  }
}
