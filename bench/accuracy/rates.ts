/** Scores of pairs of one palm (mated) and of two (non-mated), each in ascending order. */
export interface Scores {
  mated: Float64Array;
  nonMated: Float64Array;
}

export const sorted = (scores: Iterable<number>): Float64Array => Float64Array.from(scores).sort();

/** The share of scores, in ascending order, that are below a threshold. */
export function shareBelow(scores: Float64Array, threshold: number): number {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[middle] as number) < threshold) low = middle + 1;
    else high = middle;
  }
  return low / scores.length;
}

/** The rate at which false matches and false non-matches are equally frequent. */
export function equalErrorRate({ mated, nonMated }: Scores): number {
  let least = 1;
  for (const threshold of mated) {
    const worse = Math.max(1 - shareBelow(nonMated, threshold), shareBelow(mated, threshold));
    least = Math.min(least, worse);
  }
  return least;
}

/** The lowest threshold at which the false match rate is at most `fmr`. */
function thresholdAt({ nonMated }: Scores, fmr: number): number {
  const allowed = Math.floor(fmr * nonMated.length);
  return (nonMated[nonMated.length - 1 - allowed] as number) + 1e-9;
}

/** The false non-match rate at the lowest threshold at which the false match rate is at most `fmr`. */
export const fnmrAt = (scores: Scores, fmr: number): number =>
  shareBelow(scores.mated, thresholdAt(scores, fmr));

/** The score that one of 10^`decades` non-mated pairs reaches; undefined where fewer than ten pairs support it. */
export function tailAt({ nonMated }: Pick<Scores, "nonMated">, decades: number): number | undefined {
  const pairs = nonMated.length / 10 ** decades;
  return pairs < 10 ? undefined : nonMated[nonMated.length - Math.ceil(pairs)];
}

/**
 * Upper limit of the one-sided 95 % confidence interval of a rate (Clopper-Pearson), by bisection of the binomial
 * distribution. Pairs of the same people are not independent, so it is a lower limit of the uncertainty.
 */
function upperBound(events: number, trials: number): number {
  if (events >= trials) return 1;
  let low = events / trials;
  let high = 1;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (atMost(events, trials, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** The probability of at most so many events. */
function atMost(events: number, trials: number, rate: number): number {
  let log = trials * Math.log1p(-rate);
  let sum = Math.exp(log);
  for (let k = 1; k <= events; k++) {
    log += Math.log((trials - k + 1) / k) + Math.log(rate) - Math.log1p(-rate);
    sum += Math.exp(log);
  }
  return sum;
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** "1.20 % (≤ 2.04 %)": the rate of the scores that are counted, and its upper bound. */
export function rate(events: number, trials: number): string {
  return trials === 0 ? "–" : `${percent(events / trials)} (≤ ${percent(upperBound(events, trials))})`;
}
