/** Scores and thresholds leave with two digits: full precision would let a guesser climb. */
export const twoDigits = (score: number): number => Math.round(score * 100) / 100;
