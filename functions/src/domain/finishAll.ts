/**
 * Waits for all of it: one piece of work that fails does not keep the others from being finished.
 * @throws AggregateError of what failed
 */
export async function finishAll(works: readonly Promise<unknown>[], failure: string): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failure);
}
