/** The least of the numbers that `p` percent of them do not exceed (nearest rank); NaN of none. */
export function percentile(numbers: readonly number[], p: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil((numbers.length * p) / 100) - 1] ?? Number.NaN;
}
