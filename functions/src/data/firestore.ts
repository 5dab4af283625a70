import type { Readable } from "node:stream";
import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldPath,
  Firestore,
  type Query,
  Timestamp,
  type WriteBatch,
} from "@google-cloud/firestore";
import * as z from "zod";
import { unavailable } from "../domain/errors.ts";
import type { Listing, Range } from "../domain/list.ts";
import type { Commit, Stored, Version, Write } from "../domain/store.ts";
import { withDeadline } from "./deadline.ts";

/** gRPC codes by which a precondition of a write failed: NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED. */
const CONFLICTS = new Set<unknown>([5, 6, 9, 10]);
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const OUTAGES = new Set<unknown>([1, 4, 8, 14]);

/** The Firestore client; the emulator when `FIRESTORE_EMULATOR_HOST` is set. */
export function openFirestore(projectId: string): Firestore {
  return new Firestore({ projectId, ignoreUndefinedProperties: false });
}

/** A time as it is stored. */
export const date = z.instanceof(Timestamp).transform((at) => at.toDate());

type Apply = (batch: WriteBatch) => void;

const toWrite = (apply: Apply): Write => apply as unknown as Write;

/** @see Commit */
export function createCommit(db: Firestore): Commit {
  return async (writes) => {
    const batch = db.batch();
    for (const write of writes) (write as unknown as Apply)(batch);
    return (await unlessConflict(batch.commit())) === "conflict" ? "conflict" : "committed";
  };
}

/** Documents as they were found, and the ids of those that do not hold what they should. */
export interface Inspected<T> {
  sound: { id: string; value: Stored<T> }[];
  malformed: string[];
}

/** Documents of one kind: what they hold is parsed on every read, so a corrupt record is our fault, never a caller's. */
export class Documents<T extends object> {
  readonly #schema: z.ZodType<T>;

  constructor(schema: z.ZodType<T>) {
    this.#schema = schema;
  }

  async get(ref: DocumentReference): Promise<Stored<T> | undefined> {
    return this.#parse(await answered(ref.get()));
  }

  /** Those that exist, in any order. */
  async getMany(db: Firestore, refs: readonly DocumentReference[]): Promise<Stored<T>[]> {
    if (refs.length === 0) return [];
    return this.#parseAll(await answered(db.getAll(...refs)));
  }

  async query(query: Query): Promise<Stored<T>[]> {
    return this.#parseAll((await answered(query.get())).docs);
  }

  /** The same where malformed documents are to be expected: they are told apart, not an error. */
  async inspect(db: Firestore, refs: readonly DocumentReference[]): Promise<Inspected<T>> {
    if (refs.length === 0) return { sound: [], malformed: [] };
    return this.#inspect(await answered(db.getAll(...refs)));
  }

  async inspectQuery(query: Query): Promise<Inspected<T>> {
    return this.#inspect((await answered(query.get())).docs);
  }

  /** What a query without an order finds, by path, page by page: in constant memory, however long each page takes. */
  async *pages(query: Query): AsyncIterable<T[]> {
    const ordered = query.orderBy(FieldPath.documentId()).limit(BATCH);
    let page: Stored<T>[] = [];
    do {
      const last = page.at(-1);
      page = await this.query(last ? ordered.startAfter(versionOf(last).ref) : ordered);
      if (page.length > 0) yield page.map(({ value }) => value);
    } while (page.length === BATCH);
  }

  /** What a query finds, as a list in our order; `toValue` makes the domain's thing of each. */
  list(query: Query): Listing<T>;
  list<U>(query: Query, toValue: (value: T) => U): Listing<U>;
  list<U>(query: Query, toValue = (value: T) => value as unknown as U): Listing<U> {
    const ordered = query.orderBy("created_at", "desc").orderBy(FieldPath.documentId(), "asc");
    return {
      slice: async ({ after, offset = 0, limit }) => {
        const from = after
          ? ordered.startAfter(Timestamp.fromDate(after.created_at), after.id)
          : await skip(ordered, offset);
        return (await this.query(from.limit(limit))).map(({ value }) => toValue(value));
      },
      // In the list's order, so that its index serves.
      count: () => count(ordered),
      stream: () => this.stream(ordered, toValue),
    };
  }

  /** What a query finds in its order, as many at a time as have come, in constant memory. */
  stream(query: Query): AsyncIterable<T[]>;
  stream<U>(query: Query, toValue: (value: T) => U): AsyncIterable<U[]>;
  async *stream<U>(query: Query, toValue = (value: T) => value as unknown as U): AsyncIterable<U[]> {
    for await (const snapshots of batches(query)) {
      yield this.#parseAll(snapshots).map(({ value }) => toValue(value));
    }
  }

