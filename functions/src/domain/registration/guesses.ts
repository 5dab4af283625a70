import { type Budgets, currentGrants, freeAt, freeTokens, type Grant, giveBack } from "../budget/budget.ts";
import type { Policies } from "../budget/policies.ts";
import { AGAIN, change } from "../change.ts";
import type { Surroundings } from "../context.ts";
import { DomainError } from "../errors.ts";

type GuessCtx = Surroundings & { budgets: Budgets; policies: Policies };

/** All of a caller's tokens lie in one document. */
const SHARD = 0;

/** Who waits for a token, or to give one back. */
interface Waiter {
  token: Grant | undefined;
  resolve(token: Grant): void;
  reject(error: unknown): void;
}

/** Limits wrong guesses, exactly, together with the other instances: they share `budgets`. */
export class Guesses {
  readonly #ctx: GuessCtx;
  /** By subject, while the store is asked for others of it: whoever comes together is served together. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(ctx: GuessCtx) {
    this.#ctx = ctx;
  }

  /**
   * Looks up what its caller may have guessed; a wrong guess (`not_found`) costs one of their tokens. It is taken before
   * the look, or a crowd of guesses would see more than the limit allows, and given back unless the guess was wrong.
   * @param caller whose guesses are counted together.
   * @throws DomainError `rate_limited` when no token is left, right or wrong; `unavailable` when the store does not
   * answer.
   */
  async look<T>(caller: string, find: () => Promise<T>): Promise<T> {
    const subject = `code:${caller}`;
    const token = await this.#ask(subject);
    let isWrong = false;
    try {
      return await find();
    } catch (error) {
      isWrong = error instanceof DomainError && error.code === "not_found";
      throw error;
    } finally {
      if (!isWrong) {
        // What was found is not worth less for it: the token comes back by time.
        await this.#ask(subject, token).catch((error: unknown) => {
          this.#ctx.log.warn("a right code is counted as a wrong one", { error: String(error) });
        });
      }
    }
  }

  /** Takes a token, or gives one back. */
  #ask(subject: string, token?: Grant): Promise<Grant> {
    return new Promise((resolve, reject) => {
      const waiter = { token, resolve, reject };
      const others = this.#waiting.get(subject);
      if (others) others.push(waiter);
      else void this.#serve(subject, [waiter]);
    });
  }

  async #serve(subject: string, waiting: Waiter[]): Promise<void> {
    this.#waiting.set(subject, waiting);
    while (waiting.length > 0) {
      const together = waiting.splice(0);
      await change(this.#ctx, () => this.#settle(subject, together)).catch((error: unknown) => {
        for (const { reject } of together) reject(error);
      });
    }
    this.#waiting.delete(subject);
  }

  async #settle(subject: string, together: readonly Waiter[]): Promise<typeof AGAIN | undefined> {
    const { budgets, policies } = this.#ctx;
    const { limit, window_ms } = policies.code;
    const was = await budgets.get(subject, SHARD);
    const at = this.#ctx.now().getTime();
    const back = together.flatMap(({ token }) => token ?? []);
    const left = back.reduce(
      (grants, token) => giveBack(grants, token, token.tokens),
      currentGrants(was?.value.grants ?? [], at),
    );
    const free = Math.max(0, freeTokens(left, limit, at));
    const takers = together.filter(({ token }) => !token);
    const taken = takers.slice(0, free).map(() => ({ until: at + window_ms, tokens: 1 }));
    const grants = [...left, ...taken];
    if (back.length + taken.length > 0) {
      if ((await budgets.put(subject, SHARD, was, { grants })) === "conflict") return AGAIN;
    }
    for (const { token, resolve } of together) if (token) resolve(token);
    for (const [n, { resolve, reject }] of takers.entries()) {
      const token = taken[n];
      if (token) resolve(token);
      else reject(tooMany(freeAt(grants, limit, at) - at));
    }
    return undefined;
  }
}

const tooMany = (wait_ms: number): DomainError =>
  new DomainError("rate_limited", "Too many wrong codes; try again later.", {
    headers: { "Retry-After": String(Math.ceil(wait_ms / 1000)) },
  });
