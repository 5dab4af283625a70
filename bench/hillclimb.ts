import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { scoreOut, thresholdOf } from "../functions/src/domain/palm/score.ts";
import { decodeTemplate, encodeTemplate, GRID, packCells, unpackCells } from "../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  fuseTemplates,
  type GrayImage,
  MIN_QUALITY,
  PALM_CODE,
  uncalibratedThreshold,
} from "../functions/src/palm/index.ts";
import { printTable } from "../scripts/table.ts";
import { syntheticPalm } from "../test/support/palms.ts";

/*
 * Hill climbing (Soutar 2002; Martinez-Diaz et al. 2006): somebody who may call verifyPalm improves what they send by
 * the score that they are told. What do two digits take from them? docs/adr/0006-what-two-digits-buy.md.
 */

const { values } = parseArgs({
  options: {
    targets: { type: "string", default: "20" },
    queries: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    svg: { type: "string" },
  },
});
const TARGETS = Number(values.targets);
const QUERIES = Number(values.queries);
const MARKS = [1, 10, 30, 100, 300, 1000].filter((mark) => mark <= QUERIES);
/** Palms that the attacker has pictures of; nobody's who is attacked. */
const POOL = 200;

const threshold = thresholdOf(uncalibratedThreshold({ format: PALM_CODE, gallery_size: 1 }));

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function newRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let h = Math.imul(state ^ (state >>> 15), state | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 4294967296;
  };
}

const whole = (random: () => number, below: number): number => Math.floor(random() * below);

/** A way to attack: what is sent first, what is tried next, and the template that the server makes of it. */
interface Attack<Sent> {
  begin(random: () => number): Sent;
  vary(sent: Sent, random: () => number): Sent;
  /** Undefined when it is refused as poor: a query without a score. */
  template(sent: Sent): Uint8Array | undefined;
}

const templateOf = (image: GrayImage): Uint8Array | undefined => {
  const { template, quality } = extractTemplate(image, { hand: "unknown" });
  return quality < MIN_QUALITY ? undefined : template;
};

const pool = Array.from({ length: POOL }, (_, i) => syntheticPalm({ seed: 900_000 + i }));
const some = <T>(of: readonly T[], random: () => number): T => of[whole(random, of.length)] as T;

/** Patches of other palms, laid over the picture where they lay in theirs. */
const byImage: Attack<GrayImage> = {
  begin: (random) => some(pool, random),
  vary(sent, random) {
    const donor = some(pool, random);
    const { width, height } = sent;
    const [w, h] = [whole(random, 48) + 16, whole(random, 48) + 16];
    const [left, top] = [whole(random, width - w), whole(random, height - h)];
    const gray = sent.gray.slice();
    for (let y = top; y < top + h; y++) {
      gray.set(donor.gray.subarray(y * width + left, y * width + left + w), y * width + left);
    }
    return { width, height, gray };
  },
  template: templateOf,
};

const codes = pool.flatMap((image) => {
  const template = templateOf(image);
  return template ? [unpackCells(decodeTemplate(template).planes)] : [];
});

/** Cells of the code itself: a block of another palm's, or of one orientation. */
const byTemplate: Attack<Uint8Array> = {
  begin: (random) => some(codes, random),
  vary(sent, random) {
    const donor = random() < 0.5 ? some(codes, random) : undefined;
    const orientation = whole(random, 6);
    const [w, h] = [whole(random, 7) + 2, whole(random, 7) + 2];
    const [left, top] = [whole(random, GRID - w + 1), whole(random, GRID - h + 1)];
    const cells = sent.slice();
    for (let y = top; y < top + h; y++) {
      for (let x = left; x < left + w; x++) cells[y * GRID + x] = donor?.[y * GRID + x] ?? orientation;
    }
    return cells;
  },
  template: (cells) => encodeTemplate({ hand: "unknown", quality: 80, samples: 1, planes: packCells(cells) }),
};

/** The true score of the best that was sent, after each query. */
type Curve = number[];

function climb<Sent>(
  attack: Attack<Sent>,
  target: Uint8Array,
  told: (score: number) => number,
  random: () => number,
): Curve {
  const curve: Curve = [];
  let best: { sent: Sent; score: number } | undefined;
  for (let query = 0; query < QUERIES; query++) {
    const sent = best ? attack.vary(best.sent, random) : attack.begin(random);
    const template = attack.template(sent);
    const score = template ? compareTemplates(template, target) : 0;
    // What is not worse is kept: on a plateau that drifts, and finds the next step.
    if (!best || told(score) >= told(best.score)) best = { sent, score };
    curve.push(Math.max(curve.at(-1) ?? 0, score));
  }
  return curve;
}

