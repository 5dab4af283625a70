import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import * as z from "zod";
import type { DeviceKeySealing } from "../domain/device/device.ts";
import type { DataKey, Sealing, WrappedKey } from "../domain/palm/sealing.ts";
import type { SecretSealing, Webhook } from "../domain/webhook/webhook.ts";
import { DEMO_KEY_DIGESTS } from "./demoKeys.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of everything sealed: which key seals it. */
const FORM = {
  /** The key itself. Data keys of environments use it; keyrings once wrote it, and still open it. */
  direct: 1,
  /** A key derived from the ring's key for this one record. */
  perRecord: 2,
} as const;

/** Master keys by id. The last one seals, all of them open. */
export interface Keyring {
  readonly kids: readonly string[];
  readonly current: { kid: string; key: RingKey };
  get(kid: string): RingKey | undefined;
}

/** One key of a ring. @see perRecord */
type RingKey = Pick<DataKey, "seal" | "open">;

/** A key's id. One of digits alone would be moved to the front by JSON.parse: the last one would not be the current one. */
export const Kid = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    "is no id of a key: a letter, then letters, digits and hyphens, in lower case",
  );

const Json = z.record(
  Kid,
  z.base64().refine((text) => Buffer.from(text, "base64").length === KEY_BYTES, "is no 32 bytes"),
);

/**
 * Opens one of the keyrings that a process has been given, after checking all of them.
 * @param secrets the secrets by name, each `{kid: base64 of 32 bytes}`
 * @throws Error when the secret is empty or malformed, or `refuseUnsafeKeys` refuses; the message repeats no key.
 */
export function openKeyring(
  name: string,
  secrets: Readonly<Record<string, string>>,
  { isDemo }: { isDemo: boolean },
): Keyring {
  const secret = secrets[name];
  if (!secret) throw new Error(`the secret ${name} is empty`);
  refuseUnsafeKeys(secrets, { isDemo });
  return parseKeyring(name, secret);
}

/**
 * Refuses keys that do not protect what they seal: a key that is used twice, in one keyring or in two, and, outside of
 * demo projects, a committed demo key. Compares digests, so the id of a key does not matter.
 * @throws Error naming keyrings and ids of keys, never a key.
 */
export function refuseUnsafeKeys(
  secrets: Readonly<Record<string, string>>,
  { isDemo }: { isDemo: boolean },
): void {
  const keys = Object.entries(secrets).flatMap(([ring, secret]) =>
    Object.entries(readKeys(ring, secret)).map(([kid, text]) => ({
      name: `${kid} of ${ring}`,
      digest: createHash("sha256").update(Buffer.from(text, "base64")).digest("hex"),
    })),
  );
  for (const [digest, same] of Map.groupBy(keys, (key) => key.digest)) {
    const names = same.map(({ name }) => name).join(" and ");
    if (!isDemo && DEMO_KEY_DIGESTS.has(digest)) {
      throw new Error(`${names}: this is a public demo key; make a key of your own (docs/deploy.md)`);
    }
    if (same.length > 1) {
      throw new Error(`${names} are the same key; every key of every keyring must be different`);
    }
  }
}

/**
 * Reads a keyring secret, `{kid: base64 of 32 bytes}`.
 * @throws Error when it is empty or malformed; the message repeats none of it.
 */
export function parseKeyring(name: string, secret: string): Keyring {
  const entries = Object.entries(readKeys(name, secret));
  const keys = new Map(entries.map(([kid, text]) => [kid, perRecord(Buffer.from(text, "base64"))]));
  const last = [...keys].at(-1);
  if (!last) throw new Error(`${name} is an empty keyring`);
  return { kids: [...keys.keys()], current: { kid: last[0], key: last[1] }, get: (kid) => keys.get(kid) };
}

/**
 * A keyring secret with one more key at its end, which seals from then on; `{}` gets its first.
 * @param kid the new key's id, a `Kid`; without one it is `k1`, or the next number that is free.
 * @throws Error when the secret is malformed or `kid` is taken; the message repeats no key.
 */
export function addKey(name: string, secret: string, kid?: string): Record<string, string> {
  const keys = readKeys(name, secret);
  const numbers = Object.keys(keys).map((one) => Number(/^k(\d{1,9})$/.exec(one)?.[1] ?? 0));
  const id = kid ?? `k${Math.max(0, ...numbers) + 1}`;
  if (id in keys) throw new Error(`${name} has a key ${id} already`);
  return { ...keys, [id]: randomBytes(KEY_BYTES).toString("base64") };
}

