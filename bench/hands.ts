/**
 * Measures the hand finder on photographs: share of hands found, time, memory, and whether WebAssembly and TypeScript
 * give the same bytes.
 *
 *   npm run bench:hands -- --photos DIR [--equal 20] [--side 1280]
 *
 * DIR holds JPEGs, in folders or not. They are brought to at most `--side` px; decoding is not timed. `--equal` templates
 * are extracted with both kernels, from the photographs, then from the same ones turned. Times are those of one
 * thread, by the clock and of the processor.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readHandModels } from "../functions/src/data/extraction/handModels.ts";
import {
  cutPalm,
  type HandFinder,
  openHandFinder,
  type Point,
  Pyramid,
  type RgbImage,
} from "../functions/src/palm/hand/index.ts";
import { fingerLengths, knuckleWidth } from "../functions/src/palm/hand/isHand.ts";
import { sampleSquare } from "../functions/src/palm/hand/picture.ts";
import { decodePhoto, extractTemplate } from "../functions/src/palm/index.ts";
import { percentile } from "./percentile.ts";

const UPRIGHT: Point = [0, -1];
/** Unit vectors of turns by whole and odd angles, without sine and cosine. */
const TURNS: readonly Point[] = [
  UPRIGHT,
  [0.6, -0.8],
  [1, 0],
  [0.28, 0.96],
  [-0.8, 0.6],
  [-1, 0],
  [-0.96, -0.28],
];
/** Photographs before the times count: the engine compiles the loops. */
const WARM_UP = 3;

/** Reads a photograph, its longer side at most `side` px; turned, in the middle of a square, so that `up` is upwards. */
async function readPhoto(file: string, side: number, up: Point = UPRIGHT): Promise<RgbImage> {
  const photo = await decodePhoto(readFileSync(file), { targetSide: side });
  if (up === UPRIGHT) return photo;
  const { width, height } = photo;
  const size = Math.max(width, height);
  const square = { center: [width / 2, height / 2] as const, side: size, up };
  const samples = sampleSquare(new Pyramid(photo), square, size);
  return { width: size, height: size, rgb: Uint8Array.from(samples, (value) => Math.floor(value + 0.5)) };
}

/** Milliseconds on the clock, and of processor time: on a machine that is busy with other work, only the latter counts. */
interface Time {
  wall: number;
  processor: number;
}

function timed<T>(run: () => T): { result: T; time: Time } {
  const from = performance.now();
  const usage = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(usage);
  return { result, time: { wall: performance.now() - from, processor: (user + system) / 1000 } };
}

const ms = ({ wall, processor }: Time): string =>
  `${wall.toFixed(1)} ms (processor ${processor.toFixed(1)} ms)`;

/** A percentile of each of the two times. */
const at = (times: readonly Time[], p: number): string =>
  ms({
    wall: percentile(
      times.map(({ wall }) => wall),
      p,
    ),
    processor: percentile(
      times.map(({ processor }) => processor),
      p,
    ),
  });
const share = (part: number, all: number): string =>
  `${part} of ${all} (${((100 * part) / Math.max(1, all)).toFixed(2)} %)`;
const spread = (numbers: readonly number[]): string =>
  [0, 1, 50, 99, 100].map((p) => percentile(numbers, p || 1e-9).toFixed(3)).join(" / ");

/** Hands found, and how long it takes. */
async function reportPhotos(finder: HandFinder, files: readonly string[], side: number): Promise<void> {
  const times: Time[] = [];
  const cuts: Time[] = [];
  const presences: number[] = [];
  const fingers: number[] = [];
  const knuckles: number[] = [];
  const handedness: number[] = [];
  const missed: string[] = [];
  for (const [i, file] of files.entries()) {
    const image = await readPhoto(file, side);
    const { result: hand, time } = timed(() => finder.find(image));
    if (i === 0) console.log(`first photograph ${ms(time)}`);
    if (i >= WARM_UP) times.push(time);
    if (hand === undefined) {
      missed.push(file);
      continue;
    }
    const cut = timed(() => cutPalm(image, hand.landmarks));
    if (i >= WARM_UP) cuts.push(cut.time);
    presences.push(hand.presence);
    // The rule looks at the second-shortest of the four fingers.
    fingers.push(fingerLengths(hand.landmarks).toSorted((a, b) => a - b)[1] as number);
    knuckles.push(knuckleWidth(hand.landmarks));
    handedness.push(hand.handedness);
  }
  console.log(`find: median ${at(times, 50)}, p95 ${at(times, 95)}`);
  console.log(`cutPalm: median ${at(cuts, 50)}, p95 ${at(cuts, 95)}`);
  console.log(`hands found in ${share(presences.length, files.length)} photographs`);
  console.log("least / 1 % / median / 99 % / most");
  console.log(`  presence                       ${spread(presences)}`);
  console.log(`  third-longest finger, in palms ${spread(fingers)}`);
  console.log(`  width of knuckles, in palms    ${spread(knuckles)}`);
  console.log(`  handedness                     ${spread(handedness)}`);
  for (const file of missed) console.log(`  no hand: ${file}`);
}

/** Templates of both kernels, byte by byte. */
async function reportEquality(
  wasm: HandFinder,
  files: readonly string[],
  side: number,
  count: number,
): Promise<void> {
  const typescript = openHandFinder({ ...readHandModels(), kernels: "typescript" });
  const times: { wasm: Time[]; typescript: Time[] } = { wasm: [], typescript: [] };
  let [equal, hands, done] = [0, 0, 0];
  for (const up of TURNS) {
    for (const file of files.slice(0, count - done)) {
      const image = await readPhoto(file, side, up);
      const [first, second] = (
        [
          ["wasm", wasm],
          ["typescript", typescript],
        ] as const
      ).map(([name, finder]) => {
        const { result: hand, time } = timed(() => finder.find(image));
        times[name].push(time);
        return hand && { hand, ...extractTemplate(cutPalm(image, hand.landmarks), { hand: "unknown" }) };
      });
      done++;
      if (first !== undefined) hands++;
      if (JSON.stringify(first) === JSON.stringify(second)) equal++;
    }
  }
  console.log(
    `\nWebAssembly and TypeScript give equal landmarks and templates: ${share(equal, done)}, ${hands} hands`,
  );
  console.log(`find: WebAssembly ${at(times.wasm, 50)}, TypeScript ${at(times.typescript, 50)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      photos: { type: "string" },
      equal: { type: "string", default: "20" },
      side: { type: "string", default: "1280" },
    },
  });
  if (values.photos === undefined) {
    console.error("usage: npm run bench:hands -- --photos DIR [--equal 20] [--side 1280]");
    process.exit(1);
  }
  const files = readdirSync(values.photos, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.jpe?g$/i.test(name))
    .sort()
    .map((name) => join(values.photos as string, name));
  const before = process.memoryUsage().rss;
  const { result: finder, time: opening } = timed(() => openHandFinder(readHandModels()));
  console.log(`openHandFinder ${ms(opening)}, ${(finder.memoryBytes / 1e6).toFixed(1)} MB of its own`);
  console.log(`the process grew by ${((process.memoryUsage().rss - before) / 1e6).toFixed(1)} MB`);
  await reportPhotos(finder, files, Number(values.side));
  await reportEquality(finder, files, Number(values.side), Number(values.equal));
}

await main();
