import { crc32 } from "node:zlib";
import { PalmError } from "./errors.ts";
import { DIMENSIONS, dot, PEAK, peakOf, type Vector } from "./vector.ts";

/** Which hand a palm belongs to; "unknown" goes with both. */
export type Hand = "left" | "right" | "unknown";

/** The built-in extractor's: six-orientation code on a 32 × 32 grid. */
export const PALM_CODE = "palm-code.v1";
/** An extractor's of one's own: an embedding of 512 numbers whose cosine tells palms apart. */
export const VECTOR_512 = "vector-512.v1";
export type TemplateFormat = typeof PALM_CODE | typeof VECTOR_512;

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
  /** 0..100, see `extractTemplate`; null for vectors, whose extractor we do not know. */
  quality: number | null;
  /** How many samples were fused, 1..255. */
  samples: number;
}

/** A palm code, read. */
export interface Template extends TemplateFacts {
  format: typeof PALM_CODE;
  quality: number;
  planes: Planes;
}

/** A vector as it is stored: rotated, in integers −127..127 of which one at least is that large. */
export interface ProtectedVector {
  hand: Hand;
  samples: number;
  values: Int8Array;
}

// ---- the envelope: header, 512 bytes, checksum; see docs/palm.md for the layout ----

const MAGIC = 0x504c4d54; // "PLMT"
/** By format byte, from 1. */
const FORMATS: readonly TemplateFormat[] = [PALM_CODE, VECTOR_512];
const VERSION = 1;
const HANDS: readonly Hand[] = ["unknown", "left", "right"];
const NO_QUALITY = 255;
const HEADER_BYTES = 12;
const BODY_BYTES = 512;
const CRC_BYTES = 4;

/** Bytes of a palm code, and of a protected vector. */
export const TEMPLATE_BYTES = HEADER_BYTES + BODY_BYTES + CRC_BYTES;

/**
 * The format of sound bytes: by magic, checksum and format byte, or else a vector by length and numbers.
 * @throws PalmError `invalid_template`
 */
export function formatOf(bytes: Uint8Array): TemplateFormat {
  if (!isSealed(bytes)) {
    readNumbers(bytes);
    return VECTOR_512;
  }
  if (bytes.length !== TEMPLATE_BYTES) throw invalid("is of another length");
  const view = new DataView(bytes.buffer, bytes.byteOffset, TEMPLATE_BYTES);
  const end = TEMPLATE_BYTES - CRC_BYTES;
  if (view.getUint32(end) !== crc32(bytes.subarray(0, end))) throw invalid("has a wrong checksum");
  const format = FORMATS[view.getUint8(4) - 1];
  if (format === undefined) throw invalid("is of no known format");
  return format;
}

/** Whether bytes begin like an envelope: a palm code or a protected vector, but no vector on the wire. */
export function isSealed(bytes: Uint8Array): boolean {
  if (!(bytes instanceof Uint8Array) || bytes.length < 4) throw invalid("is too short");
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === MAGIC;
}

function seal({ format, hand, quality, samples }: TemplateFacts, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TEMPLATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  const formatByte = FORMATS.indexOf(format) + 1;
  bytes.set([formatByte, VERSION, HANDS.indexOf(hand), quality ?? NO_QUALITY, Math.min(samples, 255)], 4);
  bytes.set(body, HEADER_BYTES);
  view.setUint32(TEMPLATE_BYTES - CRC_BYTES, crc32(bytes.subarray(0, -CRC_BYTES)));
  return bytes;
}

function unseal(bytes: Uint8Array, format: TemplateFormat) {
  if (formatOf(bytes) !== format) throw mismatch();
  if (!isSealed(bytes)) throw invalid("is not protected");
  const [version, handByte = -1, quality = -1, samples = 0, ...reserved] = bytes.subarray(5, HEADER_BYTES);
  if (version !== VERSION) throw invalid("is of another extractor version");
  const hand = HANDS[handByte];
  if (hand === undefined || samples < 1 || reserved.some((byte) => byte !== 0)) {
    throw invalid("has an impossible header");
  }
  return { hand, quality, samples, body: bytes.subarray(HEADER_BYTES, HEADER_BYTES + BODY_BYTES) };
}

