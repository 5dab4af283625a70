/** The order of every list: newest first, equal times by id. */
export function newestFirst<T extends { id: string; created_at: Date }>(items: readonly T[]): T[] {
  return items.toSorted(
    (a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}
