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

/** The kinds of things that a change can be about. */
export const TARGETS = [
  "api_key",
  "delivery",
  "device",
  "environment",
  "member",
  "organization",
  "palm",
  "project",
  "scan",
  "session",
  "webhook",
] as const;
export type Target = (typeof TARGETS)[number];

/**
 * What a batch does for whoever asked for it. Whoever watches over the request (the audit log, idempotency) adds its
 * own writes to the same batch, so that neither is ever there without the other.
 */
export interface Effect {
  target: { type: Target; id: string };
  /** How the audit log names it, where the request's operation does not say enough. */
  operation?: string;
  /** Whose the target is, where the request itself does not say so. */
  organization_id?: string;
  project_id?: string | null;
  /** What the verb answers, when a repeated request is to be answered alike. */
  result?: unknown;
}

/**
 * Does all writes or none. `conflict` when a precondition of one of them no longer holds (a `create` of what
 * exists, a version that has moved on): read again and decide anew. A batch that fulfils a request names its effect.
 * @throws DomainError `unavailable` when the store does not answer.
 */
export type Commit = (writes: readonly Write[], effect?: Effect) => Promise<"committed" | "conflict">;
