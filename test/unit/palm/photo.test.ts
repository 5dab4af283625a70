import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { deflateSync } from "node:zlib";
import { decodePhoto, inspectPhoto } from "../../../functions/src/palm/index.ts";
import { flatJpeg, progressiveJpeg } from "../../support/jpeg.ts";
import { encodePng, type GrayImage, pngChunk } from "../../support/palms.ts";
import { meanDifference, readCorpus } from "../../support/pictures.ts";

const corpus = readCorpus();
const bytesOf = (file: string): Uint8Array =>
  corpus.find((entry) => entry.file === file)?.bytes ?? assert.fail(`${file} is not in the corpus`);

/** Columns 0, 1, 2, … of gray, as a PNG. */
const ramp = (width: number, height: number): GrayImage => ({
  width,
  height,
  gray: Uint8Array.from({ length: width * height }, (_, i) => i % width),
});

/** The mean of the columns that each column of the result covers, by definition. */
function averageColumns(from: number, to: number): number[] {
  return Array.from({ length: to }, (_, x) => {
    let sum = 0;
    for (let u = 0; u < from; u++) {
      const covered = Math.min((u + 1) * to, (x + 1) * from) - Math.max(u * to, x * from);
      if (covered > 0) sum += covered * u;
    }
    return Math.round(sum / from);
  });
}

