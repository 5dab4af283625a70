import { Refusals } from "../budget/refusals.ts";

/** Longer than a request of the identify function may take, in ms. */
const OPEN_MS = 90_000;

/**
 * Limits how often a caller learns that a palm is enrolled, where server lookup is off: each `duplicate_palm` costs a
 * token. The enrollments of an import may run side by side: they wait for each other's tokens.
 */
export class Duplicates extends Refusals {
  constructor(ctx: ConstructorParameters<typeof Refusals>[0]) {
    super(ctx, {
      policy: "duplicate",
      costs: "duplicate_palm",
      tooMany: "Too many palms that are enrolled already; try again later.",
      notGivenBack: "counting an enrollment as a duplicate for 90 s: the store did not answer",
      open_ms: OPEN_MS,
    });
  }
}
