import { newChance } from "../../test/support/chance.ts";

/** A figure, and where it lies in 95 of 100 such measurements. */
export interface Estimate {
  value: number;
  from: number;
  to: number;
}

/** How often samples are drawn anew, and how many that came one after the other are drawn together. */
const RESAMPLES = 2000;
const BLOCK = 25;
/** Standard deviations of 95 %. */
const Z = 1.96;

/** A percentile by rank: no value in between is made up. */
const percentile = (sorted: ArrayLike<number>, p: number): number =>
  sorted[Math.min(sorted.length, Math.max(1, Math.ceil((sorted.length * p) / 100))) - 1] ?? Number.NaN;

/** A percentile, its interval from order statistics: how many values are below it is binomial, whatever they are. */
export function estimate(values: readonly number[], p: number): Estimate {
  const sorted = Float64Array.from(values).sort();
  const spread = (Z * Math.sqrt(sorted.length * p * (100 - p))) / sorted.length;
  return {
    value: percentile(sorted, p),
    from: percentile(sorted, p - spread),
    to: percentile(sorted, p + spread),
  };
}

/**
 * Ratios of percentiles, `a` to `b`, whose values were measured in pairs; intervals by a bootstrap of blocks of pairs,
 * since a busy moment of the machine lasts longer than one pair, and meets both.
 */
export function estimateRatios(
  a: readonly number[],
  b: readonly number[],
  percentiles: readonly number[],
): Estimate[] {
  const ratios = (one: Float64Array, other: Float64Array) => {
    one.sort();
    other.sort();
    return percentiles.map((p) => percentile(one, p) / percentile(other, p));
  };
  const chance = newChance(1);
  const drawn = Array.from({ length: RESAMPLES }, () => {
    const [one, other] = [new Float64Array(a.length), new Float64Array(a.length)];
    let start = 0;
    for (let n = 0; n < a.length; n++) {
      if (n % BLOCK === 0) start = Math.floor(chance() * a.length);
      const from = (start + (n % BLOCK)) % a.length;
      one[n] = a[from] as number;
      other[n] = b[from] as number;
    }
    return ratios(one, other);
  });
  const values = ratios(Float64Array.from(a), Float64Array.from(b));
  return values.map((value, n) => {
    const sorted = Float64Array.from(drawn, (one) => one[n] as number).sort();
    return { value, from: percentile(sorted, 2.5), to: percentile(sorted, 97.5) };
  });
}
