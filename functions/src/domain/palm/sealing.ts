/** An environment's data key, sealed by a master key of the keyring. `kid` names the master key. */
export interface WrappedKey {
  kid: string;
  sealed: Uint8Array;
}

/** Seals and opens with one environment's data key (AES-256-GCM). `about` is bound to the sealed bytes. */
export interface DataKey {
  seal(plain: Uint8Array, about: string): Uint8Array;
  /** @throws Error when the bytes were altered, or sealed about something else or by another key. */
  open(sealed: Uint8Array, about: string): Uint8Array;
  /** 32 secret bytes that follow from the key, the same for the same purpose (HKDF, RFC 5869). */
  derive(purpose: string): Uint8Array;
}

/** A data key, and what its environment demands of stored documents. */
export interface EnvironmentKey extends DataKey {
  /** Whether the environment was created or migrated with sealed links: documents without a MAC are refused. */
  readonly linksSealed: boolean;
}

export interface Sealing {
  /** The ids of the keyring's master keys; the last one seals. */
  readonly kids: readonly string[];
  /** Of an environment whose links are sealed from the start. */
  newDataKey(environment_id: string): WrappedKey;
  /** @throws Error when the master key is not in the keyring. */
  unwrap(environment_id: string, key: WrappedKey): EnvironmentKey;
  /**
   * The same data key, marked as that of an environment whose links are sealed. Only a holder of the master key can make
   * such a wrapped key, so that nobody else can set the mark or take it away.
   * @throws Error when the master key is not in the keyring.
   */
  markLinksSealed(environment_id: string, key: WrappedKey): WrappedKey;
  /**
   * The same data key, sealed by the last master key; the mark stays as it is.
   * @throws Error when the master key is not in the keyring, or is not what sealed it.
   */
  rewrap(environment_id: string, key: WrappedKey): WrappedKey;
}

/** The purpose of the secret that rotates an environment's vectors (docs/adr/0005-vectors-and-their-rotation.md). */
export const ROTATION = "palmgate: rotation of vector-512.v1";

/** What a sealed template is bound to, so that it cannot be moved to another palm. */
export const templateSeal = (environment_id: string, palm_id: string): string =>
  `template:${environment_id}:${palm_id}`;

/** What a held sample is bound to, so that it cannot be moved to another session. */
export const sampleSeal = (environment_id: string, session_id: string, sample_id: string): string =>
  `sample:${environment_id}:${session_id}:${sample_id}`;
