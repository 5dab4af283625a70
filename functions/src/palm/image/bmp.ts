import { checkSides, damaged, type Header, invalid, type Limits, type OnStart, viewOf } from "./file.ts";

/*
 * BMP of Windows and OS/2: uncompressed, 1, 4, 8, 16, 24 or 32 bits a pixel, bottom row first or, with a negative height,
 * top row first. Alpha and color profiles are ignored.
 */

const FILE_HEADER = 14;
/** BITMAPCOREHEADER of OS/2 1.x: sides of 16 bits, palette entries of three bytes. */
const CORE_HEADER = 12;
/** OS/2 2.x may leave out all fields behind the bits per pixel. */
const SHORT_HEADER = 16;
const INFO_HEADER = 40;

const RGB = 0;
const BITFIELDS = 3;
const ALPHABITFIELDS = 6;

/** Of red, green and blue; bits of a little-endian word. */
type Masks = [number, number, number];
const MASKS_OF_16: Masks = [0x7c00, 0x3e0, 0x1f];
const MASKS_OF_32: Masks = [0xff0000, 0xff00, 0xff];

interface Format {
  width: number;
  height: number;
  isTopDown: boolean;
  bits: number;
  /** Where the pixels begin, and the bytes of a row. */
  pixels: number;
  stride: number;
  palette: { start: number; entrySize: number; colors: number };
  masks: Masks;
}

/** Reads the sides. @throws PalmError `invalid_image` */
export function inspectBmp(bytes: Uint8Array, limits: Limits): void {
  readSides(viewOf(bytes), limits);
}

/** Decodes a BMP; returns its sides. @throws PalmError `invalid_image` */
export function decodeBmp(bytes: Uint8Array, limits: Limits, onStart: OnStart): Header {
  const view = viewOf(bytes);
  const format = readFormat(view, limits);
  const { width, height, pixels, stride, isTopDown } = format;
  const onRow = onStart(width, height);
  const readRow = format.bits <= 8 ? readPaletteRow : format.bits === 24 ? readBytesRow : readMasksRow;
  const rgb = new Uint8Array(3 * width);
  for (let y = 0; y < height; y++) {
    readRow(view, pixels + stride * (isTopDown ? y : height - 1 - y), format, rgb);
    onRow(rgb);
  }
  return { width, height, orientation: 1 };
}

function readSides(view: DataView, limits: Limits): { width: number; height: number; isTopDown: boolean } {
  const isCore = view.getUint32(FILE_HEADER, true) === CORE_HEADER;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  checkSides(width, Math.abs(height), limits);
  return { width, height: Math.abs(height), isTopDown: height < 0 };
}

function readFormat(view: DataView, limits: Limits): Format {
  const sides = readSides(view, limits);
  const headerSize = view.getUint32(FILE_HEADER, true);
  const isCore = headerSize === CORE_HEADER;
  const isShort = isCore || headerSize === SHORT_HEADER;
  if (!isShort && headerSize < INFO_HEADER) throw invalid("The BMP's header is unknown");

  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = isShort ? RGB : view.getUint32(30, true);
  const hasMasks = compression === BITFIELDS || compression === ALPHABITFIELDS;
  if (compression !== RGB && !hasMasks) throw invalid("A BMP must not be compressed");
  if (![1, 4, 8, 16, 24, 32].includes(bits) || (hasMasks && bits !== 16 && bits !== 32)) {
    throw invalid("A BMP must have 1, 4, 8, 16, 24 or 32 bits per pixel");
  }

  const pixels = view.getUint32(10, true);
  const stride = Math.ceil((sides.width * bits) / 32) * 4;
  if (pixels < FILE_HEADER + headerSize || pixels + stride * sides.height > view.byteLength) throw damaged();
  const masks = hasMasks
    ? ([54, 58, 62].map((at) => view.getUint32(at, true)) as Masks)
    : bits === 16
      ? MASKS_OF_16
      : MASKS_OF_32;
  if (!masks.every(isMask)) throw damaged();
  const colors = bits > 8 ? 0 : (isShort ? 0 : view.getUint32(46, true)) || 2 ** bits;
  const palette = { start: FILE_HEADER + headerSize, entrySize: isCore ? 3 : 4, colors };
  if (colors > 256 || palette.start + palette.entrySize * colors > pixels) throw damaged();
  return { ...sides, bits, pixels, stride, palette, masks };
}

/** Whether the bits that are set lie side by side. */
function isMask(mask: number): boolean {
  const bits = mask >>> shiftOf(mask);
  return bits !== 0 && (bits & (bits + 1)) === 0;
}

/** The number of zeros below the lowest bit. */
function shiftOf(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

function readPaletteRow(view: DataView, row: number, { bits, palette }: Format, rgb: Uint8Array): void {
  for (let to = 0, bit = 0; to < rgb.length; to += 3, bit += bits) {
    const index = (view.getUint8(row + (bit >> 3)) >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
    if (index >= palette.colors) throw invalid("A pixel of the BMP is outside its palette");
    readBlueGreenRed(view, palette.start + palette.entrySize * index, rgb, to);
  }
}

function readBytesRow(view: DataView, row: number, _: Format, rgb: Uint8Array): void {
  for (let to = 0; to < rgb.length; to += 3) readBlueGreenRed(view, row + to, rgb, to);
}

function readBlueGreenRed(view: DataView, from: number, rgb: Uint8Array, to: number): void {
  rgb[to] = view.getUint8(from + 2);
  rgb[to + 1] = view.getUint8(from + 1);
  rgb[to + 2] = view.getUint8(from);
}

function readMasksRow(view: DataView, row: number, { bits, masks }: Format, rgb: Uint8Array): void {
  const channels = masks.map((mask) => {
    const shift = shiftOf(mask);
    return { shift, top: mask >>> shift };
  });
  for (let to = 0, at = row; to < rgb.length; to += 3, at += bits / 8) {
    const word = bits === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
    channels.forEach(({ shift, top }, channel) => {
      const sample = ((word >>> shift) & top) >>> 0;
      rgb[to + channel] = Math.round((sample * 255) / top);
    });
  }
}
