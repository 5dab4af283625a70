import { PalmError } from "../errors.ts";

/** What a picture may be: its longest and shortest side in pixels, and its size. */
export interface Limits {
  minSide: number;
  maxSide: number;
  maxBytes: number;
}

/**
 * A picture's sides as they are stored, in pixels, and its EXIF orientation (1..8; 1 when the file has none), which is not
 * applied yet.
 */
export interface Header {
  width: number;
  height: number;
  orientation: number;
}

/** Receives the stored rows of a picture, top row first: 3 bytes a pixel, red, green, blue. The array is reused. */
export type OnRow = (rgb: Uint8Array) => void;

/** Called once, before the first row, with the sides of the picture as it is stored. */
export type OnStart = (width: number, height: number) => OnRow;

export function invalid(message: string): PalmError {
  return new PalmError("invalid_image", message);
}

/** For files that end too early or contradict themselves. */
export function damaged(): PalmError {
  return invalid("The image is damaged or truncated");
}

/** @throws PalmError `invalid_image` */
export function checkSides(width: number, height: number, { minSide, maxSide }: Limits): void {
  const isAllowed = (side: number) => side >= minSide && side <= maxSide;
  if (!isAllowed(width) || !isAllowed(height)) {
    throw invalid(`The image's sides must have ${minSide}..${maxSide} px`);
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether `bytes` has the characters of `text`, which are bytes, at `offset`. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
