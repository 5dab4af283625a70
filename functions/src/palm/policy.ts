import { PALM_CODE, type TemplateFormat, VECTOR_512 } from "./codec.ts";

/** Share of strangers that may be identified as somebody. */
export const TARGET_FPIR = 1e-3;

/** How far the best candidate must be ahead of every other person. */
export const MARGIN = 0.02;

/**
 * Cells that must vote in a template: with fewer, strangers agree more often by chance, and a forged palm of the few
 * cells that most people share is alike to many of them. In a fused template the cells that disagree do not vote.
 */
const MIN_VOTES: Record<ProbeKind, number> = { single: 850, fused: 700 };

/** Among so many palms or fewer, too few strangers show whether a probe is alike to everybody. */
const FEW_PALMS = 30;
/** What a probe must reach then. */
const AMONG_FEW = { threshold: 0.72, votes: { single: 900, fused: 750 } };

/** What is searched for: one sample, or several fused ones, whose strangers look more alike. */
export type ProbeKind = "single" | "fused";

/** How alike strangers are. */
export interface Tail {
  /** The scores that one non-mated pair in 10, in 100, in 1,000 … reaches. */
  readonly scores: readonly number[];
  /** How much the score rises for each further power of ten. */
  readonly slope: number;
}

/** How much the score of palm codes rises for each power of ten beyond those that were measured. */
export const EXTRAPOLATED_SLOPE = 0.0175;

/**
 * Real palms, the largest score of the sets measured; `single` was measured to one pair in 1,000 and is extrapolated
 * beyond, `fused` is 0.015 above it. docs/adr/0002-thresholds.md names the sets, and those measured since.
 */
const CODE_TAIL: Record<ProbeKind, Tail> = {
  single: { scores: [0.664, 0.686, 0.7, 0.7175, 0.735, 0.7525], slope: EXTRAPOLATED_SLOPE },
  fused: { scores: [0.679, 0.701, 0.715, 0.7325, 0.75, 0.7675], slope: EXTRAPOLATED_SLOPE },
};

/** Assumed, not measured: a normal distribution with the standard deviation 0.1 of cosines in 100 dimensions, plus 0.02. */
const VECTOR_TAIL: Tail = {
  scores: [0.1482, 0.2526, 0.329, 0.3919, 0.4465, 0.4953, 0.5399, 0.5812, 0.6198],
  slope: 0.0386,
};

const TAILS: Record<TemplateFormat, Record<ProbeKind, Tail>> = {
  [PALM_CODE]: CODE_TAIL,
  [VECTOR_512]: { single: VECTOR_TAIL, fused: VECTOR_TAIL },
};

export interface SearchPolicy {
  format: TemplateFormat;
  probe: ProbeKind;
  /** Share of strangers that may be identified, above 0, at most 1. */
  target_fpir: number;
  /** Palms of which one may be accepted: all that are searched, or those of a claim. Fewer than one count as one. */
  gallery_size: number;
  /** Palms compared, where these are more than `gallery_size`: a claim is compared with other palms, too. */
  compared?: number;
  /** The environment's own tails; those of the table where it has none. */
  tails?: Record<ProbeKind, Tail> | undefined;
}

/**
 * The score that the best candidate of a search must reach, 0..1, rounded up to two digits: the score that one of
 * `gallery_size / target_fpir` strangers reaches, and at least 0.72 for a palm code among at most 30 palms.
 */
export function searchThreshold(policy: SearchPolicy): number {
  const { format, probe, target_fpir, gallery_size, tails = TAILS[format] } = policy;
  const { compared = gallery_size } = policy;
  const decades = Math.log10(Math.max(gallery_size, 1) / target_fpir);
  const least = format === PALM_CODE && compared <= FEW_PALMS ? AMONG_FEW.threshold : 0;
  return roundUp(Math.min(1, Math.max(least, scoreAt(tails[probe], decades))));
}

/**
 * How many cells must vote in a template.
 * @param compared how many palms it is compared with; left out for a sample of an enrollment
 */
export const minVotes = (probe: ProbeKind, compared = Infinity): number =>
  (compared <= FEW_PALMS ? AMONG_FEW.votes : MIN_VOTES)[probe];

/** The score that one non-mated pair in 10^`decades` reaches, interpolated. */
export function scoreAt({ scores, slope }: Tail, decades: number): number {
  const first = scores[0] as number;
  const last = scores.at(-1) as number;
  if (decades >= scores.length) return last + slope * (decades - scores.length);
  if (decades <= 1) return first + ((scores[1] ?? first + slope) - first) * (decades - 1);
  const below = Math.floor(decades);
  const [low, high] = [scores[below - 1] as number, scores[below] as number];
  return low + (high - low) * (decades - below);
}

/** Two digits; a product of doubles may exceed the whole number that it stands for. */
const roundUp = (score: number): number => Math.ceil(score * 100 - 1e-9) / 100;
