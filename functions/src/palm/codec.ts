import { crc32 } from "node:zlib";
import { PalmError } from "./errors.ts";

/** Which hand a palm belongs to; "unknown" goes with both. */
export type Hand = "left" | "right" | "unknown";

/** The one format there is: six-orientation code on a 32 × 32 grid. */
export const PALM_CODE = "palm-code.v1";
export type TemplateFormat = typeof PALM_CODE;

/** Cells a side of the grid. */
export const GRID = 32;

/**
 * The code of a palm as 32 rows of four 32-bit words: bits 0, 1 and 2 of the orientation, then the
 * mask. Bit c of a word is column c; a cell whose mask bit is 0 has no vote and zero code bits.
 */
export type Planes = Int32Array;
export const PLANE_WORDS = 4 * GRID;

/**
 * Orientations 0..5 in three bits such that the Hamming distance of two codes is their angular
 * distance in steps of 30°, 0..3 (Kong & Zhang, ICPR 2004).
 */
export const ORIENTATION_CODES = [0b000, 0b001, 0b011, 0b111, 0b110, 0b100] as const;

/** What a template says about itself. */
export interface TemplateFacts {
  format: TemplateFormat;
  hand: Hand;
  /** 0..100, see `extractTemplate`. */
  quality: number;
  /** How many samples were fused, 1..255. */
  samples: number;
}

export interface Template extends TemplateFacts {
  planes: Planes;
}

const MAGIC = 0x504c4d54; // "PLMT"
const FORMAT = 1;
const EXTRACTOR_VERSION = 1;
const HANDS: readonly Hand[] = ["unknown", "left", "right"];
const HEADER_BYTES = 12;
const CRC_BYTES = 4;

/** Bytes of a `palm-code.v1` template. */
export const TEMPLATE_BYTES = HEADER_BYTES + 4 * PLANE_WORDS + CRC_BYTES;

/** Writes template bytes, see docs/palm.md for the layout. */
export function encodeTemplate({ hand, quality, samples, planes }: Omit<Template, "format">): Uint8Array {
  const bytes = new Uint8Array(TEMPLATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  bytes.set([FORMAT, EXTRACTOR_VERSION, HANDS.indexOf(hand), quality, Math.min(samples, 255)], 4);
  planes.forEach((word, i) => {
    view.setInt32(HEADER_BYTES + 4 * i, word, true);
  });
  view.setUint32(TEMPLATE_BYTES - CRC_BYTES, crc32(bytes.subarray(0, -CRC_BYTES)));
  return bytes;
}

/**
 * Reads template bytes.
 * @throws PalmError `invalid_template`: magic, format, version, length, checksum, or a field that no
 *   extractor writes.
 */
export function decodeTemplate(bytes: Uint8Array): Template {
  if (formatByte(bytes) !== FORMAT || bytes.length !== TEMPLATE_BYTES) throw invalid("is of another format");
  const [version, handByte = -1, quality = -1, samples = 0, ...reserved] = bytes.subarray(5, HEADER_BYTES);
  if (version !== EXTRACTOR_VERSION) throw invalid("is of another extractor version");
  const hand = HANDS[handByte];
  if (hand === undefined || quality > 100 || samples < 1 || reserved.some((byte) => byte !== 0)) {
    throw invalid("has an impossible header");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES);
  const planes = new Int32Array(PLANE_WORDS);
  for (let i = 0; i < PLANE_WORDS; i++) planes[i] = view.getInt32(4 * i, true);
  if (!isCanonical(planes)) throw invalid("has an impossible code");
  return { format: PALM_CODE, hand, quality, samples, planes };
}

/** The format byte of whatever carries our magic and a sound checksum. */
export function formatByte(bytes: Uint8Array): number {
  if (!(bytes instanceof Uint8Array) || bytes.length < HEADER_BYTES + CRC_BYTES)
    throw invalid("is too short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC) throw invalid("does not begin like one");
  const end = bytes.length - CRC_BYTES;
  if (view.getUint32(end) !== crc32(bytes.subarray(0, end))) throw invalid("has a wrong checksum");
  return view.getUint8(4);
}

/** One code, one encoding: masked cells are zero, and 010 and 101 are no orientation. */
function isCanonical(planes: Planes): boolean {
  for (let i = 0; i < PLANE_WORDS; i += 4) {
    const b0 = planes[i] as number;
    const b1 = planes[i + 1] as number;
    const b2 = planes[i + 2] as number;
    const unmasked = (b0 | b1 | b2) & ~(planes[i + 3] as number);
    const nowhere = (b1 & ~b0 & ~b2) | (b0 & b2 & ~b1);
    if ((unmasked | nowhere) !== 0) return false;
  }
  return true;
}

function invalid(what: string): PalmError {
  return new PalmError("invalid_template", `The template ${what}`);
}

/** No vote, among the orientations of `unpackCells`. */
export const NO_VOTE = 255;

/** Planes → 1,024 orientations 0..5, row by row, `NO_VOTE` for masked cells. */
export function unpackCells(planes: Planes): Uint8Array {
  const cells = new Uint8Array(GRID * GRID).fill(NO_VOTE);
  for (let i = 0; i < cells.length; i++) {
    const word = 4 * (i >> 5);
    const bit = (plane: number) => ((planes[word + plane] as number) >>> (i & 31)) & 1;
    if (bit(3)) cells[i] = ORIENTATION_CODES.indexOf((bit(0) | (bit(1) << 1) | (bit(2) << 2)) as 0);
  }
  return cells;
}

/** The inverse of `unpackCells`. */
export function packCells(cells: Uint8Array): Planes {
  const planes = new Int32Array(PLANE_WORDS);
  cells.forEach((orientation, i) => {
    const code = ORIENTATION_CODES[orientation];
    if (code === undefined) return;
    const bits = code | 0b1000;
    for (let plane = 0; plane < 4; plane++) {
      const word = 4 * (i >> 5) + plane;
      planes[word] = (planes[word] as number) | (((bits >> plane) & 1) << (i & 31));
    }
  });
  return planes;
}