function invalid(what: string): PalmError {
  return new PalmError("invalid_template", `The template ${what}`);
}

function mismatch(): PalmError {
  return new PalmError("template_mismatch", "The template is of another format");
}

// ---- palm codes ----

/** Writes the bytes of a palm code. */
export function encodeTemplate({ planes, ...facts }: Omit<Template, "format">): Uint8Array {
  const body = new DataView(new ArrayBuffer(BODY_BYTES));
  planes.forEach((word, i) => {
    body.setInt32(4 * i, word, true);
  });
  return seal({ format: PALM_CODE, ...facts }, new Uint8Array(body.buffer));
}

/**
 * Reads the bytes of a palm code.
 * @throws PalmError `invalid_template`: magic, format, version, length, checksum, or a field that no
 *   extractor writes; `template_mismatch`: a sound vector.
 */
export function decodeTemplate(bytes: Uint8Array): Template {
  const { body, ...facts } = unseal(bytes, PALM_CODE);
  if (facts.quality > 100) throw invalid("has an impossible header");
  const view = new DataView(body.buffer, body.byteOffset);
  const planes = new Int32Array(PLANE_WORDS);
  for (let i = 0; i < PLANE_WORDS; i++) planes[i] = view.getInt32(4 * i, true);
  if (!isCanonical(planes)) throw invalid("has an impossible code");
  return { format: PALM_CODE, ...facts, planes };
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

/** How many cells vote, 0..1024. */
export function countVotes(planes: Planes): number {
  let votes = 0;
  for (let i = 3; i < PLANE_WORDS; i += 4) {
    for (let mask = planes[i] as number; mask !== 0; mask &= mask - 1) votes++;
  }
  return votes;
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

// ---- vectors ----

const FLOAT_BYTES = 4 * DIMENSIONS;
const INT8_BYTES = DIMENSIONS;

/**
 * Reads a vector as it comes over the wire: 2,048 bytes of little-endian float32, or 512 of int8.
 * @throws PalmError `invalid_template`: another length, NaN, infinity, nothing but zeros, or a protected
 *   vector; `template_mismatch`: a sound palm code.
 */
export function decodeVector(bytes: Uint8Array): Vector {
  if (!isSealed(bytes)) return readNumbers(bytes);
  throw formatOf(bytes) === VECTOR_512 ? invalid("is protected") : mismatch();
}

/** Writes a vector as 2,048 bytes of little-endian float32. */
export function encodeVector(vector: Vector): Uint8Array {
  const view = new DataView(new ArrayBuffer(FLOAT_BYTES));
  vector.forEach((x, i) => {
    view.setFloat32(4 * i, x, true);
  });
  return new Uint8Array(view.buffer);
}

/** Doubles, in which the squares of float32 numbers, denormal ones too, neither overflow nor vanish. */
function readNumbers(bytes: Uint8Array): Vector {
  const floats = bytes.length === FLOAT_BYTES;
  if (!floats && bytes.length !== INT8_BYTES) throw invalid("is of another length");
  const vector = floats ? readFloats(bytes) : new Float64Array(new Int8Array(bytes));
  const square = dot(vector, vector);
  if (!(square > 0 && square < Infinity)) throw invalid("is no direction");
  return vector;
}

function readFloats(bytes: Uint8Array): Vector {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const vector = new Float64Array(DIMENSIONS);
  for (let i = 0; i < DIMENSIONS; i++) vector[i] = view.getFloat32(4 * i, true);
  return vector;
}

/** Writes the bytes of a protected vector. */
export function encodeProtected({ hand, samples, values }: ProtectedVector): Uint8Array {
  return seal(
    { format: VECTOR_512, hand, quality: null, samples },
    new Uint8Array(values.buffer, values.byteOffset, BODY_BYTES),
  );
}

/**
 * Reads the bytes of a protected vector; no error tells by which secret it was rotated.
 * @throws PalmError `invalid_template`, as for palm codes; `template_mismatch`: a sound palm code.
 */
export function decodeProtected(bytes: Uint8Array): ProtectedVector {
  const { hand, quality, samples, body } = unseal(bytes, VECTOR_512);
  const values = new Int8Array(body);
  if (quality !== NO_QUALITY || peakOf(values) !== PEAK) throw invalid("has impossible numbers");
  return { hand, samples, values };
}
