import { crc32, deflateSync, inflateSync } from "node:zlib";
import { decode as decodePngFile } from "fast-png";
import { decode as decodeJpegFile } from "jpeg-js";
import { PalmError } from "./errors.ts";

/** A grey picture: `gray` holds `width × height` luminances 0..255, row by row from the top left. */
export interface GrayImage {
  width: number;
  height: number;
  gray: Uint8Array;
}

/** Shortest and longest side, in pixels, and the largest file, in bytes. */
const MIN_SIDE = 96;
const MAX_SIDE = 1024;
const MAX_IMAGE_BYTES = 1024 * 1024;

// A progressive scan of a few bytes visits every block: without a limit 1 MiB of them runs for minutes. Encoders write
// 6 to 12; the largest picture may have 16, which takes a fifth of a second.
const MAX_JPEG_SCANS = 64;
const MAX_JPEG_WORK = 16 * MAX_SIDE * MAX_SIDE;

/**
 * Reads a PNG, JPEG or BMP, told by its first bytes, as luminance (ITU-R BT.601 in integers).
 *
 * The sides are read from the header before anything is inflated, each file is stripped to what makes
 * its pixels, and a PNG inflates to exactly what its header promises or not at all. Alpha, colour
 * profiles and orientation tags are ignored, and so are bytes behind the end of the image.
 *
 * @throws PalmError `too_large`: more than 1 MiB of bytes, whatever they are.
 * @throws PalmError `invalid_image`: everything else, sides outside 96..1024 px, truncation, and the
 *   kinds that no palm sensor writes (interlaced PNG under 8 bits; JPEG that is CMYK, lossless, arithmetic,
 *   12-bit, or grey with restarts that do not divide it; compressed or 16-bit BMP).
 */
export function decodeImage(bytes: Uint8Array): GrayImage {
  return readByKind(bytes, { png: decodePng, jpeg: decodeJpeg, bmp: decodeBmp });
}

/**
 * Checks what a picture's first bytes say, without decoding it: size, kind and sides.
 * @throws PalmError `too_large`, `invalid_image`
 */
export function inspectImage(bytes: Uint8Array): void {
  readByKind(bytes, {
    png: (_, view) => checkSides(view.getUint32(16), view.getUint32(20)),
    jpeg: inspectJpeg,
    bmp: (_, view) => checkSides(view.getInt32(18, true), Math.abs(view.getInt32(22, true))),
  });
}

type Reader<T> = (bytes: Uint8Array, view: DataView) => T;

function readByKind<T>(bytes: Uint8Array, read: { png: Reader<T>; jpeg: Reader<T>; bmp: Reader<T> }): T {
  if (bytes.length > MAX_IMAGE_BYTES) throw new PalmError("too_large", "The image has more than 1 MiB");
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (startsWith(bytes, PNG_SIGNATURE)) return read.png(bytes, view);
    if (startsWith(bytes, [0xff, 0xd8, 0xff])) return read.jpeg(bytes, view);
    if (startsWith(bytes, [0x42, 0x4d])) return read.bmp(bytes, view);
  } catch (error) {
    if (error instanceof PalmError) throw error;
    // RangeError of a DataView, or any error of a library: the file broke off or contradicts itself.
    throw invalid("The image is damaged or truncated");
  }
  throw invalid("The image is not a PNG, JPEG or BMP");
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function startsWith(bytes: Uint8Array, magic: number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}

function invalid(message: string): PalmError {
  return new PalmError("invalid_image", message);
}

function checkSides(width: number, height: number): void {
  const sound = (side: number) => side >= MIN_SIDE && side <= MAX_SIDE;
  if (!sound(width) || !sound(height)) {
    throw invalid(`The image's sides must have ${MIN_SIDE}..${MAX_SIDE} px`);
  }
}

function luminance(red: number, green: number, blue: number): number {
  return (77 * red + 150 * green + 29 * blue + 128) >> 8;
}

// ---- PNG (W3C PNG, third edition) ----

const PNG_CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PNG_DEPTHS: Record<number, number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

