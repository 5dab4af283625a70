/**
 * What an attacker learns from the score that a 1:1 verification tells: attackers of several kinds try to
 * be taken for an enrolled synthetic palm, with scores of two digits and of full precision.
 * docs/adr/0006-what-two-digits-buy.md says what follows.
 *
 *   node bench/hillclimb.ts [--targets 20] [--queries 1000] [--seed 1] [--svg FILE]
 *
 * Nothing leaves this process. Synthetic palms say nothing about real strangers.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { scoreOut, thresholdOf } from "../functions/src/domain/palm/score.ts";
import {
  decodeTemplate,
  encodeTemplate,
  GRID,
  NO_VOTE,
  packCells,
  unpackCells,
} from "../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  fuseTemplates,
  MIN_QUALITY,
  PALM_CODE,
  PalmError,
  uncalibratedThreshold,
} from "../functions/src/palm/index.ts";
import { type Chance, newChance } from "../test/support/chance.ts";
import { POLICIES } from "../test/support/limits.ts";
import { PALM_SIDE, syntheticPalm } from "../test/support/palms.ts";

const HAND = "left";
const { sandbox, business, enterprise } = POLICIES;
/** Other palms that a climber tries before it changes the best of them. */
const FIRST = 20;
/** Other palms that a learner takes the target for a mixture of. */
const MIXED = 150;

const THRESHOLD = thresholdOf(uncalibratedThreshold({ format: PALM_CODE, probe: "single", gallery_size: 1 }));

const below = (chance: Chance, limit: number) => Math.floor(limit * chance());

// ---- what the attacker has: other people's palms ----

interface Stranger {
  /** Brought to one mean grey, so that a patch of one on another has no step at its edge. */
  gray: Uint8Array;
  cells: Uint8Array;
}

function newStranger(seed: number): Stranger {
  const image = syntheticPalm({ seed });
  const lift = 128 - image.gray.reduce((total, grey) => total + grey, 0) / image.gray.length;
  const { template } = extractTemplate(image, { hand: HAND });
  return {
    gray: image.gray.map((grey) => Math.min(Math.max(Math.round(grey + lift), 2), 253)),
    cells: unpackCells(decodeTemplate(template).planes),
  };
}

// ---- attackers ----

/** Yields templates, undefined for pictures refused as poor, and is told the score of each: 0 if refused. */
type Attack = (chance: Chance) => Generator<Uint8Array | undefined, never, number>;

/** How something that can be patched, a picture or a code, is sent. */
interface Medium {
  side: number;
  of: (stranger: Stranger) => Uint8Array;
  mix: (mine: number, theirs: number, weight: number) => number;
  send: (state: Uint8Array) => Uint8Array | undefined;
}

const asImage: Medium = {
  side: PALM_SIDE,
  of: ({ gray }) => gray,
  mix: (mine, theirs, weight) => Math.round(mine + weight * (theirs - mine)),
  send: (gray) => {
    const { template, quality } = extractTemplate(
      { width: PALM_SIDE, height: PALM_SIDE, gray },
      { hand: HAND },
    );
    return quality < MIN_QUALITY ? undefined : template;
  },
};

/** White to the stop all around: saturated cells have no vote, and 24 × 24 of them are left. */
const asFramedImage: Medium = {
  ...asImage,
  send: (gray) => asImage.send(gray.map((grey, i) => (inMiddle(i, PALM_SIDE, 14) ? grey : 255))),
};

const asTemplate: Medium = {
  side: GRID,
  of: ({ cells }) => cells,
  mix: (mine, theirs, weight) => (weight > 0.5 ? theirs : mine),
  // Its quality is what the sender says it is.
  send: (cells) => encodeTemplate({ hand: HAND, quality: 90, samples: 1, planes: packCells(cells) }),
};

/** 24 × 24 cells that vote, the others masked: fewer cells agree by chance more often. */
const asPartTemplate: Medium = {
  ...asTemplate,
  send: (cells) => asTemplate.send(cells.map((cell, i) => (inMiddle(i, GRID, 4) ? cell : NO_VOTE))),
};

function inMiddle(i: number, side: number, border: number): boolean {
  const [row, column] = [Math.floor(i / side), i % side];
  return Math.min(row, column) >= border && Math.max(row, column) < side - border;
}

/** One other palm after the other, whatever the score. */
function others(strangers: Stranger[], medium: Medium): Attack {
  const sent = strangers.map((stranger) => medium.send(medium.of(stranger)));
  return function* () {
    for (let i = 0; ; i++) yield sent[i % sent.length];
  };
}

