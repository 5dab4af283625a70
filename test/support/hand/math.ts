/**
 * Arithmetic of rendered hands. The same input gives the same bits on every machine: integers, + − × ÷ and √ only.
 */

export type Vector = readonly [x: number, y: number, z: number];
/** Red, green and blue as linear light. */
export type Color = readonly [r: number, g: number, b: number];

export const clamp = (value: number, low: number, high: number): number =>
  value < low ? low : value > high ? high : value;

/** 0 below `from`, 1 above `to`, smooth in between. */
export function step(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** A smooth bump: 1 where `distance` is 0, 0 from ±`width` on. */
export function bump(distance: number, width: number): number {
  const t = 1 - (distance * distance) / (width * width);
  return t > 0 ? t * t : 0;
}

/** The smaller of two numbers, rounded off where they are within `soft` of each other. */
export function smoothMin(a: number, b: number, soft: number): number {
  const h = soft - Math.abs(a - b);
  return h > 0 ? Math.min(a, b) - (h * h) / (4 * soft) : Math.min(a, b);
}

export const smoothMax = (a: number, b: number, soft: number): number => -smoothMin(-a, -b, soft);

/** Cosine and sine of an angle in degrees, by series: the last bit of `Math.cos` depends on the engine. */
export function cosSin(degrees: number): readonly [cos: number, sin: number] {
  const quarters = Math.round(degrees / 90);
  const x = (degrees - 90 * quarters) * 0.017453292519943295;
  const q = x * x;
  const sin = x * (1 - (q / 6) * (1 - (q / 20) * (1 - (q / 42) * (1 - (q / 72) * (1 - q / 110)))));
  const cos = 1 - (q / 2) * (1 - (q / 12) * (1 - (q / 30) * (1 - (q / 56) * (1 - q / 90))));
  switch (((quarters % 4) + 4) % 4) {
    case 0:
      return [cos, sin];
    case 1:
      return [-sin, cos];
    case 2:
      return [-cos, -sin];
    default:
      return [sin, -cos];
  }
}

export function distance(a: Vector, b: Vector): number {
  const [x, y, z] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  return Math.sqrt(x * x + y * y + z * z);
}

/** A 32-bit integer every bit of which depends on every bit of `value`. */
export function scramble(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) | 0;
}

/** Smooth noise from −1 to 1 over the whole plane, one lattice point a unit; `seed` is a 32-bit integer. */
export function noiseAt(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  let fx = x - column;
  let fy = y - row;
  fx = fx * fx * (3 - 2 * fx);
  fy = fy * fy * (3 - 2 * fy);
  const a = Math.imul(column, 0x27d4eb2f) + seed;
  const b = a + 0x27d4eb2f;
  const c = Math.imul(row, 0x165667b1);
  const d = c + 0x165667b1;
  const upper = latticeValue(a ^ c) * (1 - fx) + latticeValue(b ^ c) * fx;
  const lower = latticeValue(a ^ d) * (1 - fx) + latticeValue(b ^ d) * fx;
  return upper * (1 - fy) + lower * fy;
}

function latticeValue(value: number): number {
  let h = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >> 0) / 2147483648;
}

/** Mean of the (2 radius + 1)² px around each px, twice over; the borders repeat their last px. */
export function blur(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const once = boxBlur(values, width, height, radius);
  return boxBlur(once, width, height, radius);
}

function boxBlur(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const rows = new Float32Array(values.length);
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) blurLine(values, rows, y * width, 1, width, radius);
  for (let x = 0; x < width; x++) blurLine(rows, out, x, width, height, radius);
  return out;
}

function blurLine(
  from: Float32Array,
  to: Float32Array,
  start: number,
  stride: number,
  count: number,
  radius: number,
): void {
  const at = (n: number) => from[start + clamp(n, 0, count - 1) * stride] as number;
  let sum = at(0) * radius;
  for (let n = 0; n < radius; n++) sum += at(n);
  for (let n = 0; n < count; n++) {
    sum += at(n + radius);
    to[start + n * stride] = sum / (2 * radius + 1);
    sum -= at(n - radius);
  }
}
