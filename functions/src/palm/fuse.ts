import {
  decodeTemplate,
  decodeVector,
  encodeTemplate,
  encodeVector,
  formatOf,
  GRID,
  type Hand,
  NO_VOTE,
  ORIENTATION_CODES,
  PALM_CODE,
  packCells,
  type Template,
  type TemplateFormat,
  unpackCells,
  VECTOR_512,
} from "./codec.ts";
import { PalmError } from "./errors.ts";
import { compareTemplates, Probe, REACH } from "./match.ts";
import { DIMENSIONS, normalise } from "./vector.ts";

/** Samples of one enrolment. */
const MAX_SAMPLES = 5;
/** The least score with the reference. Of real strangers about one pair in 60 reaches 0.67, of 260 real enrollments none is below 0.71. */
const SAME_PALM: Record<TemplateFormat, number> = { [PALM_CODE]: 0.67, [VECTOR_512]: 0.28 };
/** Mean angular distance, in steps of 30°, from which on a cell is too fragile to vote. */
const MAX_DISPUTE = 0.85;

/** What is enrolled; `quality` 0..100, null for vectors. */
interface Fused {
  template: Uint8Array;
  quality: number | null;
}

const FUSE: Record<TemplateFormat, (samples: Uint8Array[], reference: number) => Fused> = {
  [PALM_CODE]: fuseCodes,
  [VECTOR_512]: fuseVectors,
};

/**
 * Fuses 1..5 templates of one palm into the one that is enrolled. The reference is the sample most like
 * the others, and every sample must be like it.
 *
 * Palm codes: each is laid on the reference, then every cell takes the orientation nearest to all votes. It
 * votes itself when at least half of the samples did and they agree well enough. `quality` is the mean of
 * theirs, `samples` the sum.
 *
 * Vectors: the normalised mean of the unit vectors, as 2,048 bytes of float32.
 *
 * @throws PalmError `template_mismatch`: not one palm, unlike known hands, unlike formats, or not 1..5.
 * @throws PalmError `invalid_template`: broken bytes.
 */
export function fuseTemplates(samples: Uint8Array[]): Fused {
  const [first] = samples;
  if (first === undefined || samples.length > MAX_SAMPLES) throw mismatch("1 to 5 samples make an enrolment");
  const format = formatOf(first);
  if (samples.some((sample) => formatOf(sample) !== format))
    throw mismatch("The samples are of unlike formats");

  const scores = samples.map((a) => samples.map((b) => compareTemplates(a, b)));
  const sums = scores.map((row) => row.reduce((a, b) => a + b, 0));
  const reference = sums.indexOf(Math.max(...sums));
  if (scores[reference]?.some((score, i) => i !== reference && score < SAME_PALM[format])) {
    throw mismatch("The samples are not of one palm");
  }
  return FUSE[format](samples, reference);
}

function fuseCodes(samples: Uint8Array[], reference: number): Fused {
  const templates = samples.map(decodeTemplate);
  const hands = new Set(templates.map(({ hand }) => hand));
  hands.delete("unknown");
  if (hands.size > 1) throw mismatch("The samples are of two hands");
  const [hand = "unknown"] = hands as Set<Hand>;

  const target = templates[reference] as Template;
  const aligned = templates.map(({ planes }, i) => {
    const cells = unpackCells(planes);
    if (i === reference) return cells;
    // Laid on as a whole: quarters that move apart would tear seams into the fused code.
    const whole = new Probe(planes, REACH, 0);
    whole.score(target.planes, 0);
    return shift(cells, whole.dx, whole.dy);
  });
  // The reference comes first: it wins the ties.
  aligned.unshift(...aligned.splice(reference, 1));

  const quality = Math.round(templates.reduce((total, t) => total + t.quality, 0) / templates.length);
  const count = templates.reduce((total, t) => total + t.samples, 0);
  return {
    template: encodeTemplate({ hand, quality, samples: count, planes: packCells(vote(aligned)) }),
    quality,
  };
}

/** The mean is never zero: all of its terms are on the reference's side. */
function fuseVectors(samples: Uint8Array[]): Fused {
  const units = samples.map((sample) => normalise(decodeVector(sample)));
  const sum = new Float64Array(DIMENSIONS).map((_, i) =>
    units.reduce((total, unit) => total + (unit[i] as number), 0),
  );
  return { template: encodeVector(normalise(sum)), quality: null };
}

function mismatch(message: string): PalmError {
  return new PalmError("template_mismatch", message);
}

function shift(cells: Uint8Array, dx: number, dy: number): Uint8Array {
  const inside = (at: number) => at >= 0 && at < GRID;
  return cells.map((_, i) => {
    const row = (i >> 5) - dy;
    const column = (i & 31) - dx;
    return inside(row) && inside(column) ? (cells[GRID * row + column] as number) : NO_VOTE;
  });
}

/** The orientation nearest to all votes of its cell, the earliest among equals, if it is near enough. */
function vote(samples: Uint8Array[]): Uint8Array {
  return Uint8Array.from({ length: GRID * GRID }, (_, i) => {
    const votes = samples.map((cells) => cells[i] as number).filter((orientation) => orientation !== NO_VOTE);
    if (2 * votes.length < samples.length) return NO_VOTE;
    const cost = (orientation: number) =>
      votes.reduce((total, other) => total + angle(orientation, other), 0);
    const best = votes.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    return cost(best) <= MAX_DISPUTE * votes.length ? best : NO_VOTE;
  });
}

function angle(a: number, b: number): number {
  const apart = Math.abs(a - b);
  return Math.min(apart, ORIENTATION_CODES.length - apart);
}