/**
 * The best of some palms, then a patch of another on it, kept unless the score falls. To walk on among
 * equal scores is what gets a climber over the steps of two digits: keeping only what is better took 230
 * queries instead of 134, on ten targets.
 */
function climb(strangers: Stranger[], medium: Medium): Attack {
  return function* (chance) {
    const any = () => medium.of(strangers[below(chance, strangers.length)] as Stranger);
    let state = any();
    let score = 0;
    for (let i = 0; ; i++) {
      const next = i < FIRST ? any() : patched(state, any(), medium, chance);
      const told: number = yield medium.send(next);
      if (told < score) continue;
      score = told;
      state = next;
    }
  };
}

/** A disc of another palm, a little displaced, with a soft edge. */
function patched(mine: Uint8Array, theirs: Uint8Array, { side, mix }: Medium, chance: Chance): Uint8Array {
  const next = mine.slice();
  const radius = side * (0.055 + 0.2 * chance());
  const [x, y] = [side * chance(), side * chance()];
  const [dx, dy] = [Math.round(0.14 * side * (chance() - 0.5)), Math.round(0.14 * side * (chance() - 0.5))];
  const inside = (at: number) => Math.min(Math.max(at, 0), side - 1);
  for (let r = inside(Math.ceil(y - radius)); r <= inside(Math.floor(y + radius)); r++) {
    for (let c = inside(Math.ceil(x - radius)); c <= inside(Math.floor(x + radius)); c++) {
      const near = 1 - ((c - x) ** 2 + (r - y) ** 2) / radius ** 2;
      if (near <= 0) continue;
      const i = side * r + c;
      const other = theirs[side * inside(r + dy) + inside(c + dx)] as number;
      next[i] = mix(next[i] as number, other, Math.min(1, 2 * near));
    }
  }
  return next;
}

/** cos and sin of the doubled angle: what two orientations have in common is nearly their product. */
const COS = Array.from({ length: 6 }, (_, o) => Math.cos((Math.PI * o) / 3));
const SIN = Array.from({ length: 6 }, (_, o) => Math.sin((Math.PI * o) / 3));

function field(cells: Uint8Array): Float64Array {
  const out = new Float64Array(2 * cells.length);
  cells.forEach((cell, i) => {
    if (cell === NO_VOTE) return;
    out[2 * i] = COS[cell] as number;
    out[2 * i + 1] = SIN[cell] as number;
  });
  return out;
}

