import {
  decodeTemplate,
  decodeVector,
  formatOf,
  GRID,
  PALM_CODE,
  PLANE_WORDS,
  type Planes,
  type TemplateFormat,
  VECTOR_512,
} from "./codec.ts";
import { PalmError } from "./errors.ts";
import { cosine } from "./vector.ts";

/** Largest shift between two palms that is tried, in cells each way: 20 of 128 px. */
export const REACH = 5;
/** Largest further shift of a quarter of the palm, in cells each way: for turned, scaled and stretched palms. */
const GIVE = 1;
/** Mean score of strangers, and the overlap in cells at which normalization does not change a score. */
const STRANGER_MEAN = 0.58;
const FULL_OVERLAP = 950;
/** A quarter with fewer jointly valid cells is left out, and fewer in all say nothing. */
export const MIN_QUARTER = 64;
export const MIN_OVERLAP = 400;

const SCORE: Record<TemplateFormat, (a: Uint8Array, b: Uint8Array) => number> = {
  [PALM_CODE]: (a, b) => new Probe(decodeTemplate(a).planes).score(decodeTemplate(b).planes, 0),
  [VECTOR_512]: (a, b) => cosine(decodeVector(a), decodeVector(b)),
};

/**
 * How similar two templates are, 0..1. Symmetric; a palm against itself gets 1 if at least 950 of its cells vote.
 *
 * Palm codes: 1 − the mean angular distance of the jointly valid cells / 90°, at the best of ±5 cell
 * shifts both ways, from where each quarter of the palm may move one cell more, normalized by the number
 * of these cells. Palms of different people get about 0.58, and 0 means too little in common to compare.
 * Source: competitive code (Kong & Zhang, ICPR 2004); the quarters compensate for turns and stretched skin.
 *
 * Vectors: max(0, cosine), float32 against int8 too.
 *
 * @throws PalmError `invalid_template` for broken bytes and for protected vectors, `template_mismatch` for
 *   unlike formats.
 */
export function compareTemplates(a: Uint8Array, b: Uint8Array): number {
  const format = formatOf(a);
  if (format !== formatOf(b)) throw new PalmError("template_mismatch", "The templates are of unlike formats");
  return SCORE[format](a, b);
}

/** One palm code made ready to be compared with many. */
export class Probe {
  /** The shift that won the last `score`: the probe's cell (r, c) on the other's (r + dy, c + dx), give apart. */
  dx = 0;
  dy = 0;
  readonly #reach: number;
  readonly #give: number;
  /** The probe's columns moved by ⌊dx / 2⌋, and the other's by the rest of dx the other way. */
  readonly #mine: Int32Array[];
  readonly #theirs: Int32Array[];
  /** By quarter and shift, with a border where nothing is: mean distance 0..3, jointly valid cells. */
  readonly #distance: Float64Array;
  readonly #cells: Int32Array;
  readonly #side: number;

  /**
   * @param reach cells of shift to try each way
   * @param give cells that a quarter may be further off
   */
  constructor(planes: Planes, reach = REACH, give = GIVE) {
    this.#reach = reach;
    this.#give = give;
    const shifts = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
    this.#mine = shifts.map((dx) => moveColumns(planes, 0, Math.floor(dx / 2), new Int32Array(PLANE_WORDS)));
    this.#theirs = shifts.map(() => new Int32Array(PLANE_WORDS));
    this.#side = 2 * (reach + give) + 1;
    this.#distance = new Float64Array(4 * this.#side * this.#side).fill(Infinity);
    this.#cells = new Int32Array(4 * this.#side * this.#side);
  }

