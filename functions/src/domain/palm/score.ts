/** A product of doubles may fall short of the whole number that it is. */
const EPSILON = 1e-9;

/**
 * Scores leave with two digits, rounded down: full precision would help whoever climbs towards a match
 * (docs/adr/0006-what-two-digits-buy.md).
 */
export const scoreOut = (score: number): number => Math.floor(score * 100 + EPSILON) / 100;
