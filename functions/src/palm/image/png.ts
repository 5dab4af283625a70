import { crc32, createInflate } from "node:zlib";
import { checkSides, damaged, type Header, invalid, type Limits, type OnStart, viewOf } from "./file.ts";
import { readOrientation } from "./orientation.ts";

/*
 * PNG (W3C PNG, third edition). Alpha, color profiles, gamma and background are ignored.
 */

const SIGNATURE_SIZE = 8;
// Encoders write at least 4 KiB of data in a chunk. Without a limit empty chunks in 8 MiB take longer than any picture.
const MAX_CHUNKS = 16_384;
const NEEDED = ["IHDR", "PLTE", "IDAT", "IEND"];

const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Record<number, number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** First column, step, first row and step of a pass. */
type Pass = readonly [x: number, dx: number, y: number, dy: number];

const WHOLE: Pass = [0, 1, 0, 1];
const ADAM7: readonly Pass[] = [
  [0, 8, 0, 8],
  [4, 8, 0, 8],
  [0, 4, 4, 8],
  [2, 4, 0, 4],
  [0, 2, 2, 4],
  [1, 2, 0, 2],
  [0, 1, 1, 2],
];

interface Format {
  width: number;
  height: number;
  /** Bits per sample. */
  depth: number;
  channels: number;
  /** Red, green, blue of each color; undefined when pixels are not colors of a palette. */
  palette?: Uint8Array;
  isInterlaced: boolean;
}

/** Reads the sides. @throws PalmError `invalid_image` */
export function inspectPng(bytes: Uint8Array, limits: Limits): void {
  const view = viewOf(bytes);
  checkSides(view.getUint32(16), view.getUint32(20), limits);
}

/**
 * Decodes a PNG. The compressed data is inflated piece by piece and only as far as the pixels go, so that neither a
 * decompression bomb nor data behind the pixels costs memory.
 * @returns the sides as they are stored in the file
 * @throws PalmError `invalid_image`
 */
export async function decodePng(bytes: Uint8Array, limits: Limits, onStart: OnStart): Promise<Header> {
  const { format, data, orientation } = readChunks(bytes, limits);
  const { width, height } = format;
  const onRow = onStart(width, height);
  if (format.isInterlaced) {
    const picture = new Uint8Array(3 * width * height);
    await readPasses(data, format, ADAM7, (rgb, [x, dx], y) => {
      for (let to = 3 * (y * width + x), from = 0; from < rgb.length; to += 3 * dx, from += 3) {
        picture[to] = rgb[from] as number;
        picture[to + 1] = rgb[from + 1] as number;
        picture[to + 2] = rgb[from + 2] as number;
      }
    });
    for (let y = 0; y < height; y++) onRow(picture.subarray(3 * width * y, 3 * width * (y + 1)));
  } else {
    await readPasses(data, format, [WHOLE], (rgb) => onRow(rgb));
  }
  return { width, height, orientation };
}

function readChunks(
  bytes: Uint8Array,
  limits: Limits,
): { format: Format; data: Buffer; orientation: number } {
  const view = viewOf(bytes);
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  let orientation = 1;
  const data: Uint8Array[] = [];
  let count = 0;
  for (let at = SIGNATURE_SIZE, type = ""; type !== "IEND"; ) {
    if (++count > MAX_CHUNKS) throw invalid(`A PNG must have at most ${MAX_CHUNKS} chunks`);
    const end = at + 8 + view.getUint32(at);
    const expected = view.getUint32(end);
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const isSound = crc32(bytes.subarray(at + 4, end)) === expected;
    if (!isSound && NEEDED.includes(type)) throw damaged();
    if ((header === undefined) !== (type === "IHDR")) throw damaged();
    const body = bytes.subarray(at + 8, end);
    if (type === "IHDR") {
      header = body;
      checkSides(view.getUint32(at + 8), view.getUint32(at + 12), limits);
    } else if (type === "PLTE") palette = body;
    else if (type === "IDAT") data.push(body);
    else if (type === "eXIf" && isSound) orientation = readOrientation(body);
    at = end + 4;
  }
  if (header === undefined) throw damaged();
  return { format: readFormat(header, palette), data: Buffer.concat(data), orientation };
}

