import { viewOf } from "./file.ts";

const ORIENTATION_TAG = 0x0112;

/**
 * Reads the orientation from EXIF data (TIFF 6.0, first directory).
 * @param tiff begins with the byte order, `II` or `MM`
 * @returns 1..8; 1, which is upright, when the data has none or is malformed
 */
export function readOrientation(tiff: Uint8Array): number {
  const view = viewOf(tiff);
  if (tiff.length < 8) return 1;
  const isLittle = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, isLittle);
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.length; i++, at += 12) {
    if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue;
    const orientation = view.getUint16(at + 8, isLittle);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

interface Pixels {
  width: number;
  height: number;
  /** Row by row, `channels` bytes a pixel. */
  data: Uint8Array;
}

/** Returns a stored picture as it is meant to be seen. Orientations 5 to 8 exchange the sides. */
export function applyOrientation(stored: Pixels, channels: 1 | 3, orientation: number): Pixels {
  if (orientation === 1) return stored;
  const isTransposed = orientation >= 5;
  const width = isTransposed ? stored.height : stored.width;
  const height = isTransposed ? stored.width : stored.height;
  // In stored coordinates: whether upright x and y run backward along the axis that they belong to.
  const isXReversed = [2, 3, 7, 6].includes(orientation);
  const isYReversed = [3, 4, 7, 8].includes(orientation);
  const data = new Uint8Array(stored.data.length);
  for (let y = 0, to = 0; y < height; y++) {
    const v = isYReversed ? height - 1 - y : y;
    for (let x = 0; x < width; x++) {
      const u = isXReversed ? width - 1 - x : x;
      let from = channels * (isTransposed ? u * stored.width + v : v * stored.width + u);
      for (let c = 0; c < channels; c++) data[to++] = stored.data[from++] as number;
    }
  }
  return { width, height, data };
}
