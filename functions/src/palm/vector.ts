import { createHash } from "node:crypto";

/** An embedding: 512 finite numbers, not all of them zero; only its direction says something. */
export type Vector = Float64Array;
export const DIMENSIONS = 512;

/** The magnitude of a quantised vector's largest component. */
export const PEAK = 127;

/** Enough to spread any vector over all components: one round leaves some sparse ones sparse. */
const ROUNDS = 3;
/** A Hadamard transform of 512 points lengthens by √512: signs make up for it. */
const ONE = 1 / Math.sqrt(DIMENSIONS);

export function dot(a: Vector | Int8Array, b: Vector | Int8Array): number {
  let sum = 0;
  for (let i = 0; i < DIMENSIONS; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The same direction, one long. */
export function normalise(vector: Vector): Vector {
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((x) => x / length);
}

/** max(0, cosine), from the dot product and both squared lengths. Of equal vectors it is 1 to the bit. */
export function similarity(product: number, squareA: number, squareB: number): number {
  return Math.min(1, Math.max(0, product / Math.sqrt(squareA * squareB)));
}

/** How alike two vectors are, 0..1: max(0, cosine). Symmetric. */
export function cosine(a: Vector, b: Vector): number {
  return similarity(dot(a, b), dot(a, a), dot(b, b));
}

/**
 * The orthogonal map that belongs to a secret: three rounds of random signs and a 512-point Hadamard
 * transform. Signs are the bits of SHAKE256(secret), 64 bytes a round, least significant first, 1 is minus.
 * The same doubles on every machine: additions and multiplications in a fixed order, and one square root.
 *
 * @param secret of any length
 */
export function rotation(secret: Uint8Array): (vector: Vector) => Vector {
  const bits = createHash("shake256", { outputLength: (ROUNDS * DIMENSIONS) / 8 })
    .update(secret)
    .digest();
  const signs = Float64Array.from({ length: ROUNDS * DIMENSIONS }, (_, i) =>
    ((bits[i >> 3] as number) >> (i & 7)) & 1 ? -ONE : ONE,
  );
  return (vector) => {
    const rotated = vector.slice();
    for (let at = 0; at < signs.length; at += DIMENSIONS) {
      for (let i = 0; i < DIMENSIONS; i++) rotated[i] = (rotated[i] as number) * (signs[at + i] as number);
      hadamard(rotated);
    }
    return rotated;
  };
}

/** The fast Walsh–Hadamard transform, in place, not normalised. */
function hadamard(x: Vector): void {
  for (let half = 1; half < DIMENSIONS; half *= 2) {
    for (let block = 0; block < DIMENSIONS; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const a = x[i] as number;
        const b = x[i + half] as number;
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
}

/** The largest magnitude. */
export function peakOf(numbers: Vector | Int8Array): number {
  let peak = 0;
  for (let i = 0; i < DIMENSIONS; i++) peak = Math.max(peak, Math.abs(numbers[i] as number));
  return peak;
}

/** The nearest integers after the largest component was brought to ±127. */
export function quantise(vector: Vector): Int8Array {
  const scale = PEAK / peakOf(vector);
  const values = new Int8Array(DIMENSIONS);
  for (let i = 0; i < DIMENSIONS; i++) values[i] = Math.round((vector[i] as number) * scale);
  return values;
}