describe("decodePhoto", () => {
  it("scales a photograph down to the target, by area averaging", async () => {
    for (const [width, height, targetSide] of [
      [200, 100, 100],
      [250, 130, 96],
      [250, 250, 249],
      [255, 96, 7],
    ] as const) {
      const photo = await decodePhoto(encodePng(ramp(width, height)), { targetSide });
      assert.equal(Math.max(photo.width, photo.height), targetSide);
      const columns = averageColumns(width, photo.width);
      const expected = Array.from(
        { length: photo.rgb.length },
        (_, i) => columns[Math.floor(i / 3) % photo.width],
      );
      assert.deepEqual([...photo.rgb], expected);
    }
  });

  it("does not enlarge", async () => {
    const { width, height } = await decodePhoto(encodePng(ramp(120, 100)), { targetSide: 1280 });
    assert.deepEqual([width, height], [120, 100]);
  });

  it("gives about the same picture of every kind of file", async () => {
    const { rgb } = await decodePhoto(bytesOf("rgb-8.png"), { targetSide: 26 });
    for (const file of [
      "baseline-444.jpg",
      "progressive-420.jpg",
      "lossy.webp",
      "exif-6.jpg",
      "exif-6.webp",
    ]) {
      const photo = await decodePhoto(bytesOf(file), { targetSide: 26 });
      assert.deepEqual([photo.width, photo.height], [26, 24]);
      assert.ok(meanDifference(photo.rgb, rgb) <= 6, `${file}: ${meanDifference(photo.rgb, rgb)}`);
    }
  });

  it("scales a large JPEG to the target exactly", async () => {
    for (const [targetSide, height] of [
      [1024, 768],
      [1000, 750],
      [512, 384],
      [128, 96],
    ] as const) {
      const photo = await decodePhoto(flatJpeg({ width: 4096, height: 3072 }), { targetSide });
      assert.deepEqual([photo.width, photo.height], [targetSide, height]);
      assert.ok(photo.rgb.every((level) => level === 128));
    }
  });

  it("accepts sides of 96 to 4096 px only", async () => {
    for (const [width, height] of [
      [96, 96],
      [4096, 96],
      [96, 4096],
    ] as const) {
      inspectPhoto(flatJpeg({ width, height }));
      await decodePhoto(flatJpeg({ width, height }), { targetSide: 4096 });
    }
    for (const [width, height] of [
      [95, 96],
      [96, 4097],
    ] as const) {
      const refusal = { code: "invalid_image", message: "The image's sides must have 96..4096 px" };
      for (const file of [flatJpeg({ width, height }), encodePng(ramp(width, height))]) {
        assert.throws(() => inspectPhoto(file), refusal);
        await assert.rejects(decodePhoto(file, { targetSide: 1280 }), refusal);
      }
    }
  });

  it("refuses more than 8 MiB, and files that are not PNG, JPEG or WebP", async () => {
    const large = new Uint8Array(8 * 1024 * 1024 + 1);
    assert.throws(() => inspectPhoto(large), { code: "too_large", message: "The image has more than 8 MiB" });
    for (const file of [bytesOf("24.bmp"), new Uint8Array(), Buffer.from("RIFF")]) {
      const refusal = { code: "invalid_image", message: "The image is not a PNG, JPEG or WebP" };
      assert.throws(() => inspectPhoto(file), refusal);
      await assert.rejects(decodePhoto(file, { targetSide: 1280 }), refusal);
    }
  });

  it("inspects every file that it decodes", () => {
    for (const { file, bytes } of corpus.filter((entry) => "rgb" in entry && !entry.file.endsWith(".bmp"))) {
      assert.doesNotThrow(() => inspectPhoto(bytes), file);
    }
  });

  it("refuses a truncated file, wherever it ends", async () => {
    for (const name of [
      "baseline-420.jpg",
      "progressive-444.jpg",
      "rgb-8.png",
      "lossy.webp",
      "lossless-alpha.webp",
    ]) {
      const file = bytesOf(name);
      for (let share = 0; share < 20; share++) {
        const part = file.subarray(0, Math.floor((file.length * share) / 20));
        await assert.rejects(decodePhoto(part, { targetSide: 1280 }), { code: "invalid_image" }, name);
      }
    }
  });

  it("limits the chunks of a PNG", async () => {
    const file = encodePng(ramp(96, 96));
    const chunks = (count: number) =>
      Buffer.concat([
        file.subarray(0, 33),
        ...Array(count).fill(pngChunk("IDAT", new Uint8Array())),
        file.subarray(33),
      ]);
    await decodePhoto(chunks(16_000), { targetSide: 96 });
    await assert.rejects(decodePhoto(chunks(17_000), { targetSide: 96 }), {
      code: "invalid_image",
      message: "A PNG must have at most 16384 chunks",
    });
  });

  it("allows 16 scans in a large JPEG", async () => {
    await decodePhoto(progressiveJpeg({ side: 2048, scans: 16 }), { targetSide: 256 });
    await assert.rejects(decodePhoto(progressiveJpeg({ side: 2048, scans: 17 }), { targetSide: 256 }), {
      code: "invalid_image",
      message: "A JPEG of this size must have at most 16 scans",
    });
  });

  it("keeps memory flat over bad photographs and a decompression bomb", async () => {
    v8.setFlagsFromString("--expose-gc");
    const collect = vm.runInNewContext("gc") as () => void;
    const bad = [
      bomb(),
      flatJpeg({ width: 4096, height: 4096 }).slice(0, -4000),
      progressiveJpeg({ side: 4096, scans: 3 }).slice(0, -8),
      bytesOf("baseline-444.jpg").subarray(0, 1000),
      bytesOf("lossy.webp").subarray(0, 700),
    ];
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) {
        await assert.rejects(decodePhoto(bad[i % bad.length] as Uint8Array, { targetSide: 1280 }));
      }
      for (let i = 0; i < 2; i++) {
        collect();
        await setTimeout(20);
      }
      return process.memoryUsage.rss();
    };
    const before = await run(5);
    const after = await run(15);
    assert.ok(after - before < 64 * 1024 * 1024, `${after - before} bytes resident`);
  });
});

/** A PNG of 4096 x 4096 px and 16 bits that inflates to 130 MB, less one row. */
function bomb(): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUint32BE(4096, 0);
  header.writeUint32BE(4096, 4);
  header.set([16, 6], 8);
  return Buffer.concat([
    encodePng(ramp(96, 96)).subarray(0, 8),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(4095 * (8 * 4096 + 1)), { level: 1 })),
    pngChunk("IEND", new Uint8Array()),
  ]);
}
