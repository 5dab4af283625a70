import { type Budget, currentGrants, freeAt, freeTokens, type Grant, giveBack } from "../budget/budget.ts";
import { AGAIN, change, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Stored } from "../store.ts";

type GuessCtx = Ctx<"budgets" | "policies">;

/** Its tokens lie in one document: at most a few guesses are made at once. */
const SHARD = 0;

interface Taken {
  grant: Grant;
  budget: Stored<Budget>;
}

/**
 * Looks up what its caller may have guessed; a wrong guess (`not_found`) costs one of their tokens. It is taken before
 * the look, or a crowd of guesses would see more than the limit allows, and given back when the guess was not wrong.
 * @param caller whose guesses are counted together.
 * @throws DomainError `rate_limited` when no token is left, right or wrong; `unavailable` when the store does not answer.
 */
export async function guess<T>(ctx: GuessCtx, caller: string, look: () => Promise<T>): Promise<T> {
  const subject = `code:${caller}`;
  const taken = await take(ctx, subject);
  let isWrong = false;
  try {
    return await look();
  } catch (error) {
    isWrong = error instanceof DomainError && error.code === "not_found";
    throw error;
  } finally {
    if (!isWrong) await untake(ctx, subject, taken);
  }
}

const take = (ctx: GuessCtx, subject: string): Promise<Taken> =>
  change(ctx, async () => {
    const { limit, window_ms } = ctx.policies.code;
    const was = await ctx.budgets.get(subject, SHARD);
    const at = ctx.now().getTime();
    const before = currentGrants(was?.value.grants ?? [], at);
    if (freeTokens(before, limit, at) <= 0) throw tooMany(freeAt(before, limit, at) - at);
    const grant = { until: at + window_ms, tokens: 1 };
    const budget = await ctx.budgets.put(subject, SHARD, was, { grants: [...before, grant] });
    return budget === "conflict" ? AGAIN : { grant, budget };
  });

/** What was looked up is not worth less for a token that cannot be given back: it comes back by time. */
async function untake(ctx: GuessCtx, subject: string, { grant, budget }: Taken): Promise<void> {
  const read = () => ctx.budgets.get(subject, SHARD);
  try {
    await changeStored(ctx, budget, read, async (was) => {
      const grants = giveBack(was.value.grants, grant, grant.tokens);
      return (await ctx.budgets.put(subject, SHARD, was, { grants })) === "conflict" ? AGAIN : undefined;
    });
  } catch (error) {
    ctx.log.warn("a right code is counted as a wrong one", { error: String(error) });
  }
}

const tooMany = (wait_ms: number): DomainError =>
  new DomainError("rate_limited", "Too many wrong codes; try again later.", {
    headers: { "Retry-After": String(Math.ceil(wait_ms / 1000)) },
  });