function decodePng(bytes: Uint8Array, view: DataView): GrayImage {
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let offset = PNG_SIGNATURE.length, type = ""; type !== "IEND"; ) {
    const length = view.getUint32(offset);
    const end = offset + 8 + length;
    type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const needed = type === "IHDR" || type === "PLTE" || type === "IDAT" || type === "IEND";
    if (view.getUint32(end) !== crc32(bytes.subarray(offset + 4, end)) && needed)
      throw invalid("A PNG chunk is damaged");
    if ((header === undefined) !== (type === "IHDR"))
      throw invalid("A PNG has one header, and it comes first");
    const body = bytes.subarray(offset + 8, end);
    if (type === "IHDR") {
      header = body;
      checkSides(view.getUint32(offset + 8), view.getUint32(offset + 12));
    } else if (type === "PLTE") palette = body;
    else if (type === "IDAT") data.push(body);
    offset = end + 4;
  }
  if (header === undefined || header.length !== 13) throw invalid("The PNG header is damaged");

  const { width, height } = pngSides(header);
  const [depth = 0, colour = 0, , , interlaced = 0] = header.subarray(8);
  const channels = PNG_CHANNELS[colour];
  if (channels === undefined || !PNG_DEPTHS[colour]?.includes(depth))
    throw invalid("The PNG's colour type is unknown");
  if (interlaced > 1 || (interlaced === 1 && depth < 8)) throw invalid("This interlacing is not supported");

  const promised = pngRowBytes(width, height, depth * channels, interlaced === 1);
  const rows = inflateSync(Buffer.concat(data), { maxOutputLength: promised });
  if (rows.length !== promised) throw invalid("The PNG's pixels are incomplete");

  // The decoder gets our own file with the inflated rows in stored blocks: it undoes filters and Adam7.
  const clean = Buffer.concat([
    Buffer.from(PNG_SIGNATURE),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows, { level: 0 })),
    pngChunk("IEND", new Uint8Array()),
  ]);
  const pixels = decodePngFile(clean).data;
  return {
    width,
    height,
    gray: pngGray(pixels, { width, height, depth, channels, palette: colour === 3 ? palette : null }),
  };
}

function pngSides(header: Uint8Array): { width: number; height: number } {
  const view = new DataView(header.buffer, header.byteOffset);
  return { width: view.getUint32(0), height: view.getUint32(4) };
}

/** Bytes of the filtered rows: one filter byte and the packed samples for each row of each pass. */
function pngRowBytes(width: number, height: number, bits: number, interlaced: boolean): number {
  const size = (w: number, h: number) => (w > 0 && h > 0 ? h * (1 + Math.ceil((w * bits) / 8)) : 0);
  if (!interlaced) return size(width, height);
  const passes = [
    [0, 8, 0, 8],
    [4, 8, 0, 8],
    [0, 4, 4, 8],
    [2, 4, 0, 4],
    [0, 2, 2, 4],
    [1, 2, 0, 2],
    [0, 1, 1, 2],
  ] as const;
  let total = 0;
  for (const [x, dx, y, dy] of passes)
    total += size(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy));
  return total;
}

function pngChunk(type: string, body: Uint8Array): Buffer {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUint32BE(body.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  chunk.writeUint32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

interface PngPixels {
  width: number;
  height: number;
  depth: number;
  channels: number;
  /** Null for what has no palette, undefined for a palette image without one. */
  palette: Uint8Array | null | undefined;
}

function pngGray(
  pixels: ArrayLike<number>,
  { width, height, depth, channels, palette }: PngPixels,
): Uint8Array {
  const gray = new Uint8Array(width * height);
  const stride = Math.ceil((width * depth) / 8);
  const top = 2 ** depth - 1;
  const at = (i: number) => pixels[i] as number;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (depth < 8) {
        const bit = x * depth;
        const sample = (at(y * stride + (bit >> 3)) >> (8 - depth - (bit & 7))) & top;
        gray[i] = palette === null ? (sample * 255) / top : paletteGray(palette, sample);
      } else if (palette !== null) gray[i] = paletteGray(palette, at(i));
      else {
        const p = i * channels;
        const shift = depth - 8;
        gray[i] =
          channels < 3 ? at(p) >> shift : luminance(at(p) >> shift, at(p + 1) >> shift, at(p + 2) >> shift);
      }
    }
  }
  return gray;
}

function paletteGray(palette: Uint8Array | undefined, index: number): number {
  const [red, green, blue] = palette?.subarray(3 * index, 3 * index + 3) ?? [];
  if (red === undefined || green === undefined || blue === undefined)
    throw invalid("A pixel is outside the palette");
  return luminance(red, green, blue);
}

// ---- JPEG (ITU-T T.81) ----

/** A marker and what belongs to it; a scan's entropy-coded bytes belong to its header. */
interface JpegSegment {
  marker: number;
  start: number;
  end: number;
}

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function* jpegSegments(bytes: Uint8Array, view: DataView): Iterable<JpegSegment> {
  let offset = 2;
  for (let marker = 0; marker !== 0xd9; ) {
    if (view.getUint8(offset) !== 0xff) throw invalid("A JPEG marker is missing");
    while (view.getUint8(offset + 1) === 0xff) offset++;
    marker = view.getUint8(offset + 1);
    const start = offset;
    offset += marker === 0xd9 ? 2 : 2 + view.getUint16(offset + 2);
    if (offset > bytes.length) throw invalid("The JPEG is truncated");
    if (marker === 0xda) offset = endOfScan(bytes, offset);
    yield { marker, start, end: offset };
  }
}

