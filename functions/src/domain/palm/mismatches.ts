import { Refusals } from "../budget/refusals.ts";

/** Longer than a request of the identify function can take, in ms. */
const OPEN_MS = 90_000;

/**
 * Limits failed verifications: each costs the member a token, regardless of who asks. Without a limit, an attacker can
 * try forged palms against one member until one matches.
 */
export class Mismatches extends Refusals {
  constructor(ctx: ConstructorParameters<typeof Refusals>[0]) {
    super(ctx, {
      policy: "mismatch",
      tooMany: "Too many failed verifications of this member; try again later.",
      notGivenBack: "counting a verification as failed for 90 s: the store did not answer",
      open_ms: OPEN_MS,
    });
  }
}
