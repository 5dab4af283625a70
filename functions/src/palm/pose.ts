import { SIZE } from "./gabor.ts";

/** How a palm is turned and scaled around the middle of the picture. */
export interface Pose {
  /** Cosine and sine of the turn, divided by the scale. */
  readonly cos: number;
  readonly sin: number;
}

// Literals, not Math.cos: its last bit differs between machines.
const COS_5 = 0.9961946980917455;
const SIN_5 = 0.08715574274765817;
const COS_10 = 0.984807753012208;
const SIN_10 = 0.17364817766693033;

/** The palm turned by ±5° and ±10°, and 7 % smaller and larger. */
export const POSES: readonly Pose[] = [
  { cos: COS_5, sin: SIN_5 },
  { cos: COS_5, sin: -SIN_5 },
  { cos: COS_10, sin: SIN_10 },
  { cos: COS_10, sin: -SIN_10 },
  { cos: 1 / 0.93, sin: 0 },
  { cos: 1 / 1.07, sin: 0 },
];

/**
 * The working image in another pose, by bilinear interpolation.
 * @param pixels 128 × 128 gray levels
 * @returns the pixels, which repeat the border of the picture outside of it, and for each whether it lies outside
 */
export function posePixels(
  pixels: Float64Array,
  { cos, sin }: Pose,
): { pixels: Float64Array; outside: Uint8Array } {
  const out = new Float64Array(SIZE * SIZE);
  const outside = new Uint8Array(SIZE * SIZE);
  const middle = (SIZE - 1) / 2;
  const last = SIZE - 1;
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const u = cos * (x - middle) - sin * (y - middle) + middle;
      const v = sin * (x - middle) + cos * (y - middle) + middle;
      const i = SIZE * y + x;
      if (u < 0 || v < 0 || u > last || v > last) outside[i] = 1;
      const clampedU = Math.min(Math.max(u, 0), last);
      const clampedV = Math.min(Math.max(v, 0), last);
      const left = Math.min(Math.floor(clampedU), last - 1);
      const top = Math.min(Math.floor(clampedV), last - 1);
      const right = clampedU - left;
      const down = clampedV - top;
      const at = SIZE * top + left;
      const upper = (pixels[at] as number) * (1 - right) + (pixels[at + 1] as number) * right;
      const lower = (pixels[at + SIZE] as number) * (1 - right) + (pixels[at + SIZE + 1] as number) * right;
      out[i] = upper * (1 - down) + lower * down;
    }
  }
  return { pixels: out, outside };
}
