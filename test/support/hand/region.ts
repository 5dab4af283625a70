/** The region of a palm in a photograph of a hand. */
import type { Point } from "../palm/random.ts";

/** A square of `side` px around (x, y); `up` is the unit vector from the wrist to the fingers. */
export interface Region {
  x: number;
  y: number;
  side: number;
  up: Point;
}

/** Wrist, and the roots of the four fingers, in MediaPipe's order. */
const WRIST = 0;
const ROOTS = [5, 9, 13, 17];

/**
 * The region by 21 landmarks: M is the mean of the finger roots and W the wrist; the side is 0.70 of |MW|, and the
 * center lies 0.28 of the way from M to W.
 */
export function palmRegion(landmarks: readonly Point[]): Region {
  const [wristX, wristY] = landmarks[WRIST] as Point;
  const mean = (k: 0 | 1) => ROOTS.reduce((sum, i) => sum + (landmarks[i] as Point)[k], 0) / ROOTS.length;
  const [x, y] = [mean(0), mean(1)];
  const [dx, dy] = [x - wristX, y - wristY];
  const length = Math.sqrt(dx * dx + dy * dy);
  return { x: x - 0.28 * dx, y: y - 0.28 * dy, side: 0.7 * length, up: [dx / length, dy / length] };
}

/** The gray picture of a region: `side` px a side, fingers up, bilinear; black outside of the photograph. */
export function cutRegion(
  photo: { width: number; height: number; rgb: Uint8Array },
  region: Region,
  side = 144,
): { width: number; height: number; gray: Uint8Array } {
  const { width, height, rgb } = photo;
  const grayAt = (x: number, y: number): number => {
    if (x < 0 || y < 0 || x >= width || y >= height) return 0;
    const i = 3 * (y * width + x);
    return (77 * (rgb[i] as number) + 150 * (rgb[i + 1] as number) + 29 * (rgb[i + 2] as number)) / 256;
  };
  const [upX, upY] = region.up;
  const gray = new Uint8Array(side * side);
  for (let row = 0, i = 0; row < side; row++) {
    for (let column = 0; column < side; column++, i++) {
      const u = ((column + 0.5) / side - 0.5) * region.side;
      const v = ((row + 0.5) / side - 0.5) * region.side;
      // In the picture y points down: right of `up` is (−upY, upX).
      const x = region.x - u * upY - v * upX;
      const y = region.y + u * upX - v * upY;
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [x - x0, y - y0];
      const upper = grayAt(x0, y0) * (1 - fx) + grayAt(x0 + 1, y0) * fx;
      const lower = grayAt(x0, y0 + 1) * (1 - fx) + grayAt(x0 + 1, y0 + 1) * fx;
      gray[i] = Math.round(upper * (1 - fy) + lower * fy);
    }
  }
  return { width: side, height: side, gray };
}
