/**
 * What the palm engine does on synthetic palms: error rates and times, against the same code without alignment and a
 * pooled histogram. Synthetic palms show whether a change made the engine better or worse; they say nothing about
 * error rates of people.
 */
import { decodeTemplate, NO_VOTE, type Planes, unpackCells } from "../../functions/src/palm/codec.ts";
import {
  extractTemplate,
  fuseTemplates,
  MARGIN,
  PALM_CODE,
  PalmError,
  type ProbeKind,
  searchThreshold,
  TARGET_FPIR,
} from "../../functions/src/palm/index.ts";
import { Probe, REACH } from "../../functions/src/palm/match.ts";
import { syntheticPalm } from "../../test/support/palms.ts";
import { equalErrorRate, fnmrAt, percent, type Scores, shareBelow, sorted } from "./rates.ts";

/** The samples that are fused into the enrolled template; the later ones are probes. */
const FUSED = 3;

/** A way of comparing: makes one palm ready, then scores others against it. */
export type Matcher = (planes: Planes) => (other: Planes) => number;

/** The orientation code: cells of shift each way, cells that a quarter may be further off. */
export function codeMatcher(reach: number, give: number): Matcher {
  return (planes) => {
    const probe = new Probe(planes, reach, give);
    return (other) => probe.score(other, 0);
  };
}

/** How often each orientation wins in each of 8 × 8 fields, compared by cosine. */
export function pooledHistogramMatcher(): Matcher {
  const known = new Map<Planes, Float64Array>();
  const histogram = (planes: Planes): Float64Array => {
    const counts = known.get(planes) ?? new Float64Array(8 * 8 * 6);
    if (known.has(planes)) return counts;
    unpackCells(planes).forEach((orientation, i) => {
      if (orientation === NO_VOTE) return;
      const bin = (8 * (i >> 7) + ((i & 31) >> 2)) * 6 + orientation;
      counts[bin] = (counts[bin] as number) + 1;
    });
    const length = Math.hypot(...counts);
    counts.forEach((count, i) => {
      counts[i] = count / length;
    });
    known.set(planes, counts);
    return counts;
  };
  return (planes) => {
    const mine = histogram(planes);
    return (other) => histogram(other).reduce((cosine, x, i) => cosine + x * (mine[i] as number), 0);
  };
}

/** All pairs of a palm's samples, and one pair of samples for every pair of palms. */
function pairScores(palms: Planes[][], matcher: Matcher): Scores {
  const mated: number[] = [];
  const nonMated: number[] = [];
  palms.forEach((samples, i) => {
    const scorers = samples.map(matcher);
    scorers.forEach((score, s) => {
      for (const other of samples.slice(s + 1)) mated.push(score(other));
    });
    palms.slice(i + 1).forEach((others, j) => {
      const score = scorers[j % scorers.length];
      const other = others[(i + j) % others.length];
      if (score && other) nonMated.push(score(other));
    });
  });
  return { mated: sorted(mated), nonMated: sorted(nonMated) };
}

/** Milliseconds of processor time so far. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface SyntheticPalm {
  samples: Planes[];
  /** The first samples fused; undefined when they do not agree. */
  enrolled: Planes | undefined;
  /** As many later ones fused: the same palm, enrolled once more. */
  again: Planes | undefined;
}

function newPalm(seed: number, samples: number, timer: { extraction: number }): SyntheticPalm {
  const templates = Array.from({ length: samples }, (_, sample) => {
    const image = syntheticPalm({ seed, sample });
    const from = processorTime();
    const { template } = extractTemplate(image, { hand: "left" });
    timer.extraction += processorTime() - from;
    return template;
  });
  const planes = (template: Uint8Array) => decodeTemplate(template).planes;
  const fused = (from: number): Planes | undefined => {
    if (templates.length < from + FUSED) return undefined;
    try {
      return planes(fuseTemplates(templates.slice(from, from + FUSED)).template);
    } catch (error) {
      if (!(error instanceof PalmError)) throw error;
      return undefined;
    }
  };
  return { samples: templates.map(planes), enrolled: fused(0), again: fused(FUSED) };
}

/** What an enrolment's own search compares: fused templates with fused templates. */
function enrol(palms: SyntheticPalm[]): Scores {
  const mated: number[] = [];
  const nonMated: number[] = [];
  palms.forEach(({ enrolled, again }, i) => {
    if (enrolled === undefined) return;
    const probe = new Probe(enrolled);
    if (again !== undefined) mated.push(probe.score(again, 0));
    for (const other of palms.slice(i + 1)) {
      if (other.enrolled !== undefined) nonMated.push(probe.score(other.enrolled, 0));
    }
  });
  return { mated: sorted(mated), nonMated: sorted(nonMated) };
}

interface Identification extends Scores {
  /** By mated search: how far the own palm is ahead of the best other. */
  leads: Float64Array;
  /** By search without the own palm: the best score, and how far it is ahead of the second. */
  strangers: { best: number; lead: number }[];
}