function nearestCells(vectors: Float64Array): Uint8Array {
  return Uint8Array.from({ length: vectors.length / 2 }, (_, i) => {
    const along = (o: number) =>
      (vectors[2 * i] as number) * (COS[o] as number) + (vectors[2 * i + 1] as number) * (SIN[o] as number);
    return [1, 2, 3, 4, 5].reduce((best, o) => (along(o) > along(best) ? o : best), 0);
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, times: number, what: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + times * (what[i] as number);
}

/** How much of a score the common orientation is: 4/9 for palms laid on each other, less for they are not. */
const GAIN = 0.27;
/** Standard deviation of what a score has beside: rounding is the least of it, 0.003 with two digits. */
const BESIDE = 0.005;
/** How unsure the learner is of the score of nothing in common, and what it takes it for. */
const BASE_DEVIATION = 0.05;
const BASE = 0.55;
/** How far the next query strays from the best guess, into what is not known yet. */
const STRAY = 0.3;

/**
 * Takes the target for the mean palm and a mixture of others, and the score for linear in the mixture:
 * recursive least squares, each query the best guess and some of what is unsure about it. No score has to
 * be better than the last, so that rounding is but a little noise.
 */
function learn(strangers: Stranger[], medium: Medium): Attack {
  const fields = strangers.slice(0, MIXED).map(({ cells }) => field(cells));
  const size = fields.length;
  const mean = new Float64Array(2 * GRID * GRID);
  for (const one of fields) add(mean, 1 / size, one);
  const parts = fields.map((one) => one.map((x, i) => (x - (mean[i] as number)) / Math.sqrt(size)));

  return function* (chance) {
    // The last weight is the base.
    const weights = new Float64Array(size + 1);
    const covariance = Array.from(weights, (_, i) => new Float64Array(size + 1).fill(1, i, i + 1));
    const bell = () => Array.from({ length: 12 }, chance).reduce((a, b) => a + b, -6);
    for (;;) {
      const stray = Float64Array.from(weights, bell);
      const guess = mean.slice();
      parts.forEach((part, j) => {
        add(guess, (weights[j] as number) + STRAY * dot(covariance[j] as Float64Array, stray), part);
      });
      const template = medium.send(nearestCells(guess)) as Uint8Array;
      const sent = field(unpackCells(decodeTemplate(template).planes));
      const gain = GAIN / sent.reduce((total, x) => total + x * x, 0);
      const row = Float64Array.from([...parts.map((part) => gain * dot(part, sent)), BASE_DEVIATION]);

      const told = yield template;
      const surprise = told - BASE - gain * dot(mean, sent) - dot(weights, row);
      const common = Float64Array.from(covariance, (line) => dot(line, row));
      const variance = dot(common, row) + BESIDE * BESIDE;
      add(weights, surprise / variance, common);
      covariance.forEach((line, j) => {
        add(line, -(common[j] as number) / variance, common);
      });
    }
  };
}

// ---- the targets and what they tell ----

/** Enrolled: three samples fused. A palm whose samples do not agree is no target. */
function newTarget(seed: number): Uint8Array | undefined {
  const samples = [0, 1, 2].map(
    (sample) => extractTemplate(syntheticPalm({ seed, sample }), { hand: HAND }).template,
  );
  try {
    return fuseTemplates(samples).template;
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    return undefined;
  }
}

/** The true score of each query. */
function scoresOf(
  attack: Attack,
  target: Uint8Array,
  { queries, seed, tell }: { queries: number; seed: number; tell: (score: number) => number },
): Float64Array {
  const attacker = attack(newChance(seed));
  let told = 0;
  return Float64Array.from({ length: queries }, () => {
    const template = attacker.next(told).value;
    const score = template ? compareTemplates(template, target) : 0;
    told = tell(score);
    return score;
  });
}

// ---- report ----

interface Result {
  name: string;
  /** The best score so far after each query, by target. */
  curves: Float64Array[];
  /** Queries until the threshold was reached, by target; Infinity where it was not. */
  needed: number[];
  /** Queries of all targets that reached it. */
  hits: number;
}

function resultOf(name: string, scores: Float64Array[]): Result {
  const reached = (score: number) => score >= THRESHOLD;
  return {
    name,
    curves: scores.map((all) => {
      let best = 0;
      return all.map((score) => {
        best = Math.max(best, score);
        return best;
      });
    }),
    needed: scores.map((all) => all.findIndex(reached) + 1 || Infinity),
    hits: scores.reduce((total, all) => total + all.filter(reached).length, 0),
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] as number;
}

const bestAfter = ({ curves }: Result, query: number) => curves.map((curve) => curve[query - 1] as number);

function row(result: Result, marks: number[]): string {
  const { name, needed } = result;
  const after = marks.map((mark) => {
    const best = bestAfter(result, mark);
    return `${median(best).toFixed(3)} (${Math.max(...best).toFixed(3)})`;
  });
  const reached = needed.filter(Number.isFinite).length;
  const typical = Number.isFinite(median(needed)) ? `${median(needed)}` : "never";
  return (
    name.padEnd(40) +
    after.map((cell) => cell.padStart(15)).join("") +
    `${reached}/${needed.length}`.padStart(9) +
    typical.padStart(9)
  );
}

function duration(minutes: number): string {
  if (!Number.isFinite(minutes)) return "never";
  if (minutes < 2) return `${Math.ceil(60 * minutes)} s`;
  return minutes < 180 ? `${Math.ceil(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

const COLOURS = [
  "#888888",
  "#333333",
  "#8fb8de",
  "#1f77b4",
  "#e6a817",
  "#9bd09b",
  "#2a8c2a",
  "#e79a9a",
  "#c62828",
  "#6a1b9a",
];

/** Median of the best score so far over the queries, on a logarithmic axis. */
function svg(results: Result[], queries: number): string {
  const [left, top, width, height] = [60, 30, 560, 380];
  const [low, high] = [0.55, 0.85];
  const x = (query: number) => left + (width * Math.log(query)) / Math.log(queries);
  const y = (score: number) => top + (height * (high - Math.max(score, low))) / (high - low);
  const line = (x1: number, y1: number, x2: number, y2: number, look: string) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${look}/>`;
  const text = (at: number, down: number, anchor: string, words: string) =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 470" font-family="sans-serif" font-size="13">`,
    "<title>Median of the best score so far by number of queries, one line an attacker</title>",
    `<rect width="960" height="470" fill="white"/>`,
  ];
  for (let hundredth = 55; hundredth <= 85; hundredth += 5) {
    const at = y(hundredth / 100);
    out.push(line(left, at, left + width, at, `stroke="#dddddd"`));
    out.push(text(left - 8, at + 4, "end", (hundredth / 100).toFixed(2)));
  }
  for (let power = 1; power <= queries; power *= 10) {
    out.push(line(x(power), top, x(power), top + height, `stroke="#dddddd"`));
    out.push(text(x(power), top + height + 18, "middle", power.toLocaleString("en")));
  }
  out.push(line(left, y(THRESHOLD), left + width, y(THRESHOLD), `stroke="black" stroke-dasharray="6 4"`));
  out.push(text(left + 6, y(THRESHOLD) - 6, "start", `threshold ${THRESHOLD}`));
  out.push(text(left + width / 2, top + height + 40, "middle", "queries"));
  out.push(text(left, top - 12, "start", "median of the best score so far"));
  results.forEach((result, i) => {
    const look = `stroke="${COLOURS[i % COLOURS.length]}" stroke-width="2" fill="none"`;
    const shown = new Set(Array.from({ length: 201 }, (_, step) => Math.round(queries ** (step / 200))));
    const points = [...shown].map(
      (query) => `${x(query).toFixed(1)},${y(median(bestAfter(result, query))).toFixed(1)}`,
    );
    out.push(`<polyline points="${points.join(" ")}" ${look}/>`);
    const down = top + 12 + 24 * i;
    out.push(line(left + width + 16, down, left + width + 40, down, look));
    out.push(text(left + width + 48, down + 4, "start", result.name));
  });
  return `${[...out, "</svg>"].join("\n")}\n`;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      targets: { type: "string", default: "20" },
      queries: { type: "string", default: "1000" },
      seed: { type: "string", default: "1" },
      svg: { type: "string" },
    },
  });
  const from = performance.now();
  const [count, queries, seed] = [values.targets, values.queries, values.seed].map(Number) as [
    number,
    number,
    number,
  ];

  // Seeds of targets and strangers are far apart, so that no attacker has a target among its palms.
  const targets: Uint8Array[] = [];
  for (let i = 0; targets.length < count; i++) {
    const target = newTarget(1_000_000 * seed + i);
    if (target) targets.push(target);
  }
  const strangers = Array.from({ length: Math.max(queries, MIXED) }, (_, i) =>
    newStranger(1_000_000 * seed + 500_000 + i),
  );

  const full = (score: number) => score;
  const attackers: [name: string, attack: Attack, tell: (score: number) => number][] = [
    ["image, other palms", others(strangers, asImage), scoreOut],
    ["image, other palms, white border", others(strangers, asFramedImage), scoreOut],
    ["image, climbing, full score", climb(strangers, asImage), full],
    ["image, climbing, two digits", climb(strangers, asImage), scoreOut],
    ["template, other palms, middle only", others(strangers, asPartTemplate), scoreOut],
    ["template, climbing, full score", climb(strangers, asTemplate), full],
    ["template, climbing, two digits", climb(strangers, asTemplate), scoreOut],
    ["template, learning, full score", learn(strangers, asTemplate), full],
    ["template, learning, two digits", learn(strangers, asTemplate), scoreOut],
    ["template, learning, middle, two digits", learn(strangers, asPartTemplate), scoreOut],
  ];

  const marks = [...new Set([1, 10, 30, 100, 300, 1000, queries])].filter((mark) => mark <= queries);
  console.log(
    `${count} targets of 3 fused samples, threshold ${THRESHOLD}; ` +
      "the best score so far: median (best) of the targets\n",
  );
  const heads = marks.map((mark) => `after ${mark}`.padStart(15)).join("");
  console.log(`${" ".repeat(40)}${heads}${"reached".padStart(9)}${"queries".padStart(9)}`);
  const results = attackers.map(([name, attack, tell]) => {
    const scores = targets.map((target, i) => scoresOf(attack, target, { queries, seed: seed + i, tell }));
    const result = resultOf(name, scores);
    console.log(row(result, marks));
    return result;
  });
  console.log("\nreached: targets whose threshold was; queries: how many that took, median of all targets");

  console.log(
    "\nwithout a score to go by, queries that reached the threshold (also what no score below it leaves)",
  );
  for (const { name, hits } of results.filter(({ name }) => name.includes("other palms"))) {
    console.log(`${name.padEnd(40)}${hits} of ${count * queries}`);
  }

  const fastest = Math.min(...results.map(({ needed }) => median(needed)));
  console.log(
    `\n${"time at the plan's rate".padEnd(40)}` +
      [queries, fastest].map((many) => `${many} queries`.padStart(20)).join(""),
  );
  for (const { name: plan, limit: rate } of [sandbox, business, enterprise]) {
    const cells = [queries, fastest].map((many) => duration(many / rate).padStart(20));
    console.log(`${plan}, ${rate} a minute`.padEnd(40) + cells.join(""));
  }
  if (values.svg) writeFileSync(values.svg, svg(results, queries));
  console.log(`\n${((performance.now() - from) / 1000).toFixed(0)} s`);
}

main();