  /** Score 0..1 against the palm whose planes begin at `offset`. */
  score(gallery: Int32Array, offset: number): number {
    const reach = this.#reach;
    for (let dx = -reach; dx <= reach; dx++) {
      const mine = this.#mine[dx + reach] as Int32Array;
      const theirs = moveColumns(gallery, offset, -Math.ceil(dx / 2), this.#theirs[dx + reach] as Int32Array);
      for (let dy = -reach; dy <= reach; dy++) {
        // Quarters meet in the middle between the two palms' middles, so that the score is symmetric.
        const first = Math.max(0, -dy);
        const middle = GRID / 2 - Math.floor(dy / 2);
        const last = Math.min(GRID, GRID - dy);
        const at = (dy + reach + this.#give) * this.#side + dx + reach + this.#give;
        this.#compareRows(mine, theirs, first, middle, dy, at);
        this.#compareRows(mine, theirs, middle, last, dy, at + 2 * this.#side * this.#side);
      }
    }
    return this.#best();
  }

  /** Left and right quarter of some rows: adds the three differing bits of a cell, then cells, then rows. */
  #compareRows(
    mine: Int32Array,
    theirs: Int32Array,
    first: number,
    end: number,
    dy: number,
    at: number,
  ): void {
    let distance = 0;
    let cells = 0;
    for (let i = 4 * first, j = 4 * (first + dy); i < 4 * end; i += 4, j += 4) {
      const mask = (mine[i + 3] as number) & (theirs[j + 3] as number);
      const x = ((mine[i] as number) ^ (theirs[j] as number)) & mask;
      const y = ((mine[i + 1] as number) ^ (theirs[j + 1] as number)) & mask;
      const z = ((mine[i + 2] as number) ^ (theirs[j + 2] as number)) & mask;
      let ones = x ^ y ^ z;
      let twos = (x & y) | (z & (x | y));
      ones -= (ones >>> 1) & 0x55555555;
      twos -= (twos >>> 1) & 0x55555555;
      ones = (ones & 0x33333333) + ((ones >>> 2) & 0x33333333);
      twos = (twos & 0x33333333) + ((twos >>> 2) & 0x33333333);
      const nibbles = ones + 2 * twos;
      const bytes = (nibbles & 0x0f0f0f0f) + ((nibbles >>> 4) & 0x0f0f0f0f);
      distance = (distance + (bytes & 0x00ff00ff) + ((bytes >>> 8) & 0x00ff00ff)) | 0;
      let valid = mask - ((mask >>> 1) & 0x55555555);
      valid = (valid & 0x33333333) + ((valid >>> 2) & 0x33333333);
      valid = (valid + (valid >>> 4)) & 0x0f0f0f0f;
      cells = (cells + (valid & 0x00ff00ff) + ((valid >>> 8) & 0x00ff00ff)) | 0;
    }
    this.#note(at, distance & 0xffff, cells & 0xffff);
    this.#note(at + this.#side * this.#side, distance >>> 16, cells >>> 16);
  }

  #note(at: number, distance: number, cells: number): void {
    const enough = cells >= MIN_QUARTER;
    this.#distance[at] = enough ? distance / cells : Infinity;
    this.#cells[at] = enough ? cells : 0;
  }

  #best(): number {
    const side = this.#side;
    const [give, from, to] = [this.#give, this.#give, side - this.#give];
    let best = 0;
    for (let y = from; y < to; y++) {
      for (let x = from; x < to; x++) {
        let cells = 0;
        let distance = 0;
        for (let at = y * side + x; at < this.#cells.length; at += side * side) {
          const weight = this.#cells[at] as number;
          if (weight === 0) continue;
          let least = Infinity;
          for (let i = at - give * side; i <= at + give * side; i += side) {
            for (let j = i - give; j <= i + give; j++) {
              const other = this.#distance[j] as number;
              if (other < least) least = other;
            }
          }
          cells += weight;
          distance += weight * least;
        }
        if (cells < MIN_OVERLAP) continue;
        const score = normalize(1 - distance / cells / 3, cells);
        if (score <= best) continue;
        best = score;
        this.dx = x - from - this.#reach;
        this.dy = y - from - this.#reach;
      }
    }
    return Math.min(1, best);
  }
}

/**
 * A score made independent of how many cells vote in both palms: the fewer cells, the wider strangers' scores spread
 * around their mean.
 */
function normalize(score: number, cells: number): number {
  return STRANGER_MEAN + (score - STRANGER_MEAN) * Math.sqrt(cells / FULL_OVERLAP);
}

/** The planes at `offset` with every column moved by `by`, into `to`. */
function moveColumns(planes: Int32Array, offset: number, by: number, to: Int32Array): Int32Array {
  if (by < 0) for (let i = 0; i < PLANE_WORDS; i++) to[i] = (planes[offset + i] as number) >>> -by;
  else for (let i = 0; i < PLANE_WORDS; i++) to[i] = (planes[offset + i] as number) << by;
  return to;
}
