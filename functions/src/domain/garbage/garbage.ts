import type { Stored, Write } from "../store.ts";

/**
 * A template object that is to go at `due_at` unless somebody says otherwise before. An object is put on this
 * list before it is uploaded and leaves it in the batch that makes it count, so a crash leaves no orphan.
 */
export interface GarbageItem {
  id: string;
  object: string;
  listed_at: Date;
  due_at: Date;
}

/** An object that nobody names any more. */
export const dueNow = (id: string, object: string, at: Date): GarbageItem => ({
  id,
  object,
  listed_at: at,
  due_at: at,
});

export interface Garbage {
  /** Lists an object at once, on its own. */
  add(item: GarbageItem): Promise<Stored<GarbageItem>>;
  /** Whether nobody has touched the item since it was read. */
  isCurrent(item: Stored<GarbageItem>): Promise<boolean>;
  /** Lists an object as a part of a batch. */
  create(item: GarbageItem): Write;
  replace(was: Stored<GarbageItem>, now: GarbageItem): Write;
  /** Fails when anybody has touched the item since. */
  remove(was: Stored<GarbageItem>): Write;
  /** Takes the item off the list, whoever touched it. */
  forget(id: string): Write;
  /** The longest due, at most `limit`. */
  due(at: Date, limit: number): Promise<Stored<GarbageItem>[]>;
}

/** By when every stored copy of an erased palm must be gone. */
export const ERASURE_MS = 24 * 60 * 60_000;

/** How long an upload may take to be committed before the sweeper may take it away. */
export const UPLOAD_GRACE_MS = 15 * 60_000;