/** Every later sample searched in a gallery of all enrolled templates. */
function identify(palms: SyntheticPalm[]): Identification {
  const mated: number[] = [];
  const nonMated: number[] = [];
  const leads: number[] = [];
  const strangers: Identification["strangers"] = [];
  palms.forEach(({ samples, enrolled }, i) => {
    for (const sample of samples.slice(FUSED)) {
      const probe = new Probe(sample);
      let [best, second] = [0, 0];
      palms.forEach((other, j) => {
        if (other.enrolled === undefined || i === j) return;
        const score = probe.score(other.enrolled, 0);
        nonMated.push(score);
        second = Math.max(second, Math.min(best, score));
        best = Math.max(best, score);
      });
      strangers.push({ best, lead: best - second });
      if (enrolled === undefined) continue;
      const score = probe.score(enrolled, 0);
      mated.push(score);
      leads.push(score - best);
    }
  });
  return { mated: sorted(mated), nonMated: sorted(nonMated), leads: sorted(leads), strangers };
}

function reportRow<T extends Scores>(name: string, measure: () => T): T {
  const from = processorTime();
  const scores = measure();
  const { mated, nonMated } = scores;
  const micros = (1000 * (processorTime() - from)) / (mated.length + nonMated.length);
  const rates = [equalErrorRate(scores), fnmrAt(scores, 1e-3), fnmrAt(scores, 1e-4), fnmrAt(scores, 0)];
  const cells = [...rates.map(percent), `${micros.toFixed(1)} µs`, mated.length, nonMated.length];
  console.log(name.padEnd(28) + cells.map((cell) => `${cell}`.padStart(11)).join(""));
  return scores;
}

/** The score that one nonMated pair in 10^log10 reaches, and the exponential fit of the tail beyond. */
function reportTail(probe: ProbeKind, { nonMated, mated }: Scores): void {
  const at = (log10: number) =>
    nonMated[nonMated.length - Math.ceil(nonMated.length / 10 ** log10)] as number;
  const measured = Math.floor(Math.log10(nonMated.length / 10));
  const slope = (at(measured) - at(measured - 2)) / 2;
  console.log(
    `\nnonMated tail of ${probe} probes for policy.ts, measured to 10^${measured}, then + ${slope.toFixed(4)} a decade`,
  );
  for (let log10 = 1; log10 <= 9; log10++) {
    const score = log10 <= measured ? at(log10) : at(measured) + slope * (log10 - measured);
    console.log(`    [${log10}, ${score.toFixed(4)}],`);
  }

  console.log(`\nuncalibrated threshold for an FPIR of ${TARGET_FPIR}, mated searches below it`);
  for (const size of [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
    const threshold = policy(size, TARGET_FPIR, probe);
    console.log(`${size}`.padStart(9), threshold.toFixed(3), percent(shareBelow(mated, threshold)));
  }
}

const policy = (gallery_size: number, target_fpir: number, probe: ProbeKind = "single") =>
  searchThreshold({ format: PALM_CODE, probe, target_fpir, gallery_size });

function reportSearches({ leads, strangers }: Identification, gallery_size: number): void {
  console.log(`\n${strangers.length} searches of strangers among ${gallery_size} palms`);
  for (const target of [0.3, 0.1, 0.03, 0.01]) {
    const found = strangers.filter(({ best }) => best >= policy(gallery_size, target));
    const clear = found.filter(({ lead }) => lead >= MARGIN);
    const shares = [found, clear].map(({ length }) => percent(length / strangers.length));
    console.log(`FPIR wanted ${percent(target)}, got ${shares[0]}, with the margin ${shares[1]}`);
  }
  console.log(`mated searches within the margin of ${MARGIN}: ${percent(shareBelow(leads, MARGIN))}`);
}

/** Prints the report on so many synthetic palms and samples of each. */
export function reportSynthetic(count: number, each: number, thresholds: boolean): void {
  const from = performance.now();
  const timer = { extraction: 0 };
  const palms = Array.from({ length: count }, (_, i) => newPalm(i + 1, each, timer));
  const samples = palms.map((palm) => palm.samples);
  console.log(
    `${count} synthetic palms × ${each} samples; extraction ${(timer.extraction / count / each).toFixed(2)} ms an image\n`,
  );
  const heads = ["EER", "FNMR@1e-3", "FNMR@1e-4", "FNMR@0", "pair", "mated", "non-mated"];
  console.log(" ".repeat(28) + heads.map((head) => head.padStart(11)).join(""));
  reportRow("code", () => pairScores(samples, codeMatcher(REACH, 1)));
  reportRow("code, quarters fixed", () => pairScores(samples, codeMatcher(REACH, 0)));
  reportRow("code, no shifts", () => pairScores(samples, codeMatcher(0, 0)));
  reportRow("pooled 8 × 8 histogram", () => pairScores(samples, pooledHistogramMatcher()));
  if (each > FUSED) {
    const scores = reportRow(`code, ${FUSED} samples enrolled`, () => identify(palms));
    const enrolments = reportRow(`code, ${FUSED} on both sides`, () => enrol(palms));
    console.log(`\n${palms.filter(({ enrolled }) => enrolled === undefined).length} enrolments refused`);
    if (thresholds) {
      reportTail("single", scores);
      reportTail("fused", enrolments);
      reportSearches(scores, count - 1);
    }
  }
  console.log(`\n${((performance.now() - from) / 1000).toFixed(0)} s`);
}