function inspectJpeg(bytes: Uint8Array, view: DataView): void {
  for (const { marker, start } of jpegSegments(bytes, view)) {
    if (isFrame(marker)) {
      jpegFrame(view, marker, start, new Set());
      return;
    }
    if (marker === 0xda) break;
  }
  throw invalid("The JPEG has no frame");
}

function decodeJpeg(bytes: Uint8Array, view: DataView): GrayImage {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  const components = new Set<number>();
  let frame: { width: number; height: number } | undefined;
  let scans = 0;
  for (const { marker, start, end } of jpegSegments(bytes, view)) {
    if (isFrame(marker)) {
      if (frame !== undefined) throw invalid("The JPEG has several frames");
      frame = jpegFrame(view, marker, start, components);
    } else if (marker === 0xda) {
      if (frame === undefined) throw invalid("The JPEG's scans make no sense");
      checkScans(++scans, frame);
      for (let i = 0; i < view.getUint8(start + 4); i++) components.delete(view.getUint8(start + 5 + 2 * i));
    } else if (marker !== 0xc4 && marker !== 0xdb && marker !== 0xdd && marker !== 0xee && marker !== 0xd9) {
      continue;
    }
    kept.push(bytes.subarray(start, end));
  }
  if (frame === undefined || components.size > 0) throw invalid("The JPEG's pixels are incomplete");

  const { width, height, data } = decodeJpegFile(Buffer.concat(kept), {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: (MAX_SIDE * MAX_SIDE) / 1e6,
    maxMemoryUsageInMB: 64,
  });
  const gray = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < gray.length; i++, p += 3) {
    gray[i] = luminance(data[p] as number, data[p + 1] as number, data[p + 2] as number);
  }
  return { width, height, gray };
}

function checkScans(scans: number, { width, height }: { width: number; height: number }): void {
  const most = Math.min(MAX_JPEG_SCANS, Math.floor(MAX_JPEG_WORK / (width * height)));
  if (scans > most) throw invalid(`A JPEG of this size must have at most ${most} scans`);
}

function jpegFrame(view: DataView, marker: number, start: number, components: Set<number>) {
  if (marker > 0xc2 || view.getUint8(start + 4) !== 8) throw invalid("This kind of JPEG is not supported");
  const height = view.getUint16(start + 5);
  const width = view.getUint16(start + 7);
  checkSides(width, height);
  const count = view.getUint8(start + 9);
  for (let i = 0; i < count; i++) components.add(view.getUint8(start + 10 + 3 * i));
  if ((count !== 1 && count !== 3) || components.size !== count)
    throw invalid("This kind of JPEG is not supported");
  return { width, height };
}

/** Entropy-coded bytes run to the next marker that is neither a stuffed zero nor a restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let i = bytes.indexOf(0xff, from); i >= 0; i = bytes.indexOf(0xff, i + 1)) {
    const next = bytes[i + 1];
    if (next !== 0 && next !== 0xff && !(next !== undefined && next >= 0xd0 && next <= 0xd7)) return i;
  }
  throw invalid("The JPEG is truncated");
}

// ---- BMP (BITMAPINFOHEADER and later, uncompressed) ----

function decodeBmp(bytes: Uint8Array, view: DataView): GrayImage {
  const headerSize = view.getUint32(14, true);
  if (headerSize < 40) throw invalid("This kind of BMP is not supported");
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  checkSides(width, height);

  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  // BI_BITFIELDS with the ordinary masks is what BI_RGB means for 32 bits.
  const usual =
    compression === 0 ||
    (compression === 3 &&
      bits === 32 &&
      view.getUint32(54, true) === 0xff0000 &&
      view.getUint32(58, true) === 0xff00 &&
      view.getUint32(62, true) === 0xff);
  if (![1, 4, 8, 24, 32].includes(bits) || !usual) throw invalid("This kind of BMP is not supported");

  const pixels = view.getUint32(10, true);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (pixels < 14 + headerSize || pixels + stride * height > bytes.length)
    throw invalid("The BMP is truncated");
  const colours = bits > 8 ? 0 : view.getUint32(46, true) || 2 ** bits;
  const palette = 14 + headerSize;
  if (colours > 256 || palette + 4 * colours > pixels) throw invalid("The BMP's palette is damaged");

  const gray = new Uint8Array(width * height);
  const at = (i: number) => bytes[i] as number;
  for (let y = 0, i = 0; y < height; y++) {
    const row = pixels + stride * (signedHeight < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x++, i++) {
      let p = row + (x * bits) / 8;
      if (bits <= 8) {
        const bit = x * bits;
        const index = (at(row + (bit >> 3)) >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
        if (index >= colours) throw invalid("A pixel is outside the palette");
        p = palette + 4 * index;
      }
      gray[i] = luminance(at(p + 2), at(p + 1), at(p));
    }
  }
  return { width, height, gray };
}