  /**
   * Tells of a document as it is, at once and after every change; undefined when there is none.
   * @returns how to stop it
   */
  watch(
    ref: DocumentReference,
    next: (found: Stored<T> | undefined) => void,
    error: (error: unknown) => void,
  ): () => void {
    const stop = ref.onSnapshot((snapshot) => {
      try {
        next(this.#parse(snapshot));
      } catch (fault) {
        stop();
        error(fault);
      }
    }, error);
    return stop;
  }

  /** Whether the document is still as it was read. */
  async isCurrent(was: Stored<T>): Promise<boolean> {
    const { ref, updateTime } = versionOf(was);
    return (await answered(ref.get())).updateTime?.isEqual(updateTime) ?? false;
  }

  /** Writes one document at once: creates it, or changes what was read. What it gives needs no read to be changed again. */
  async put(ref: DocumentReference, was: Stored<T> | undefined, now: T): Promise<Stored<T> | "conflict"> {
    const written = await unlessConflict(
      was ? ref.update({ ...now }, { lastUpdateTime: versionOf(was).updateTime }) : ref.create(now),
    );
    return written === "conflict" ? written : stored(now, ref, written.writeTime);
  }

  create(ref: DocumentReference, value: T): Write {
    return toWrite((batch) => batch.create(ref, value));
  }

  /** Takes effect only while the document is what `was` was read as. */
  replace(was: Pick<Stored<T>, "version">, now: T): Write {
    const { ref, updateTime } = versionOf(was);
    return toWrite((batch) => batch.update(ref, { ...now }, { lastUpdateTime: updateTime }));
  }

  remove(was: Pick<Stored<T>, "version">): Write {
    const { ref, updateTime } = versionOf(was);
    return toWrite((batch) => batch.delete(ref, { lastUpdateTime: updateTime }));
  }

  #parse(snapshot: DocumentSnapshot): Stored<T> | undefined {
    const data = snapshot.data();
    if (!data || !snapshot.updateTime) return undefined;
    const parsed = this.#schema.safeParse(data);
    if (!parsed.success) {
      throw new Error(`${snapshot.ref.path} is corrupt: ${z.prettifyError(parsed.error)}`);
    }
    return stored(parsed.data, snapshot.ref, snapshot.updateTime);
  }

  #inspect(snapshots: readonly DocumentSnapshot[]): Inspected<T> {
    const found = snapshots.filter(({ exists }) => exists);
    const isSound = (snapshot: DocumentSnapshot) => this.#schema.safeParse(snapshot.data()).success;
    return {
      sound: found.filter(isSound).map((snapshot) => ({
        id: snapshot.id,
        value: this.#parse(snapshot) as Stored<T>,
      })),
      malformed: found.filter((snapshot) => !isSound(snapshot)).map(({ id }) => id),
    };
  }

  #parseAll(snapshots: readonly DocumentSnapshot[]): Stored<T>[] {
    return snapshots.flatMap((snapshot) => this.#parse(snapshot) ?? []);
  }
}

/** Those created in a range. */
export const within = (query: Query, { from, to }: Range): Query =>
  query.where("created_at", ">=", Timestamp.fromDate(from)).where("created_at", "<", Timestamp.fromDate(to));

/** More documents than these are not skipped by reading them: Firestore bills each, and a count 1 of 1,000. */
const MOST_SKIPPED = 1000;
/** The first step back in time when a place in a list is searched, and by what the next ones grow. */
const FIRST_STEP_MS = 60_000;
const STEP_FACTOR = 8;

/**
 * A list, newest first, without its first `offset` documents. A deep place is found by counting: back in growing steps
 * until enough documents are newer, then by bisection. At most some 50 counts, of 1 read per 1,000 documents each.
 */
