import { Refusals } from "../budget/refusals.ts";

/** Limits wrong registration codes: each costs its caller a token. */
export class Guesses extends Refusals {
  constructor(ctx: ConstructorParameters<typeof Refusals>[0]) {
    super(ctx, {
      policy: "code",
      costs: "not_found",
      tooMany: "Too many wrong codes; try again later.",
      notGivenBack: "a right code is counted as a wrong one",
    });
  }
}