function readFormat(header: Uint8Array, palette: Uint8Array | undefined): Format {
  if (header.length !== 13) throw damaged();
  const view = viewOf(header);
  const [depth = 0, colorType = 0, compression, filter, interlaced = 0] = header.subarray(8);
  const channels = CHANNELS[colorType];
  if (channels === undefined || !DEPTHS[colorType]?.includes(depth)) {
    throw invalid("The PNG's color type and bit depth are unknown");
  }
  if (compression !== 0 || filter !== 0 || interlaced > 1) {
    throw invalid("The PNG's compression, filter or interlacing is unknown");
  }
  if (colorType === 3 && palette === undefined) throw invalid("The PNG has no palette");
  const format = { width: view.getUint32(0), height: view.getUint32(4), depth, channels };
  return {
    ...format,
    ...(colorType === 3 && palette ? { palette } : {}),
    isInterlaced: interlaced === 1,
  };
}

/** Inflates and unfilters the rows of each pass. `onRow` gets one as RGB, and where it belongs. */
async function readPasses(
  data: Uint8Array,
  format: Format,
  passes: readonly Pass[],
  onRow: (rgb: Uint8Array, pass: Pass, y: number) => void,
): Promise<void> {
  const { width, height, depth, channels } = format;
  const rows = readRows(passes, format);
  // Bytes from a sample to the one that filters predict it from.
  const distance = Math.max(1, (depth * channels) / 8);
  let row = rows.next().value;
  let previous = new Uint8Array(row?.size ?? 0);
  let current = new Uint8Array(row?.size ?? 0);
  let filled = -1;
  let filter = 0;

  const inflate = createInflate({ chunkSize: 65_536 });
  inflate.end(data);
  for await (const chunk of inflate as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length && row; ) {
      if (filled < 0) {
        filter = chunk[at++] as number;
        filled = 0;
      }
      const taken = chunk.subarray(at, at + row.size - filled);
      current.set(taken, filled);
      at += taken.length;
      filled += taken.length;
      if (filled < row.size) continue;
      unfilter(filter, current, previous, distance);
      onRow(toRgb(current, row.width, format), row.pass, row.y);
      const { pass } = row;
      row = rows.next().value;
      filled = -1;
      if (row && row.pass !== pass) {
        previous = new Uint8Array(row.size);
        current = new Uint8Array(row.size);
      } else [previous, current] = [current, previous];
    }
    if (!row) return;
  }
  throw invalid(`The PNG has fewer than ${width} x ${height} pixels`);
}

/** The rows of all passes, in the order in which they are stored; `size` is their bytes without the filter's. */
function* readRows(
  passes: readonly Pass[],
  { width, height, depth, channels }: Format,
): Generator<{ pass: Pass; y: number; width: number; size: number }, undefined> {
  for (const pass of passes) {
    const [x, dx, first, dy] = pass;
    const columns = Math.ceil((width - x) / dx);
    const size = Math.ceil((columns * depth * channels) / 8);
    for (let y = first; y < height; y += dy) yield { pass, y, width: columns, size };
  }
}

/** Undoes a row's filter in place (PNG section 9.2). */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, distance: number): void {
  if (filter === 0) return;
  if (filter > 4) throw damaged();
  for (let i = 0; i < row.length; i++) {
    const left = i < distance ? 0 : (row[i - distance] as number);
    const up = above[i] as number;
    let predicted = left;
    if (filter === 2) predicted = up;
    else if (filter === 3) predicted = (left + up) >> 1;
    else if (filter === 4) predicted = paeth(left, up, i < distance ? 0 : (above[i - distance] as number));
    row[i] = (row[i] as number) + predicted;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const byLeft = Math.abs(up - corner);
  const byUp = Math.abs(left - corner);
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

/** A row's samples as RGB; of 16 bits the upper 8 count. */
function toRgb(row: Uint8Array, width: number, { depth, channels, palette }: Format): Uint8Array {
  const rgb = new Uint8Array(3 * width);
  const step = (channels * depth) >> 3;
  const isColor = channels >= 3;
  const sampleSize = depth >> 3;
  const top = 2 ** depth - 1;
  for (let x = 0, to = 0, from = 0; x < width; x++, to += 3, from += step) {
    let red = row[from] as number;
    if (depth < 8) {
      const bit = x * depth;
      const sample = ((row[bit >> 3] as number) >> (8 - depth - (bit & 7))) & top;
      red = palette ? sample : (sample * 255) / top;
    }
    if (palette) {
      if (3 * red + 2 >= palette.length) throw invalid("A pixel of the PNG is outside its palette");
      rgb[to] = palette[3 * red] as number;
      rgb[to + 1] = palette[3 * red + 1] as number;
      rgb[to + 2] = palette[3 * red + 2] as number;
    } else {
      rgb[to] = red;
      rgb[to + 1] = isColor ? (row[from + sampleSize] as number) : red;
      rgb[to + 2] = isColor ? (row[from + 2 * sampleSize] as number) : red;
    }
  }
  return rgb;
}
