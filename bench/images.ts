/**
 * What decoding pictures costs in time and memory.
 *
 *   npm run bench:images -- [--bad 500] [--mutations 10000] [--seed N] [photograph …]
 *
 * Each kind of picture is decoded in a process of its own: the first time, which compiles the decoders, and nine times
 * more. Memory is what the process has at most, less what it has before: after the first decoding and after all ten, when
 * the garbage collector has not released every finished decoder. Then bad photographs of 12 megapixels and damaged pictures
 * are decoded in this process. Photographs that are named are measured, too.
 * Ends with 1 when a picture takes longer than 600 ms of processor time or more than 200 MiB (twice as much is allowed for
 * progressive JPEG and WebP), when memory grows by over 64 MiB, or when a damaged picture throws anything but a PalmError.
 */
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import v8 from "node:v8";
import vm from "node:vm";
import { PalmError } from "../functions/src/palm/errors.ts";
import { decodeImage, decodePhoto } from "../functions/src/palm/image.ts";
import { printTable } from "../scripts/table.ts";
import { progressiveJpeg } from "../test/support/jpeg.ts";
import { mutations } from "../test/support/mutations.ts";
import { encodePng } from "../test/support/palms.ts";
import { readCorpus } from "../test/support/pictures.ts";
import { enlarge } from "./images/enlarge.ts";
import { percentile } from "./percentile.ts";

const MOST_CPU_MS = 600;
const MOST_MIB = 200;
const MOST_GROWTH_MIB = 64;
const MIB = 1024 * 1024;
const TARGET = { targetSide: 1280 };

/** What the process of one picture prints. */
interface Measured {
  first_ms: number;
  median_ms: number;
  first_cpu_ms: number;
  median_cpu_ms: number;
  first_mib: number;
  peak_mib: number;
}

