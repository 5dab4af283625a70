import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import * as z from "zod";
import type { DataKey, Sealing } from "../domain/palm/sealing.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of everything sealed, so that the form can change. */
const VERSION = 1;

/** Master keys by id. The last one seals, all of them open. */
export interface Keyring {
  readonly current: { kid: string; key: DataKey };
  get(kid: string): DataKey | undefined;
}

const Json = z.record(
  // An id of digits alone would be moved to the front by JSON.parse: the last one would not be the current one.
  z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  z.base64().refine((text) => Buffer.from(text, "base64").length === KEY_BYTES, "is no 32 bytes"),
);

/**
 * Reads a keyring secret, `{kid: base64 of 32 bytes}`.
 * @throws Error when it is empty or malformed; the message repeats none of it.
 */
export function parseKeyring(name: string, secret: string): Keyring {
  let keys: Map<string, DataKey>;
  try {
    const entries = Object.entries(Json.parse(JSON.parse(secret)));
    keys = new Map(entries.map(([kid, text]) => [kid, aesGcm(Buffer.from(text, "base64"))]));
  } catch {
    throw new Error(`${name} is no keyring: {"<kid>": "<base64 of 32 bytes>"} is expected`);
  }
  const last = [...keys].at(-1);
  if (!last) throw new Error(`${name} is an empty keyring`);
  return { current: { kid: last[0], key: last[1] }, get: (kid) => keys.get(kid) };
}

/** Data keys of environments, wrapped by a keyring. @see Sealing */
export function createSealing(keyring: Keyring): Sealing {
  const about = (environment_id: string): string => `datakey:${environment_id}`;
  return {
    newDataKey(environment_id) {
      const { kid, key } = keyring.current;
      return { kid, sealed: key.seal(randomBytes(KEY_BYTES), about(environment_id)) };
    },
    unwrap(environment_id, { kid, sealed }) {
      const master = keyring.get(kid);
      if (!master)
        throw new Error(`the keyring has no key ${kid}, which seals environment ${environment_id}`);
      return aesGcm(master.open(sealed, about(environment_id)));
    },
  };
}

/** AES-256-GCM (NIST SP 800-38D): version byte, 96-bit random nonce, ciphertext, 128-bit tag. */
function aesGcm(key: Uint8Array): DataKey {
  return {
    seal(plain, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, sealed, cipher.getAuthTag()]);
    },
    open(sealed, about) {
      if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
        throw new Error("these bytes are not sealed in a form that is known");
      }
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const text = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce)
        .setAAD(Buffer.from(about))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(text), decipher.final()]);
    },
    derive: (purpose) => new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), purpose, KEY_BYTES)),
  };
}