const targets = Array.from({ length: TARGETS }, (_, i) => {
  const samples = [0, 1, 2].map((sample) =>
    extractTemplate(syntheticPalm({ seed: 20_000 + i, sample }), { hand: "unknown" }),
  );
  return fuseTemplates(samples.map(({ template }) => template)).template;
});

const strangers = Array.from({ length: QUERIES }, (_, i) =>
  templateOf(syntheticPalm({ seed: 1_000_000 + i })),
);
const exact = (score: number): number => score;

const ATTACKS: readonly [name: string, run: (target: Uint8Array, random: () => number) => Curve][] = [
  [
    "pictures at random",
    (target) => {
      let best = 0;
      return strangers.map((template) => {
        if (template) best = Math.max(best, compareTemplates(template, target));
        return best;
      });
    },
  ],
  ["climbing by picture, two digits", (target, random) => climb(byImage, target, scoreOut, random)],
  ["climbing by picture, all digits", (target, random) => climb(byImage, target, exact, random)],
  ["climbing by template, two digits", (target, random) => climb(byTemplate, target, scoreOut, random)],
  ["climbing by template, all digits", (target, random) => climb(byTemplate, target, exact, random)],
];

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

console.log(`${TARGETS} targets of three fused samples, ${QUERIES} queries each, threshold ${threshold}`);
console.log("Median of the best score so far, after so many queries:\n");
const row = printTable([
  { title: "attack", width: 33 },
  ...MARKS.map((mark) => ({ title: String(mark), width: 5, right: true })),
  { title: "taken for the target", width: 20, right: true },
  { title: "median query", width: 12, right: true },
]);
const curves: { name: string; median: Curve }[] = [];
for (const [name, run] of ATTACKS) {
  const all = targets.map((target, i) => run(target, newRandom(Number(values.seed) * 7919 + i)));
  const at = Array.from({ length: QUERIES }, (_, q) => median(all.map((curve) => curve[q] as number)));
  const hits = all.flatMap((curve) => {
    const hit = curve.findIndex((score) => score >= threshold);
    return hit < 0 ? [] : [hit + 1];
  });
  row(
    [
      name,
      ...MARKS.map((mark) => (at[mark - 1] as number).toFixed(3)),
      `${hits.length} of ${TARGETS}`,
      hits.length > TARGETS / 2 ? String(median(hits)) : "–",
    ],
    true,
  );
  curves.push({ name, median: at });
}

console.log(`\n${QUERIES} queries take, at the plan's limit a minute:`);
for (const [plan, limit] of [
  ["sandbox", 5],
  ["business", 100],
  ["enterprise", 5000],
] as const) {
  console.log(`  ${plan.padEnd(10)} ${String(limit).padStart(5)}  ${(QUERIES / limit).toFixed(1)} minutes`);
}

if (values.svg) writeFileSync(values.svg, draw());

/** The curves, queries on a logarithmic scale. */
function draw(): string {
  const [width, height, left, top] = [720, 420, 60, 20];
  const [low, high] = [0.5, 0.9];
  const x = (query: number) => left + (Math.log10(query) / Math.log10(QUERIES)) * (width - left - 20);
  const y = (score: number) => top + ((high - Math.min(score, high)) / (high - low)) * (height - top - 50);
  const colours = ["#888888", "#1f77b4", "#9ecae1", "#d62728", "#ff9896"];
  const text = (at: number, from: number, what: string, anchor = "middle") =>
    `<text x="${at.toFixed(1)}" y="${from.toFixed(1)}" text-anchor="${anchor}">${what}</text>`;
  const lines = curves.map(({ name, median: curve }, i) => {
    const points = curve.map((score, q) => `${x(q + 1).toFixed(1)},${y(score).toFixed(1)}`).join(" ");
    return (
      `<polyline fill="none" stroke="${colours[i]}" stroke-width="2" points="${points}"/>` +
      `<g fill="${colours[i]}">${text(left + 12, top + 14 + 16 * i, name, "start")}</g>`
    );
  });
  const ticks = [
    ...MARKS.map((mark) => text(x(mark), height - 30, String(mark))),
    ...[0.5, 0.6, 0.7, 0.8, 0.9].map((score) => text(left - 8, y(score) + 4, score.toFixed(1), "end")),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Best score so far by number of queries, for five attacks</title>
<rect width="${width}" height="${height}" fill="white"/>
<line x1="${left}" x2="${width - 20}" y1="${y(threshold)}" y2="${y(threshold)}" stroke="black" stroke-dasharray="4 4"/>
${text(left + 4, y(threshold) - 5, `threshold ${threshold}`, "start")}
${ticks.join("\n")}
${text((left + width) / 2, height - 8, "queries")}
<g transform="rotate(-90)">${text(-height / 2 + 20, 16, "best score so far, median")}</g>
${lines.join("\n")}
</svg>
`;
}