const { values, positionals } = parseArgs({
  options: {
    bad: { type: "string", default: "500" },
    mutations: { type: "string", default: "10000" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    measure: { type: "string" },
  },
  allowPositionals: true,
});

if (values.measure) console.log(JSON.stringify(await measure(values.measure)));
else process.exitCode = (await bench()) ? 0 : 1;

async function bench(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "palmgate-bench-images-"));
  try {
    const isCheap = measureAll(folder);
    const isFlat = await decodeBad(Number(values.bad));
    const isSafe = await decodeDamaged(Number(values.mutations), Number(values.seed));
    return isCheap && isFlat && isSafe;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function makePictures(): Record<string, Uint8Array> {
  const bytesOf = (file: string) => readCorpus().find((entry) => entry.file === file)?.bytes as Uint8Array;
  const [baseline, progressive] = [bytesOf("restart-blocks.jpg"), bytesOf("progressive-restart.jpg")];
  const noise = (width: number, height: number) => {
    const gray = Uint8Array.from(
      { length: width * height },
      (_, i) => 96 + ((Math.imul(i, 2654435761) >>> 26) & 63),
    );
    return encodePng({ width, height, gray });
  };
  return {
    "image: JPEG, 960 x 960": enlarge(baseline, { width: 960, height: 960 }),
    "image: PNG, 1000 x 1000": noise(1000, 1000),
    "photo: JPEG, 1280 x 960": enlarge(baseline, { width: 1248, height: 960 }),
    "photo: JPEG, 12 megapixels": enlarge(baseline, { width: 4032, height: 3024 }),
    "photo: progressive JPEG, 12 megapixels": enlarge(progressive, { width: 4000, height: 3040 }),
    "photo: PNG, 8 megapixels": noise(3200, 2400),
  };
}

function measureAll(folder: string): boolean {
  const row = printTable([
    { title: "picture", width: 40, look: "bold" },
    ...["KiB", "first ms", "then ms", "first CPU", "then CPU", "first MiB", "MiB"].map((title) => ({
      ...{ title, width: 9, right: true },
    })),
  ]);
  const files = Object.entries(makePictures()).map(([name, bytes]) => {
    const file = join(folder, `${name.startsWith("image") ? "image" : "photo"}-${bytes.length}`);
    writeFileSync(file, bytes);
    return { name, file };
  });
  for (const file of positionals) files.push({ name: basename(file), file });
  let isGood = true;
  for (const { name, file } of files) {
    const args = ["--no-warnings", import.meta.filename, "--measure", file];
    const measured = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Measured;
    const { first_ms, median_ms, first_cpu_ms, median_cpu_ms, first_mib, peak_mib } = measured;
    const factor = /progressive|webp/i.test(name) ? 2 : 1;
    const isCheap = median_cpu_ms <= factor * MOST_CPU_MS && peak_mib <= factor * MOST_MIB;
    const numbers = [
      readFileSync(file).length / 1024,
      first_ms,
      median_ms,
      first_cpu_ms,
      median_cpu_ms,
      first_mib,
      peak_mib,
    ];
    row([name, ...numbers.map((number) => number.toFixed(0))], isCheap);
    isGood &&= isCheap;
  }
  return isGood;
}

/** Decodes one file ten times. */
async function measure(file: string): Promise<Measured> {
  const bytes = Uint8Array.from(readFileSync(file));
  const decode = basename(file).startsWith("image")
    ? () => decodeImage(bytes)
    : () => decodePhoto(bytes, TARGET);
  const before = process.memoryUsage.rss();
  const times: number[] = [];
  const cpuTimes: number[] = [];
  const peak_mib = () => (process.resourceUsage().maxRSS * 1024 - before) / MIB;
  let first_mib = 0;
  for (let n = 0; n < 10; n++) {
    const started = performance.now();
    const cpu = process.cpuUsage();
    await decode();
    const { user, system } = process.cpuUsage(cpu);
    times.push(performance.now() - started);
    cpuTimes.push((user + system) / 1000);
    if (n === 0) first_mib = peak_mib();
  }
  const [first_ms = 0, ...then] = times;
  const [first_cpu_ms = 0, ...thenCpu] = cpuTimes;
  return {
    ...{ first_ms, median_ms: percentile(then, 50), first_cpu_ms, median_cpu_ms: percentile(thenCpu, 50) },
    first_mib,
    peak_mib: peak_mib(),
  };
}

/** Decodes truncated photographs of 12 megapixels, and others that are costly before they are refused. */
async function decodeBad(count: number): Promise<boolean> {
  const pictures = makePictures();
  const whole = pictures["photo: JPEG, 12 megapixels"] as Uint8Array;
  const progressive = pictures["photo: progressive JPEG, 12 megapixels"] as Uint8Array;
  const bad = [
    whole.subarray(0, -100),
    Uint8Array.from(Buffer.concat([whole.subarray(0, whole.length / 2), Uint8Array.of(0xff, 0xd9)])),
    Uint8Array.from(
      Buffer.concat([progressive.subarray(0, progressive.length / 2), Uint8Array.of(0xff, 0xd9)]),
    ),
    progressiveJpeg({ side: 4096, scans: 64 }),
    encodePng({ width: 2000, height: 1000, gray: new Uint8Array(2_000_000) }).subarray(0, 1_500_000),
  ];
  const run = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await decodePhoto(bad[n % bad.length] as Uint8Array, TARGET).catch((error: unknown) => {
        if (!(error instanceof PalmError)) throw error;
      });
    }
    return settledRss();
  };
  const before = await run(bad.length * 4);
  const after = await run(count);
  const grown = (after - before) / MIB;
  console.log(
    `\n${count} bad photographs: ${(after / MIB).toFixed(0)} MiB, ${grown.toFixed(0)} MiB more than before.`,
  );
  return grown <= MOST_GROWTH_MIB;
}

async function decodeDamaged(count: number, seed: number): Promise<boolean> {
  const files = readCorpus().map(({ bytes }) => bytes);
  const before = await settledRss();
  let [decoded, refused, slowest_ms] = [0, 0, 0];
  for (const bytes of mutations(files, { count, seed })) {
    for (const decode of [decodeImage, (bytes: Uint8Array) => decodePhoto(bytes, TARGET)]) {
      const started = performance.now();
      try {
        await decode(bytes);
        decoded++;
      } catch (error) {
        if (!(error instanceof PalmError)) throw error;
        refused++;
      }
      slowest_ms = Math.max(slowest_ms, performance.now() - started);
    }
  }
  const grown = ((await settledRss()) - before) / MIB;
  console.log(
    `${count} damaged pictures, seed ${seed}, as image and as photo: ${decoded} decoded, ${refused} refused, the slowest ` +
      `in ${slowest_ms.toFixed(0)} ms, memory grew by ${grown.toFixed(0)} MiB.`,
  );
  return grown <= MOST_GROWTH_MIB;
}

/** Resident memory after a garbage collection, in bytes. */
async function settledRss(): Promise<number> {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  for (let n = 0; n < 2; n++) {
    collect();
    // Memory of array buffers is released after the collection.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}
