import { encodeTemplate, GRID, type Hand, NO_VOTE, packCells } from "./codec.ts";
import { gaborResponses, ORIENTATIONS, SIZE, STEP } from "./gabor.ts";
import type { GrayImage } from "./image.ts";
import { MIN_OVERLAP } from "./match.ts";
import { POSES, posePixels } from "./pose.ts";

/** Templates below this quality must not be enrolled or searched with. */
export const MIN_QUALITY = 15;

/** A cell is clear when its six responses span so many grey levels, and so many standard deviations of noise. */
const CLEAR_SPAN = 0.6;
const CLEAR_IN_NOISE = 4;
/** It votes from a third of that, for flat skin tells palms apart as well, and counts in full from twice that. */
const VOTE = 1 / 3;
const FULL = 2;
/** How much white noise of one grey level answers a kernel: √(π/2) · σ / (2πσ²) at σ = 7.5. */
const NOISE_GAIN = 0.0266;

/**
 * Palm image → template: the largest centred square is brought to 128 × 128 px by area averaging, six
 * zero-mean Gabor kernels answer on a 32 × 32 grid, the darkest line wins the cell (competitive code,
 * Kong & Zhang, ICPR 2004). Cells that are saturated, or drown in the image's noise, have no vote.
 *
 * `quality` 0..100 is the share of cells that answer clearly, weighted by how clearly; a picture without
 * a palm's lines (flat, noise, over-exposed) stays below `MIN_QUALITY`. Never throws for a decoded image,
 * and gives the same bytes on every machine: the only transcendental numbers are kernel tables of
 * integers, all else is IEEE 754 addition, multiplication and division in a fixed order.
 */
export function extractTemplate(
  image: GrayImage,
  { hand }: { hand: Hand },
): { template: Uint8Array; quality: number } {
  return encode(competitiveCode(resize(image), clearSpan(image)), hand);
}

/**
 * As `extractTemplate`, and the templates of the same picture in the other poses, for a search.
 * @returns `poses`: 6 templates
 */
export function extractProbe(
  image: GrayImage,
  { hand }: { hand: Hand },
): { template: Uint8Array; quality: number; poses: Uint8Array[] } {
  const working = resize(image);
  const clear = clearSpan(image);
  const poses = POSES.map((pose) => {
    const { pixels, outside } = posePixels(working, pose);
    return encode(competitiveCode(pixels, clear, outside), hand).template;
  });
  return { ...encode(competitiveCode(working, clear), hand), poses };
}

function encode({ cells, quality }: { cells: Uint8Array; quality: number }, hand: Hand) {
  return { template: encodeTemplate({ hand, quality, samples: 1, planes: packCells(cells) }), quality };
}

/** The span of responses from which on a cell is clear. */
function clearSpan(image: GrayImage): number {
  const side = Math.min(image.width, image.height);
  // White noise of a source pixel spreads over (128 / side)² of the working image's.
  const noiseFloor = NOISE_GAIN * noise(image) * (SIZE / side);
  return Math.max(CLEAR_SPAN, CLEAR_IN_NOISE * noiseFloor);
}

/** Area average of the largest centred square, 128 × 128 grey levels with fractions. */
function resize({ width, height, gray }: GrayImage): Float64Array {
  const side = Math.min(width, height);
  const left = (width - side) >> 1;
  const top = (height - side) >> 1;
  const pieces = overlaps(side);
  const narrow = new Int32Array(side * SIZE);
  for (let y = 0; y < side; y++) {
    const row = (top + y) * width + left;
    for (const { source, target, weight } of pieces) {
      narrow[y * SIZE + target] =
        (narrow[y * SIZE + target] as number) + weight * (gray[row + source] as number);
    }
  }
  const out = new Float64Array(SIZE * SIZE);
  for (const { source, target, weight } of pieces) {
    for (let x = 0; x < SIZE; x++) {
      out[target * SIZE + x] =
        (out[target * SIZE + x] as number) + weight * (narrow[source * SIZE + x] as number);
    }
  }
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) / (side * side);
  return out;
}

/** Source pixels under target pixels: in units of 1/128 px one is 128 long, the other `side`. */
function overlaps(side: number): { source: number; target: number; weight: number }[] {
  const pieces: { source: number; target: number; weight: number }[] = [];
  for (let at = 0; at < side * SIZE; ) {
    const source = Math.floor(at / SIZE);
    const target = Math.floor(at / side);
    const next = Math.min((source + 1) * SIZE, (target + 1) * side);
    pieces.push({ source, target, weight: next - at });
    at = next;
  }
  return pieces;
}

/**
 * @param clear span of responses from which on a cell is clear
 * @param outside for each pixel whether it lies outside of the picture
 */
function competitiveCode(
  pixels: Float64Array,
  clear: number,
  outside?: Uint8Array,
): { cells: Uint8Array; quality: number } {
  const responses = gaborResponses(pixels);
  const isBlind = blindCells(pixels, outside);
  const cells = new Uint8Array(GRID * GRID).fill(NO_VOTE);
  let votes = 0;
  let clarity = 0;
  for (let i = 0; i < cells.length; i++) {
    let winner = 0;
    let lowest = Infinity;
    let highest = -Infinity;
    for (let o = 0; o < ORIENTATIONS; o++) {
      const response = responses[ORIENTATIONS * i + o] as number;
      if (response < lowest) {
        lowest = response;
        winner = o;
      }
      if (response > highest) highest = response;
    }
    const span = highest - lowest;
    if (span < VOTE * clear || isBlind[i]) continue;
    cells[i] = winner;
    votes++;
    if (span >= clear) clarity += Math.min(1, span / (FULL * clear));
  }
  return { cells, quality: votes < MIN_OVERLAP ? 0 : Math.round((100 * clarity) / cells.length) };
}

/** Standard deviation of white noise, grey levels (Immerkær, CVIU 64, 1996): lines hardly count. */
function noise({ width, height, gray }: GrayImage): number {
  let sum = 0;
  let count = 0;
  const stride = Math.ceil(height / SIZE);
  for (let y = 1; y < height - 1; y += stride) {
    for (let i = y * width + 1, end = i + width - 2; i < end; i++) {
      const at = (offset: number) => gray[i + offset] as number;
      const corners = at(-width - 1) + at(-width + 1) + at(width - 1) + at(width + 1);
      sum += Math.abs(corners - 2 * (at(-width) + at(width) + at(-1) + at(1)) + 4 * at(0));
      count++;
    }
  }
  return (1.2533141373155 * sum) / (6 * count);
}

/** Cells where more than a quarter of the 12 × 12 px around is black, white or outside of the picture. */
function blindCells(pixels: Float64Array, outside?: Uint8Array): Uint8Array {
  const counts = new Uint8Array(GRID * GRID);
  pixels.forEach((gray, i) => {
    if (gray > 1 && gray < 254 && !outside?.[i]) return;
    const cell = GRID * Math.floor(i / SIZE / STEP) + Math.floor((i % SIZE) / STEP);
    counts[cell] = (counts[cell] as number) + 1;
  });
  return counts.map((_, cell) => {
    const row = cell >> 5;
    const column = cell & 31;
    let black = 0;
    let all = 0;
    for (let r = Math.max(0, row - 1); r <= Math.min(GRID - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(GRID - 1, column + 1); c++) {
        black += counts[GRID * r + c] as number;
        all += STEP * STEP;
      }
    }
    return 4 * black > all ? 1 : 0;
  });
}