async function skip(ordered: Query, offset: number): Promise<Query> {
  if (offset <= MOST_SKIPPED) return offset > 0 ? ordered.offset(offset) : ordered;
  const newest = (await answered(ordered.limit(1).get())).docs[0]?.get("created_at") as Timestamp | undefined;
  if (!newest) return ordered;
  const countNewer = (ms: number) =>
    count(ordered.where("created_at", ">", Timestamp.fromMillis(ms)).limit(offset + 1));
  // Not more than `offset` documents are newer than `high`, and more than that are newer than `low`.
  let [high, newer, low] = [newest.toMillis(), 0, Number.NEGATIVE_INFINITY];
  for (let step = FIRST_STEP_MS; low === Number.NEGATIVE_INFINITY; step *= STEP_FACTOR) {
    const at = Math.max(newest.toMillis() - step, EARLIEST_MS);
    const found = await countNewer(at);
    if (found > offset) low = at;
    else [high, newer] = [at, found];
    if (at === EARLIEST_MS) break;
  }
  // What was created within one millisecond is not told apart.
  while (offset - newer > MOST_SKIPPED && high - low > 1 && low !== Number.NEGATIVE_INFINITY) {
    const middle = Math.floor((low + high) / 2);
    const found = await countNewer(middle);
    if (found > offset) low = middle;
    else [high, newer] = [middle, found];
  }
  return ordered.where("created_at", "<=", Timestamp.fromMillis(high)).offset(offset - newer);
}

/** The earliest time that Firestore stores. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00.000Z");

/** How many documents a query finds, without reading them. */
export async function count(query: Query): Promise<number> {
  return (await answered(query.count().get())).data().count;
}

/** How many rows wait for whoever reads them, at most; how many are in a page. */
const BATCH = 500;

/**
 * What a query finds, as many at a time as have come: a promise for each row would cost more than the row. In
 * constant memory, since the query pauses while a batch waits; whoever stops listening stops the query, too.
 */
async function* batches(query: Query): AsyncIterable<DocumentSnapshot[]> {
  const rows = query.stream();
  let waiting: DocumentSnapshot[] = [];
  let news = Promise.withResolvers<void>();
  let end: { error?: unknown } | undefined;
  rows.on("data", (row: DocumentSnapshot) => {
    waiting.push(row);
    if (waiting.length >= BATCH) rows.pause();
    news.resolve();
  });
  const close = (how: { error?: unknown }): void => {
    end ??= how;
    news.resolve();
  };
  rows.on("end", () => close({})).on("error", (error) => close({ error }));
  try {
    while (!end) {
      await answered(news.promise);
      const batch = waiting;
      [waiting, news] = [[], Promise.withResolvers()];
      rows.resume();
      if (batch.length > 0) yield batch;
    }
    if (waiting.length > 0) yield waiting;
    if (end.error !== undefined) await answered(Promise.reject(end.error));
  } finally {
    (rows as Readable).destroy();
  }
}

/** Writes that need no version. */
export const updateFields = (ref: DocumentReference, fields: Record<string, unknown>): Write =>
  toWrite((batch) => batch.update(ref, fields));
export const deleteDocument = (ref: DocumentReference): Write => toWrite((batch) => batch.delete(ref));

/** A value with the place and time at which it is stored. */
export function stored<T>(value: T, ref: DocumentReference, updateTime: Timestamp): Stored<T> {
  return { value, version: { ref, updateTime } as unknown as Version };
}

/** Deletes documents, whoever changed them since. */
export async function eraseAll(db: Firestore, refs: readonly DocumentReference[]): Promise<void> {
  for (let start = 0; start < refs.length; start += BATCH) {
    const batch = db.batch();
    for (const ref of refs.slice(start, start + BATCH)) batch.delete(ref);
    await answered(batch.commit());
  }
}

export const refOf = (was: Pick<Stored<unknown>, "version">): DocumentReference => versionOf(was).ref;

/** Behind what was read, in the order of that field and, where it is equal, of the path. */
export const behind = (query: Query, was: Stored<unknown>, field: Date): Query =>
  query.startAfter(Timestamp.fromDate(field), versionOf(was).ref);

function versionOf(was: Pick<Stored<unknown>, "version">): { ref: DocumentReference; updateTime: Timestamp } {
  return was.version as unknown as { ref: DocumentReference; updateTime: Timestamp };
}

/** Waits for Firestore; an outage or a hang becomes `unavailable`. */
export async function answered<T>(operation: Promise<T>): Promise<T> {
  try {
    return await withDeadline("Firestore", operation);
  } catch (error) {
    throw translate(error);
  }
}

/** The same of a write, whose precondition may no longer hold. */
async function unlessConflict<T>(operation: Promise<T>): Promise<T | "conflict"> {
  try {
    return await withDeadline("Firestore", operation);
  } catch (error) {
    if (CONFLICTS.has(codeOf(error))) return "conflict";
    throw translate(error);
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

const translate = (error: unknown): unknown => (OUTAGES.has(codeOf(error)) ? unavailable(error) : error);
