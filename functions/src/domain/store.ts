/** What adapters and verbs share about storing: documents with versions, writes as values, one commit. */

declare const version: unique symbol;
declare const write: unique symbol;

/** The version of a stored document; only adapters look inside. */
export interface Version {
  readonly [version]: true;
}

/** One write of a batch, made by an adapter, not yet done. */
export interface Write {
  readonly [write]: true;
}

/** A document as it was read: a change built on it takes effect only while this version is current. */
export interface Stored<T> {
  readonly value: T;
  readonly version: Version;
}

/**
 * Does all writes or none. `conflict` when a precondition of one of them no longer holds (a `create` of what
 * exists, a version that has moved on): read again and decide anew.
 * @throws DomainError `unavailable` when the store does not answer.
 */
export type Commit = (writes: readonly Write[]) => Promise<"committed" | "conflict">;
