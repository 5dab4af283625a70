import type { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import { policiesOf } from "../../functions/src/domain/budget/policies.ts";

/** The contract's limits. */
export const POLICIES = policiesOf({
  sandbox: 5,
  business: 100,
  enterprise: 5000,
  user: 600,
  terminal: 120,
  address: 300,
  proxy: 3000,
  registration: 30,
  code: 10,
  duplicate: 10,
  mismatch: 5,
});

/** A limiter that knows of tokens for everybody, and asks no store. */
export const UNLIMITED: Pick<Limiter, "admit" | "peek"> = {
  admit: () => ({ admitted: true, policy: undefined, remaining: 1, reset_s: 1, retry_after_s: 0 }),
  peek: () => ({ admitted: 0, refusal: undefined }),
};

/** Sooner than a poll with `wait: 20` ends by itself. `npm run bench:polls` shows that a change arrives within a second. */
export const SOONER_MS = 15_000;
