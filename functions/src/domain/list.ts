/** Where a list goes on: right behind this item. */
export interface Position {
  created_at: Date;
  id: string;
}

/** From when (inclusive) until when (exclusive) something was created. */
export interface Range {
  from: Date;
  to: Date;
}

/** A part of a list: what comes after a position, or after so many items; at most `limit`. */
interface Slice {
  after?: Position | undefined;
  offset?: number | undefined;
  limit: number;
}

/** Items that have been read already, as a list. */
export const listOf = <T>(items: readonly T[]): Listing<T> => ({
  slice: async ({ offset = 0, limit }) => items.slice(offset, offset + limit),
  count: async () => items.length,
  async *stream() {
    yield items;
  },
});

/** A list in the store, newest first, equal times by id: read in parts, counted, or streamed in constant memory. */
export interface Listing<T> {
  slice(part: Slice): Promise<T[]>;
  count(): Promise<number>;
  /** As many at a time as have come. */
  stream(): AsyncIterable<readonly T[]>;
}
