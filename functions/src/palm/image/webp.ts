import { decodeWithLibwebp } from "./decoders.ts";
import {
  checkSides,
  damaged,
  type Header,
  hasText,
  invalid,
  type Limits,
  type OnStart,
  viewOf,
} from "./file.ts";
import { readOrientation } from "./orientation.ts";
import { pushRows } from "./rows.ts";

/*
 * WebP (RFC 9649). The file's structure is checked here, libwebp decodes the pixels. Alpha and color profiles are ignored.
 */

const ANIMATION_FLAG = 2;

/** Reads the sides from the first chunk. @throws PalmError `invalid_image` */
export function inspectWebp(bytes: Uint8Array, limits: Limits): void {
  readSides(bytes, limits);
}

/**
 * Decodes a WebP.
 * @returns the sides as they are stored in the file
 * @throws PalmError `invalid_image`
 */
export async function decodeWebp(bytes: Uint8Array, limits: Limits, onStart: OnStart): Promise<Header> {
  const sides = readSides(bytes, limits);
  const orientation = readChunks(bytes);
  pushRows(await decodeWithLibwebp(bytes), sides, onStart);
  return { ...sides, orientation };
}

function readSides(bytes: Uint8Array, limits: Limits): { width: number; height: number } {
  const view = viewOf(bytes);
  let width: number;
  let height: number;
  if (hasText(bytes, 12, "VP8X")) {
    if ((view.getUint8(20) & ANIMATION_FLAG) !== 0) throw invalid("A WebP must not be animated");
    width = 1 + (view.getUint32(23, true) >>> 8);
    height = 1 + (view.getUint32(26, true) >>> 8);
  } else if (hasText(bytes, 12, "VP8L")) {
    const packed = view.getUint32(21, true);
    width = 1 + (packed & 0x3fff);
    height = 1 + ((packed >>> 14) & 0x3fff);
  } else if (hasText(bytes, 12, "VP8 ")) {
    width = view.getUint16(26, true) & 0x3fff;
    height = view.getUint16(28, true) & 0x3fff;
  } else throw damaged();
  checkSides(width, height, limits);
  return { width, height };
}

/** Checks that the chunks are complete; returns the orientation. */
function readChunks(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) throw damaged();
  let orientation = 1;
  for (let at = 12; at + 8 <= end; ) {
    const body = at + 8;
    const next = body + view.getUint32(at + 4, true);
    if (next > end) throw damaged();
    if (hasText(bytes, at, "EXIF")) {
      // Some encoders repeat JPEG's name of the data.
      const start = hasText(bytes, body, "Exif\0\0") ? body + 6 : body;
      orientation = readOrientation(bytes.subarray(start, next));
    }
    at = next + (next & 1);
  }
  return orientation;
}
