/**
 * What the palm engine does on synthetic palms: error rates and times, against the same code without
 * alignment and a pooled histogram; with --thresholds the table that policy.ts holds, and what it costs; with
 * --master how many palms accept a master palm, which takes 200 more palms that nobody has enrolled.
 *
 *   npm run bench:accuracy -- [--palms 300] [--samples 6] [--thresholds] [--master]
 *
 * Times are processor time of this process. Synthetic palms say nothing about real strangers.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { decodeTemplate, NO_VOTE, type Planes, unpackCells } from "../functions/src/palm/codec.ts";
import {
  extractTemplate,
  fuseTemplates,
  MARGIN,
  PALM_CODE,
  PalmError,
  TARGET_FPIR,
  uncalibratedThreshold,
} from "../functions/src/palm/index.ts";
import { Probe } from "../functions/src/palm/match.ts";
import { ALLOWANCE } from "../functions/src/palm/policy.ts";
import { masterPalm } from "../test/support/masterPalm.ts";
import { syntheticPalm } from "../test/support/palms.ts";

/** The samples that are fused into the enrolled template; the later ones are probes. */
const FUSED = 3;

/** Strangers whose codes make a master palm, the cells that it keeps, and the score that opens today's verify. */
const MASTER_PALMS = [25, 50, 100, 200];
const MASTER_CELLS = [500, 600, 700, 800, 900];
const ACCEPTED = 0.66;

/** A way of comparing: makes one palm ready, then scores others against it. */
export type Matcher = (planes: Planes) => (other: Planes) => number;

/** Sorted scores of pairs of one palm and of pairs of two. */
export interface Scores {
  genuine: Float64Array;
  impostor: Float64Array;
}

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
export function pairScores(palms: Planes[][], matcher: Matcher): Scores {
  const genuine: number[] = [];
  const impostor: number[] = [];
  palms.forEach((samples, i) => {
    const scorers = samples.map(matcher);
    scorers.forEach((score, s) => {
      for (const other of samples.slice(s + 1)) genuine.push(score(other));
    });
    palms.slice(i + 1).forEach((others, j) => {
      const score = scorers[j % scorers.length];
      const other = others[(i + j) % others.length];
      if (score && other) impostor.push(score(other));
    });
  });
  return { genuine: Float64Array.from(genuine).sort(), impostor: Float64Array.from(impostor).sort() };
}

/** Share of the sorted scores below a threshold. */
export function shareBelow(sorted: Float64Array, threshold: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < threshold) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}

/** Where false matches and false non-matches are equally many, as a share. */
export function equalErrorRate({ genuine, impostor }: Scores): number {
  let least = 1;
  for (const threshold of genuine) {
    const worse = Math.max(1 - shareBelow(impostor, threshold), shareBelow(genuine, threshold));
    least = Math.min(least, worse);
  }
  return least;
}

/** FNMR at the least threshold whose FMR is within `fmr`. */
export function fnmrAt({ genuine, impostor }: Scores, fmr: number): number {
  const allowed = Math.floor(fmr * impostor.length);
  const highestRefused = impostor[impostor.length - 1 - allowed] as number;
  return shareBelow(genuine, highestRefused + 1e-9);
}

// ---- report ----

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
  const genuine: number[] = [];
  const impostor: number[] = [];
  palms.forEach(({ enrolled, again }, i) => {
    if (enrolled === undefined) return;
    const probe = new Probe(enrolled);
    if (again !== undefined) genuine.push(probe.score(again, 0));
    for (const other of palms.slice(i + 1)) {
      if (other.enrolled !== undefined) impostor.push(probe.score(other.enrolled, 0));
    }
  });
  return { genuine: Float64Array.from(genuine).sort(), impostor: Float64Array.from(impostor).sort() };
}

interface Identification extends Scores {
  /** By mated search: how far the own palm is ahead of the best other. */
  leads: Float64Array;
  /** By search without the own palm: the best score, and how far it is ahead of the second. */
  strangers: { best: number; lead: number }[];
}