/** @throws Error that repeats none of the secret. */
function readKeys(name: string, secret: string): Record<string, string> {
  try {
    return Json.parse(JSON.parse(secret));
  } catch {
    throw new Error(`${name} is no keyring: {"<kid>": "<base64 of 32 bytes>"} is expected`);
  }
}

/** Seals and opens with the keys of a keyring; a sealed text opens for what it is `about` alone. */
export interface Sealer {
  seal(plain: Uint8Array, about: string): WrappedKey;
  /** @throws Error when the keyring has not the key, or the text was sealed for something else. */
  open(wrapped: WrappedKey, about: string): Uint8Array;
}

export function createSealer(keyring: Keyring): Sealer {
  return {
    seal: (plain, about) => ({ kid: keyring.current.kid, sealed: keyring.current.key.seal(plain, about) }),
    open({ kid, sealed }, about) {
      const key = keyring.get(kid);
      if (!key) throw new Error(`the keyring has no key ${kid}, which seals ${about}`);
      return key.open(sealed, about);
    },
  };
}

/** Data keys of environments, wrapped by a keyring. @see Sealing */
export function createSealing(keyring: Keyring): Sealing {
  const sealer = createSealer(keyring);
  const about = (environment_id: string, linksSealed: boolean): string =>
    linksSealed ? `datakey:links-sealed:${environment_id}` : `datakey:${environment_id}`;
  const wrap = (environment_id: string, dataKey: Uint8Array, linksSealed: boolean) =>
    sealer.seal(dataKey, about(environment_id, linksSealed));
  const open = (environment_id: string, key: WrappedKey) => {
    try {
      return { dataKey: sealer.open(key, about(environment_id, true)), linksSealed: true };
    } catch {
      // From before links were sealed, or the error that follows says what is wrong.
      return { dataKey: sealer.open(key, about(environment_id, false)), linksSealed: false };
    }
  };
  return {
    kids: keyring.kids,
    newDataKey: (environment_id) => wrap(environment_id, randomBytes(KEY_BYTES), true),
    unwrap(environment_id, key) {
      const { dataKey, linksSealed } = open(environment_id, key);
      return { ...aesGcm(dataKey), linksSealed };
    },
    markLinksSealed: (environment_id, key) => wrap(environment_id, open(environment_id, key).dataKey, true),
    rewrap(environment_id, key) {
      const { dataKey, linksSealed } = open(environment_id, key);
      return wrap(environment_id, dataKey, linksSealed);
    },
  };
}

/** Secrets of subscriptions. @see SecretSealing */
export function createSecretSealing(keyring: Keyring): SecretSealing {
  const sealer = createSealer(keyring);
  const about = ({ project_id, id }: Pick<Webhook, "id" | "project_id">) => `webhook:${project_id}:${id}`;
  return {
    kids: keyring.kids,
    seal: (webhook, secret) => sealer.seal(Buffer.from(secret), about(webhook)),
    open: (webhook, sealed) => Buffer.from(sealer.open(sealed, about(webhook))).toString(),
  };
}

/** Keys of devices that wait to be fetched. @see DeviceKeySealing */
export function createDeviceKeySealing(keyring: Keyring): DeviceKeySealing {
  const sealer = createSealer(keyring);
  const about = (device_id: string): string => `devicekey:${device_id}`;
  return {
    seal: (device_id, key) => sealer.seal(Buffer.from(key), about(device_id)),
    open: (device_id, sealed) => Buffer.from(sealer.open(sealed, about(device_id))).toString(),
  };
}

/**
 * Seals each record by a key of its own, derived from the ring's key (HKDF-SHA256, RFC 5869; `about` is the info).
 * Random 96-bit nonces allow 2^32 messages under one key (NIST SP 800-38D, section 8.3); per record there are few.
 */
function perRecord(key: Uint8Array): RingKey {
  const recordKey = (about: string) => aesGcm(hkdf(key, about), FORM.perRecord);
  return {
    seal: (plain, about) => recordKey(about).seal(plain, about),
    open: (sealed, about) => (sealed[0] === FORM.direct ? aesGcm(key) : recordKey(about)).open(sealed, about),
  };
}

const hkdf = (key: Uint8Array, info: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), info, KEY_BYTES));

/** AES-256-GCM (NIST SP 800-38D): form, 96-bit random nonce, ciphertext, 128-bit tag. */
function aesGcm(key: Uint8Array, form: number = FORM.direct): DataKey {
  return {
    seal(plain, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.of(form), nonce, sealed, cipher.getAuthTag()]);
    },
    open(sealed, about) {
      if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== form) {
        throw new Error("these bytes are not sealed in a form that is known");
      }
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const text = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce)
        .setAAD(Buffer.from(about))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(text), decipher.final()]);
    },
    derive: (purpose) => hkdf(key, purpose),
  };
}
