import { createHash, randomBytes } from "node:crypto";

/** Crockford's base32 (https://www.crockford.com/base32.html): no I, L, O or U. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 8; // 32^8 = 2^40

/**
 * A registration code, as a terminal shows it.
 * @param entropy its 5 bytes; random unless a test draws.
 */
export function newCode(entropy: Uint8Array = randomBytes(5)): string {
  const bits = BigInt(`0x${Buffer.from(entropy).toString("hex")}`);
  return Array.from(
    { length: LENGTH },
    (_, i) => DIGITS[Number((bits >> BigInt(5 * (LENGTH - 1 - i))) & 31n)],
  ).join("");
}

/** What somebody has typed, as the terminal shows it: whatever the case, in groups, with letters for digits. */
export const normaliseCode = (typed: string): string =>
  typed.toUpperCase().replaceAll(/[ -]/g, "").replaceAll(/[IL]/g, "1").replaceAll("O", "0");

/** SHA-256 of the code, hex: the same however it is typed. */
export const hashCode = (typed: string): string =>
  createHash("sha256").update(normaliseCode(typed)).digest("hex");
