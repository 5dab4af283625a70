import type { Hand } from "../../palm/index.ts";
import type { Stored, Write } from "../store.ts";
import type { WrappedKey } from "./sealing.ts";

/** The head of an environment's gallery. `wrapped_key: null`: the key was destroyed, nothing can be opened. */
export interface Manifest {
  wrapped_key: WrappedKey | null;
}

/**
 * One numbered change of a gallery: a palm that is put in, or removed. Numbers are gapless from 1; a later change
 * of a palm replaces earlier ones.
 */
export interface Change {
  seq: number;
  op: "put" | "remove";
  palm_id: string;
  project_id: string | null;
  hand: Hand;
  /** The sealed template; null on a removal, and once a later change has replaced or removed it. */
  template: Uint8Array | null;
  at: Date;
  /** Binds a `put` to its number, palm, project, hand and template (Links); null in those from before, and on removals. */
  mac: Uint8Array | null;
}

/** The log of an environment's gallery: every instance follows it (docs/data.md). */
export interface Changes {
  /**
   * The manifest and at most `limit` changes after number `seq`, in order, in one round trip. `malformed` are the numbers
   * of entries that are not changes; `more` says that there may be later ones.
   */
  readAfter(
    environment_id: string,
    seq: number,
    limit: number,
  ): Promise<{ manifest: Manifest | undefined; changes: Change[]; malformed: number[]; more: boolean }>;
  /** The number of the last change, 0 when there is none. */
  head(environment_id: string): Promise<number>;
  manifest(environment_id: string): Promise<Stored<Manifest> | undefined>;
  createManifest(environment_id: string, manifest: Manifest): Write;
  replaceManifest(was: Stored<Manifest>, now: Manifest): Write;
  /** Fails when the number is taken: somebody was first. */
  append(environment_id: string, change: Change): Write;
  /** Binds a change from before. */
  bind(environment_id: string, seq: number, mac: Uint8Array): Write;
  /** Takes the template out of an old change. */
  redact(environment_id: string, seq: number): Write;
}