/** Every later sample searched in a gallery of all enrolled templates. */
function identify(palms: SyntheticPalm[]): Identification {
  const genuine: number[] = [];
  const impostor: number[] = [];
  const leads: number[] = [];
  const strangers: Identification["strangers"] = [];
  palms.forEach(({ samples, enrolled }, i) => {
    for (const sample of samples.slice(FUSED)) {
      const probe = new Probe(sample);
      let [best, second] = [0, 0];
      palms.forEach((other, j) => {
        if (other.enrolled === undefined || i === j) return;
        const score = probe.score(other.enrolled, 0);
        impostor.push(score);
        second = Math.max(second, Math.min(best, score));
        best = Math.max(best, score);
      });
      strangers.push({ best, lead: best - second });
      if (enrolled === undefined) continue;
      const score = probe.score(enrolled, 0);
      genuine.push(score);
      leads.push(score - best);
    }
  });
  const sorted = (scores: number[]) => Float64Array.from(scores).sort();
  return { genuine: sorted(genuine), impostor: sorted(impostor), leads: sorted(leads), strangers };
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function reportRow<T extends Scores>(name: string, measure: () => T): T {
  const from = processorTime();
  const scores = measure();
  const { genuine, impostor } = scores;
  const micros = (1000 * (processorTime() - from)) / (genuine.length + impostor.length);
  const rates = [equalErrorRate(scores), fnmrAt(scores, 1e-3), fnmrAt(scores, 1e-4), fnmrAt(scores, 0)];
  const cells = [...rates.map(percent), `${micros.toFixed(1)} µs`, genuine.length, impostor.length];
  console.log(name.padEnd(28) + cells.map((cell) => `${cell}`.padStart(11)).join(""));
  return scores;
}

/** The score that one impostor pair in 10^log10 reaches, and the exponential fit of the tail beyond. */
function reportTail(probe: "single" | "fused", { impostor, genuine }: Scores): void {
  const at = (log10: number) =>
    impostor[impostor.length - Math.ceil(impostor.length / 10 ** log10)] as number;
  const measured = Math.floor(Math.log10(impostor.length / 10));
  const slope = (at(measured) - at(measured - 2)) / 2;
  console.log(
    `\nimpostor tail of ${probe} probes for policy.ts, measured to 10^${measured}, then + ${slope.toFixed(4)} a decade`,
  );
  for (let log10 = 1; log10 <= 9; log10++) {
    const score = log10 <= measured ? at(log10) : at(measured) + slope * (log10 - measured);
    console.log(`    [${log10}, ${score.toFixed(4)}],`);
  }

  console.log(`\nuncalibrated threshold for an FPIR of ${TARGET_FPIR}, mated searches below it`);
  for (const size of [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
    const threshold = policy(size, TARGET_FPIR, probe);
    console.log(`${size}`.padStart(9), threshold.toFixed(3), percent(shareBelow(genuine, threshold)));
  }
}

const policy = (gallery_size: number, target_fpir: number, probe: "single" | "fused" = "single") =>
  uncalibratedThreshold({ format: PALM_CODE, probe, target_fpir, gallery_size });

function reportSearches({ leads, strangers }: Identification, gallery_size: number): void {
  console.log(
    `\n${strangers.length} searches of strangers among ${gallery_size} palms, without the allowance`,
  );
  for (const target of [0.3, 0.1, 0.03, 0.01]) {
    const found = strangers.filter(({ best }) => best >= policy(gallery_size, target) - ALLOWANCE);
    const clear = found.filter(({ lead }) => lead >= MARGIN);
    const shares = [found, clear].map(({ length }) => percent(length / strangers.length));
    console.log(`FPIR wanted ${percent(target)}, got ${shares[0]}, with the margin ${shares[1]}`);
  }
  console.log(`mated searches within the margin of ${MARGIN}: ${percent(shareBelow(leads, MARGIN))}`);
}

/** Share of enrolled palms that score at least `ACCEPTED` against master palms of several kinds. */
function reportMasters(palms: SyntheticPalm[]): void {
  const strangers = Array.from({ length: Math.max(...MASTER_PALMS) }, (_, i) => {
    const image = syntheticPalm({ seed: palms.length + 1 + i });
    return decodeTemplate(extractTemplate(image, { hand: "left" }).template).planes;
  });
  const members = palms.flatMap(({ enrolled }) => enrolled ?? []);
  console.log(`\nmaster palms accepted at ${ACCEPTED} by ${members.length} members, by voting cells`);
  console.log("strangers".padStart(9) + MASTER_CELLS.map((cells) => `${cells}`.padStart(11)).join(""));
  for (const count of MASTER_PALMS) {
    const shares = MASTER_CELLS.map((cells) => {
      const probe = new Probe(decodeTemplate(masterPalm(strangers.slice(0, count), cells)).planes);
      const accepted = members.filter((member) => probe.score(member, 0) >= ACCEPTED);
      return percent(accepted.length / members.length);
    });
    console.log(`${count}`.padStart(9) + shares.map((share) => share.padStart(11)).join(""));
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      palms: { type: "string", default: "300" },
      samples: { type: "string", default: "6" },
      thresholds: { type: "boolean", default: false },
      master: { type: "boolean", default: false },
    },
  });
  const from = performance.now();
  const timer = { extraction: 0 };
  const count = Number(values.palms);
  const each = Number(values.samples);
  const palms = Array.from({ length: count }, (_, i) => newPalm(i + 1, each, timer));
  const samples = palms.map((palm) => palm.samples);
  console.log(
    `${count} synthetic palms × ${each} samples; extraction ${(timer.extraction / count / each).toFixed(2)} ms an image\n`,
  );
  const heads = ["EER", "FNMR@1e-3", "FNMR@1e-4", "FNMR@0", "pair", "genuine", "impostor"];
  console.log(" ".repeat(28) + heads.map((head) => head.padStart(11)).join(""));
  reportRow("code", () => pairScores(samples, codeMatcher(3, 1)));
  reportRow("code, quarters fixed", () => pairScores(samples, codeMatcher(3, 0)));
  reportRow("code, no shifts", () => pairScores(samples, codeMatcher(0, 0)));
  reportRow("pooled 8 × 8 histogram", () => pairScores(samples, pooledHistogramMatcher()));
  if (each > FUSED) {
    const scores = reportRow(`code, ${FUSED} samples enrolled`, () => identify(palms));
    const enrolments = reportRow(`code, ${FUSED} on both sides`, () => enrol(palms));
    console.log(`\n${palms.filter(({ enrolled }) => enrolled === undefined).length} enrolments refused`);
    if (values.thresholds) {
      reportTail("single", scores);
      reportTail("fused", enrolments);
      reportSearches(scores, count - 1);
    }
  }
  if (values.master) reportMasters(palms);
  console.log(`\n${((performance.now() - from) / 1000).toFixed(0)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
