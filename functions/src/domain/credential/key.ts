import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 22; // 62^22 > 2^128
const SECRET_LENGTH = 43; // 62^43 > 2^256
const CHECK_LENGTH = 6; // 62^6 > 2^32

/** Kinds of keys by what they begin with: an integrator's, a device's, the claim token of a terminal out of its box. */
export type KeyKind = "pg" | "pd" | "pt";

/** A key as it was sent: which record it names, and the secret to compare with it. */
export interface ParsedKey {
  id: string;
  secret: string;
}

/** A new key: `key` is shown once, only `secret_hash` is stored. */
export interface NewKey {
  key: string;
  prefix: string;
  secret_hash: string;
}

function toBase62(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; rest > 0n; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text.padStart(length, "0");
}

function fromBase62(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 62n + BigInt(DIGITS.indexOf(digit));
  return value;
}

const checksum = (text: string): string => toBase62(BigInt(crc32(text)), CHECK_LENGTH);

/** `pg_` and the key's UUID in base62: what lists show, and how one read finds the record. */
export function keyPrefix(kind: KeyKind, id: string): string {
  return `${kind}_${toBase62(BigInt(`0x${id.replaceAll("-", "")}`), ID_LENGTH)}`;
}

/** SHA-256 of the secret's 43 characters, hex. */
export const hashSecret = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/**
 * Makes `<kind>_<22 base62>.<43 base62 + 6 base62 CRC32>` for the record `id` (a UUID).
 * @param entropy the secret's 32 bytes; random unless a fixed world is being written.
 */
export function newKey(kind: KeyKind, id: string, entropy: Uint8Array = randomBytes(32)): NewKey {
  const prefix = keyPrefix(kind, id);
  const secret = toBase62(BigInt(`0x${Buffer.from(entropy).toString("hex")}`), SECRET_LENGTH);
  const body = `${prefix}.${secret}`;
  return { key: body + checksum(body), prefix, secret_hash: hashSecret(secret) };
}

/** Takes a key apart without any read: `undefined` when its form or its CRC32 is wrong. */
export function parseKey(kind: KeyKind, key: string): ParsedKey | undefined {
  const form = /^([a-z]{2})_([0-9A-Za-z]{22})\.([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/.exec(key);
  if (!form) return undefined;
  const [, sent, id62, secret, check] = form as unknown as [string, string, string, string, string];
  if (sent !== kind || checksum(key.slice(0, -CHECK_LENGTH)) !== check) return undefined;
  const hex = fromBase62(id62).toString(16).padStart(32, "0");
  if (hex.length !== 32) return undefined;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { id, secret };
}

/** Compares a secret with the stored hash in constant time. */
export function secretMatches(secret: string, secret_hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret), "hex"), Buffer.from(secret_hash, "hex"));
}
