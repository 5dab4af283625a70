import { PalmError } from "../errors.ts";

/** A color picture: `rgb` holds three bytes a pixel, 0..255, row by row from the top left. */
export interface RgbImage {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/** Pixel coordinates: the top left corner of the picture is [0, 0], the center of its first pixel [0.5, 0.5]. */
export type Point = readonly [x: number, y: number];

/** A square in a picture. */
export interface Square {
  center: Point;
  /** px */
  side: number;
  /** Unit vector from the center to the middle of the square's upper edge. */
  up: Point;
}

/** A picture with copies of half its sides, a quarter, …, made when they are needed. The picture must not change. */
export class Pyramid {
  readonly #levels: [RgbImage, ...RgbImage[]];

  /** @throws PalmError `invalid_image` when `rgb` does not have three bytes for each of `width` × `height` pixels */
  constructor(image: RgbImage) {
    const { width, height, rgb } = image;
    const sides = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
    if (!sides || rgb.length !== width * height * 3)
      throw new PalmError("invalid_image", "A picture must have three bytes for each pixel");
    this.#levels = [image];
  }

  static of(image: RgbImage | Pyramid): Pyramid {
    return image instanceof Pyramid ? image : new Pyramid(image);
  }

  get width(): number {
    return this.#levels[0].width;
  }

  get height(): number {
    return this.#levels[0].height;
  }

  /** The largest level with at most two of its pixels to a sample, and how many of the picture's pixels one of its is long. */
  level(pixelsPerSample: number): { image: RgbImage; scale: number } {
    let scale = 1;
    let image: RgbImage = this.#levels[0];
    for (let i = 1; pixelsPerSample >= 2 * scale && image.width > 1 && image.height > 1; i++) {
      image = this.#levels[i] ??= halve(image);
      scale *= 2;
    }
    return { image, scale };
  }
}

/** Means of 2 × 2 pixels, rounded; an odd last row or column is left out. */
function halve({ width, height, rgb }: RgbImage): RgbImage {
  const halfWidth = width >> 1;
  const halfHeight = height >> 1;
  const out = new Uint8Array(halfWidth * halfHeight * 3);
  const row = 3 * width;
  for (let y = 0, to = 0; y < halfHeight; y++) {
    for (let from = 2 * y * row, end = from + 6 * halfWidth; from < end; from += 6) {
      for (let i = from; i < from + 3; i++) {
        const upper = (rgb[i] as number) + (rgb[i + 3] as number);
        const lower = (rgb[i + row] as number) + (rgb[i + row + 3] as number);
        out[to++] = (upper + lower + 2) >> 2;
      }
    }
  }
  return { width: halfWidth, height: halfHeight, rgb: out };
}

/**
 * Samples a square of a picture, upright, at `size` × `size` points, interpolated bilinearly on the level of the pyramid
 * that has one to two pixels for each. Outside of the picture everything is black.
 * @returns red, green and blue of each point, 0..255 with fractions
 */
export function sampleSquare(pyramid: Pyramid, { center, side, up }: Square, size: number): Float32Array {
  const { image, scale } = pyramid.level(side / size);
  const { width, height, rgb } = image;
  const down = 3 * width;
  const step = side / size / scale;
  // A row of samples runs along `up` turned clockwise by 90°. The centers of the level's pixels are at whole numbers.
  const [dx, dy] = [-up[1] * step, up[0] * step];
  const [middleX, middleY] = [center[0] / scale - 0.5, center[1] / scale - 0.5];
  const out = new Float32Array(size * size * 3);
  for (let row = 0, to = 0; row < size; row++) {
    const v = row + 0.5 - size / 2;
    for (let column = 0; column < size; column++, to += 3) {
      const u = column + 0.5 - size / 2;
      const x = middleX + u * dx - v * dy;
      const y = middleY + u * dy + v * dx;
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const fx = x - left;
      const fy = y - top;
      // Pixels outside of the picture get no weight.
      const west = left < 0 ? 0 : 1 - fx;
      const east = left + 1 < width ? fx : 0;
      const north = top < 0 ? 0 : 1 - fy;
      const south = top + 1 < height ? fy : 0;
      const at = 3 * (top * width + left);
      const upper = top < 0 ? at + down : at;
      const lower = top + 1 < height ? at + down : at;
      const before = left < 0 ? 3 : 0;
      const after = left + 1 < width ? 3 : 0;
      for (let k = 0; k < 3; k++) {
        const first = (rgb[upper + before + k] as number) * west + (rgb[upper + after + k] as number) * east;
        const second = (rgb[lower + before + k] as number) * west + (rgb[lower + after + k] as number) * east;
        out[to + k] = first * north + second * south;
      }
    }
  }
  return out;
}

/** A point of a square, from its coordinates in the square: 0..1 from left to right and from top to bottom. */
export function pointInPicture({ center, side, up }: Square, [x, y]: Point): Point {
  const u = (x - 0.5) * side;
  const v = (y - 0.5) * side;
  return [center[0] - u * up[1] - v * up[0], center[1] + u * up[0] - v * up[1]];
}

/** Unit vector from one point to another; upwards when they are the same. */
export function direction(from: Point, to: Point): Point {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  const length = Math.sqrt(dx * dx + dy * dy);
  return length > 0 ? [dx / length, dy / length] : [0, -1];
}

export function distance(a: Point, b: Point): number {
  const dx = a[0] - b[0];
  const dy = a[1] - b[1];
  return Math.sqrt(dx * dx + dy * dy);
}
