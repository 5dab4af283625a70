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
});
