import { decodeWithLibjpeg } from "./decoders.ts";
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
 * JPEG (ITU-T T.81). The file's structure is checked here, libjpeg-turbo decodes the pixels.
 */

// A progressive scan of a few bytes visits every block. Encoders write 6 to 12 scans: 16 are allowed in any picture, more
// in small ones, as long as they visit no more blocks than 16 scans of 1024 x 1024 px.
const MIN_SCANS = 16;
const MAX_SCANS = 64;
const MAX_SCANNED_PIXELS = MIN_SCANS * 1024 * 1024;

// Each scan may have a few tables. Without a limit the headers of a file of 8 MiB take a tenth of a second to inspect.
const MAX_SEGMENTS = 1024;

/** Of a coefficient that no scan has sent. */
const NOT_SENT = 255;

// The combinations of sampling factors that libjpeg-turbo's TurboJPEG interface reads: of luminance and both chromas.
const SAMPLINGS = ["11 11", "21 11", "12 11", "22 11", "41 11", "14 11", "21 21", "12 12", "22 21", "22 12"];

const SOF0 = 0xc0;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;
const EXIF = "Exif\0\0";

interface Segment {
  marker: number;
  /** Of the segment's content, behind its length. A scan's entropy-coded bytes are behind `end`. */
  start: number;
  end: number;
}

/** Sides and component ids. */
interface Frame {
  width: number;
  height: number;
  components: number[];
}

/** Reads the header as far as the frame, without the orientation. @throws PalmError `invalid_image` */
export function inspectJpeg(bytes: Uint8Array, limits: Limits): void {
  for (const segment of segments(bytes)) {
    if (isFrame(segment.marker)) {
      readFrame(bytes, segment, limits);
      return;
    }
    if (segment.marker === SOS) break;
  }
  throw invalid("The JPEG has no frame header");
}

/**
 * Decodes a JPEG.
 * @returns the sides as they are stored in the file
 * @throws PalmError `invalid_image`
 */
export async function decodeJpeg(bytes: Uint8Array, limits: Limits, onStart: OnStart): Promise<Header> {
  const header = checkStructure(bytes, limits);
  pushRows(await decodeWithLibjpeg(bytes), header, onStart);
  return header;
}

/** Checks that the file is complete and that its scans are few enough, before anything is decoded. */
function checkStructure(bytes: Uint8Array, limits: Limits): Header {
  let frame: Frame | undefined;
  let orientation: number | undefined;
  let scans = 0;
  const missing = new Map<number, Uint8Array>();
  for (const segment of segments(bytes)) {
    const { marker, start, end } = segment;
    if (isFrame(marker)) {
      if (frame !== undefined) throw invalid("The JPEG has more than one frame");
      frame = readFrame(bytes, segment, limits);
      for (const component of frame.components) missing.set(component, new Uint8Array(64).fill(NOT_SENT));
    } else if (marker === SOS) {
      if (frame === undefined) throw damaged();
      checkScans(++scans, frame);
      noteScan(bytes, segment, missing);
    } else if (marker === APP1 && orientation === undefined && hasText(bytes, start, EXIF)) {
      orientation = readOrientation(bytes.subarray(start + EXIF.length, end));
    }
  }
  if (frame === undefined) throw invalid("The JPEG has no frame header");
  // libjpeg-turbo decodes a progressive file whose last scans are missing without a warning.
  for (const bits of missing.values()) if (bits.some((count) => count > 0)) throw damaged();
  return { width: frame.width, height: frame.height, orientation: orientation ?? 1 };
}

/** Notes how many of the lower bits of each coefficient are missing after a scan, by its header (T.81 B.2.3). */
function noteScan(bytes: Uint8Array, { start, end }: Segment, missing: Map<number, Uint8Array>): void {
  const count = bytes[start] as number;
  const parameters = start + 1 + 2 * count;
  if (end !== parameters + 3) throw damaged();
  const [first = 0, last = 0, approximation = 0] = bytes.subarray(parameters, end);
  for (let i = 0; i < count; i++) {
    const component = bytes[start + 1 + 2 * i] as number;
    missing.get(component)?.fill(approximation & 15, first, last + 1);
  }
}

function checkScans(scans: number, { width, height }: Frame): void {
  const most = Math.max(MIN_SCANS, Math.min(MAX_SCANS, Math.floor(MAX_SCANNED_PIXELS / (width * height))));
  if (scans > most) throw invalid(`A JPEG of this size must have at most ${most} scans`);
}

/** The segments as far as the end of the image. What is behind it is ignored. */
function* segments(bytes: Uint8Array): Iterable<Segment> {
  const view = viewOf(bytes);
  let at = 2;
  for (let count = 0; ; count++) {
    if (count > MAX_SEGMENTS) throw invalid(`A JPEG must have at most ${MAX_SEGMENTS} segments`);
    if (bytes[at] !== 0xff) throw damaged();
    while (bytes[at + 1] === 0xff) at++;
    const marker = view.getUint8(at + 1);
    if (marker === EOI) return;
    // SOI, TEM and reserved markers have no length; libjpeg-turbo would continue at another place than this.
    if (marker === SOI || marker < SOF0) throw damaged();
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length || end < at + 4) throw damaged();
    yield { marker, start: at + 4, end };
    at = marker === SOS ? endOfScan(bytes, end) : end;
  }
}

/** Entropy-coded bytes run to the next marker that is neither a stuffed zero nor a restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    if (marker === undefined) break;
    if (marker !== 0 && marker !== 0xff && (marker < 0xd0 || marker > 0xd7)) return at;
  }
  throw damaged();
}

/** DHT, JPG and DAC lie among the frame headers. */
const isFrame = (marker: number): boolean =>
  marker >= SOF0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Reads a frame header: baseline, extended or progressive, Huffman-coded, 8 bits, gray or three colors. */
function readFrame(bytes: Uint8Array, { marker, start }: Segment, limits: Limits): Frame {
  const view = viewOf(bytes);
  if (marker >= 0xc9) throw invalid("A JPEG must not be coded arithmetically");
  if (marker === 0xc3) throw invalid("A JPEG must not be lossless");
  if (marker > 0xc3) throw invalid("A JPEG must not be hierarchical");
  if (view.getUint8(start) !== 8) throw invalid("A JPEG must have 8 bits per sample");
  const height = view.getUint16(start + 1);
  const width = view.getUint16(start + 3);
  checkSides(width, height, limits);
  const count = view.getUint8(start + 5);
  if (count === 4) throw invalid("A JPEG must not be CMYK or YCCK");
  if (count !== 1 && count !== 3) throw invalid("A JPEG must have one or three components");
  const factors = Array.from({ length: count }, (_, i) => view.getUint8(start + 7 + 3 * i).toString(16));
  if (count === 3 && (factors[1] !== factors[2] || !SAMPLINGS.includes(`${factors[0]} ${factors[1]}`))) {
    throw invalid("The JPEG's chroma subsampling is not supported");
  }
  const components = Array.from({ length: count }, (_, i) => view.getUint8(start + 6 + 3 * i));
  if (new Set(components).size !== count) throw damaged();
  return { width, height, components };
}
