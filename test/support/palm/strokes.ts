/** Draws lines of a palm as soft strokes. */
import type { Line } from "./lines.ts";
import type { Point } from "./random.ts";

/** Where lines are drawn. */
interface Canvas {
  width: number;
  height: number;
  /** Palm coordinates → px. */
  place: (point: Point) => Point;
  /** Px of this canvas for one px of a region: widths of lines are given in the latter. */
  scale?: number;
}

/** Darkness in gray levels, row by row. Where strokes cross, the darker one wins. */
export function drawLines(lines: readonly Line[], { width, height, place, scale = 1 }: Canvas): Float64Array {
  const darkness = new Float64Array(width * height);
  for (const line of lines) {
    const pixels = line.points.map(place);
    for (let i = 1; i < pixels.length; i++) {
      const t = (2 * i - 1) / (pixels.length - 1) - 1;
      const depth = line.depth * (1 - t * t * t * t);
      const segment = [pixels[i - 1] as Point, pixels[i] as Point] as const;
      stroke(darkness, width, height, segment, line.width * scale, depth);
    }
  }
  return darkness;
}

function stroke(
  darkness: Float64Array,
  width: number,
  height: number,
  [[ax, ay], [bx, by]]: readonly [Point, Point],
  halfWidth: number,
  depth: number,
): void {
  const left = Math.max(Math.ceil(Math.min(ax, bx) - halfWidth), 0);
  const right = Math.min(Math.floor(Math.max(ax, bx) + halfWidth), width - 1);
  const top = Math.max(Math.ceil(Math.min(ay, by) - halfWidth), 0);
  const bottom = Math.min(Math.floor(Math.max(ay, by) + halfWidth), height - 1);
  const dx = bx - ax;
  const dy = by - ay;
  const length2 = dx * dx + dy * dy + 1e-9;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const t = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length2, 0), 1);
      const ex = x - ax - t * dx;
      const ey = y - ay - t * dy;
      const near = 1 - (ex * ex + ey * ey) / (halfWidth * halfWidth);
      const i = y * width + x;
      if (near > 0) darkness[i] = Math.max(darkness[i] as number, depth * near * near);
    }
  }
}
