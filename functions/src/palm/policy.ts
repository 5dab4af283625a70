import type { TemplateFormat } from "./codec.ts";

/** Share of strangers that may be identified as somebody. */
export const TARGET_FPIR = 1e-3;

/** How far the best candidate must be ahead of the second member: halves the FPIR, costs 1 mate in 3,000. */
export const MARGIN = 0.02;

/** Added to what synthetic palms measure, because real strangers may look more alike. */
export const ALLOWANCE = 0.02;

/** What is searched for: one sample, or several fused, whose strangers look more alike. */
export type ProbeKind = "single" | "fused";

/** The score that one pair of strangers in N / FPIR reaches, by log10(N / FPIR). */
type Tail = readonly (readonly [log10: number, score: number])[];

/** A guess: normal, with the standard deviation 0.1 that cosines have in 100 dimensions. */
const VECTOR_TAIL: Tail = [
  [1, 0.1282],
  [2, 0.2326],
  [3, 0.309],
  [4, 0.3719],
  [5, 0.4265],
  [6, 0.4753],
  [7, 0.5199],
  [8, 0.5612],
  [9, 0.5998],
];

/**
 * Palm codes: synthetic palms as far as there are pairs, the exponential fit of their tail beyond
 * (`npm run bench:accuracy -- --palms 1000 --thresholds`). Vectors: nobody's were measured.
 */
const IMPOSTOR_TAIL: Record<TemplateFormat, Record<ProbeKind, Tail>> = {
  "palm-code.v1": {
    single: [
      [1, 0.6038],
      [2, 0.6222],
      [3, 0.6367],
      [4, 0.6492],
      [5, 0.6599],
      [6, 0.6715],
      [7, 0.6831],
      [8, 0.6947],
      [9, 0.7063],
    ],
    fused: [
      [1, 0.6193],
      [2, 0.6402],
      [3, 0.6571],
      [4, 0.6712],
      [5, 0.6867],
      [6, 0.7022],
      [7, 0.7177],
      [8, 0.7332],
      [9, 0.7487],
    ],
  },
  "vector-512.v1": { single: VECTOR_TAIL, fused: VECTOR_TAIL },
};

/**
 * The threshold of an environment that nobody has calibrated, on the scale of scores.
 * UNCALIBRATED: see docs/adr/0002-uncalibrated-thresholds.md, and 0005-vectors-and-their-rotation.md.
 *
 * @param probe what is searched for among fused templates
 * @param target_fpir share of strangers that may be identified, above 0, at most 1
 * @param gallery_size palms searched; below one counts as one
 */
export function uncalibratedThreshold({
  format,
  probe = "single",
  target_fpir = TARGET_FPIR,
  gallery_size,
}: {
  format: TemplateFormat;
  probe?: ProbeKind;
  target_fpir?: number | undefined;
  gallery_size: number;
}): number {
  const table = IMPOSTOR_TAIL[format][probe];
  const at = Math.log10(Math.max(gallery_size, 1) / target_fpir);
  const next = table.findIndex(([log10]) => log10 >= at);
  const i = Math.min(Math.max(next < 0 ? table.length - 1 : next, 1), table.length - 1);
  const [x0, y0] = table[i - 1] as readonly [number, number];
  const [x1, y1] = table[i] as readonly [number, number];
  return Math.min(1, y0 + ((y1 - y0) * (at - x0)) / (x1 - x0) + ALLOWANCE);
}
