import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { deflateSync } from "node:zlib";
import {
  decodeImage,
  extractTemplate,
  inspectImage,
  MIN_QUALITY,
  PalmError,
  type PalmErrorCode,
} from "../../../functions/src/palm/index.ts";
import { flatJpeg, progressiveJpeg } from "../../support/jpeg.ts";
import { encodePng, type GrayImage, pngChunk, syntheticPalm } from "../../support/palms.ts";
import { readCase } from "../../support/pictures.ts";

const palm = syntheticPalm({ seed: 1 });
const jpeg = readCase("jpeg-ycc.jpg");

async function refuses(bytes: Uint8Array, code: PalmErrorCode = "invalid_image"): Promise<void> {
  await assert.rejects(decodeImage(bytes), (error) => error instanceof PalmError && error.code === code);
}

function flat(width: number, height: number, gray = 128): GrayImage {
  return { width, height, gray: new Uint8Array(width * height).fill(gray) };
}

interface PngParts {
  width: number;
  height: number;
  depth: number;
  colorType: number;
  interlace?: number;
  rows: Uint8Array;
  before?: Uint8Array[];
}

function png({ width, height, depth, colorType, interlace = 0, rows, before = [] }: PngParts): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUint32BE(width, 0);
  header.writeUint32BE(height, 4);
  header.set([depth, colorType, 0, 0, interlace], 8);
  const idat = pngChunk("IDAT", deflateSync(rows));
  return join(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    pngChunk("IHDR", header),
    ...before,
    idat,
    pngChunk("IEND", new Uint8Array()),
  );
}

function join(...parts: ArrayLike<number>[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

/** Unfiltered rows of `bytes` bytes each, filled by position. */
function rows(height: number, bytes: number, at: (y: number, i: number) => number): Uint8Array {
  const out = new Uint8Array(height * (bytes + 1));
  for (let y = 0; y < height; y++) for (let i = 0; i < bytes; i++) out[y * (bytes + 1) + 1 + i] = at(y, i);
  return out;
}

function bmp(
  image: GrayImage,
  { bits = 24, topDown = false, palette = (i: number) => [i, i, i] } = {},
): Uint8Array {
  const { width, height, gray } = image;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const colors = bits > 8 ? 0 : 2 ** bits;
  const pixels = 54 + 4 * colors;
  const file = Buffer.alloc(pixels + stride * height);
  file.write("BM", 0, "latin1");
  file.writeUint32LE(file.length, 2);
  file.writeUint32LE(pixels, 10);
  file.writeUint32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(topDown ? -height : height, 22);
  file.writeUint16LE(1, 26);
  file.writeUint16LE(bits, 28);
  for (let i = 0; i < colors; i++) file.set(palette(i), 54 + 4 * i);
  for (let y = 0; y < height; y++) {
    const row = pixels + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const level = gray[y * width + x] as number;
      if (bits > 8) file.fill(level, row + (x * bits) / 8, row + ((x + 1) * bits) / 8);
      else {
        const at = row + ((x * bits) >> 3);
        file[at] = (file[at] as number) | ((level >> (8 - bits)) << (8 - bits - ((x * bits) & 7)));
      }
    }
  }
  return Uint8Array.from(file);
}

/** Where a marker segment of a JPEG begins. */
function segment(file: Uint8Array, marker: number): number {
  return Buffer.from(file).indexOf(Buffer.from([0xff, marker]));
}

describe("decodeImage", () => {
  it("reads PNG and BMP of one picture alike", async () => {
    assert.deepEqual(await decodeImage(encodePng(palm)), palm);
    assert.deepEqual(await decodeImage(bmp(palm)), palm);
  });

  it("reads bytes that lie in the middle of a buffer", async () => {
    for (const file of [encodePng(palm), bmp(palm), jpeg]) {
      const inside = join([1, 2, 3], file, [4]).subarray(3, 3 + file.length);
      assert.deepEqual(await decodeImage(inside), await decodeImage(file));
    }
  });

  it("reads BMPs whose top row comes first", async () => {
    for (const bits of [8, 24, 32])
      assert.deepEqual(await decodeImage(bmp(palm, { bits, topDown: true })), palm);
  });

  it("accepts sides of 96 to 1024 px only", async () => {
    for (const encode of [encodePng, bmp, flatJpeg]) {
      for (const [width, height] of [
        [96, 96],
        [96, 1024],
        [1024, 96],
      ] as const) {
        const image = await decodeImage(encode(flat(width, height)));
        assert.deepEqual([image.width, image.height], [width, height]);
      }
      for (const [width, height] of [
        [95, 96],
        [96, 95],
        [1025, 96],
        [96, 1025],
      ] as const)
        await refuses(encode(flat(width, height)));
    }
    assert.equal((await decodeImage(encodePng(flat(1024, 1000)))).gray.length, 1024 * 1000);
  });

  it("refuses files that are not PNG, JPEG or BMP", async () => {
    await refuses(new Uint8Array());
    await refuses(Buffer.from("not an image"));
    await refuses(Buffer.from("GIF89a\x80\x00\x80\x00", "latin1"));
    await refuses(Buffer.from("RIFF....WEBPVP8 ", "latin1"));
    await refuses(Buffer.from("BM"));
    await refuses(Uint8Array.of(0xff, 0xd8, 0xff));
    await refuses(encodePng(palm).subarray(0, 8));
  });

  it("refuses a truncated file, wherever it ends", async () => {
    for (const file of [
      encodePng(palm),
      png({ width: 144, height: 144, depth: 8, colorType: 0, rows: rows(144, 144, (y, i) => y ^ i) }),
      jpeg,
      bmp(palm),
    ]) {
      for (let share = 0; share < 20; share++)
        await refuses(file.subarray(0, Math.floor((file.length * share) / 20)));
      for (const missing of [1, 2, 4, 12]) await refuses(file.subarray(0, file.length - missing));
    }
  });

  it("refuses a truncated JPEG to which an end marker was added", async () => {
    for (const share of [0.2, 0.5, 0.9])
      await refuses(join(jpeg.subarray(0, Math.floor(jpeg.length * share)), [0xff, 0xd9]));
    await refuses(join(jpeg.subarray(0, segment(jpeg, 0xda)), [0xff, 0xd9]));
    const progressive = progressiveJpeg({ side: 96, scans: 5 });
    const last = Buffer.from(progressive).lastIndexOf(Buffer.from([0xff, 0xda]));
    await refuses(join(progressive.subarray(0, last), [0xff, 0xd9]));
  });

  it("ignores bytes behind the end of the image", async () => {
    for (const file of [encodePng(palm), jpeg, bmp(palm)]) {
      assert.deepEqual(
        await decodeImage(join(file, Buffer.from("<script>PK\x03\x04"))),
        await decodeImage(file),
      );
    }
  });

  it("refuses 30,000 × 30,000 px at the header", async () => {
    await refuses(png({ width: 30_000, height: 30_000, depth: 8, colorType: 0, rows: new Uint8Array() }));
    const huge = flatJpeg(flat(96, 96));
    huge.set([0x75, 0x30, 0x75, 0x30], segment(huge, 0xc0) + 5);
    await refuses(huge);
    await refuses(bmp({ ...flat(96, 96), width: 30_000, height: 0 }));
  });

  it("refuses a PNG that inflates to fewer pixels than its header says", async () => {
    await refuses(
      png({ width: 128, height: 128, depth: 8, colorType: 0, rows: new Uint8Array(128 * 129 - 1) }),
    );
  });

  it("ignores the data behind the last pixel of a PNG, also where it is truncated", async () => {
    const file = (rows: Uint8Array) => png({ width: 128, height: 128, depth: 8, colorType: 0, rows });
    const expected = flat(128, 128, 0);
    assert.deepEqual(await decodeImage(file(new Uint8Array(128 * 129 + 1))), expected);
    assert.deepEqual(await decodeImage(file(new Uint8Array(40_000_000))), expected);
    const data = deflateSync(Buffer.alloc(4_000_000)).subarray(0, -2000);
    const whole = Buffer.from(file(new Uint8Array(0)));
    const at = whole.indexOf("IDAT") - 4;
    const truncated = join(whole.subarray(0, at), pngChunk("IDAT", data), pngChunk("IEND", new Uint8Array()));
    assert.deepEqual(await decodeImage(truncated), expected);
  });

  it("never inflates a color profile or text", async () => {
    const bomb = deflateSync(new Uint8Array(80_000_000));
    const before = ["iCCP", "zTXt", "iTXt"].map((type) => pngChunk(type, join(Buffer.from("x\0\0"), bomb)));
    const file = png({
      width: 128,
      height: 128,
      depth: 8,
      colorType: 0,
      rows: new Uint8Array(128 * 129),
      before: before.slice(0, 2),
    });
    const started = process.memoryUsage.rss();
    assert.equal((await decodeImage(file)).gray.length, 128 * 128);
    assert.ok(process.memoryUsage.rss() - started < 64 * 1024 * 1024);
  });

  it("refuses damaged chunks, unknown filters, missing palettes and second headers of PNG", async () => {
    const damaged = encodePng(palm);
    damaged[1000] = (damaged[1000] as number) ^ 1;
    await refuses(damaged);
    await refuses(
      png({ width: 128, height: 128, depth: 8, colorType: 0, rows: new Uint8Array(128 * 129).fill(9) }),
    );
    await refuses(png({ width: 128, height: 128, depth: 8, colorType: 3, rows: new Uint8Array(128 * 129) }));
    await refuses(
      png({
        width: 128,
        height: 128,
        depth: 8,
        colorType: 3,
        rows: new Uint8Array(128 * 129).fill(7),
        before: [pngChunk("PLTE", new Uint8Array(6))],
      }),
    );
    for (const [depth, colorType] of [
      [3, 0],
      [16, 3],
      [8, 1],
      [4, 2],
    ] as const)
      await refuses(png({ width: 128, height: 128, depth, colorType, rows: new Uint8Array(128 * 129) }));
    await refuses(
      png({
        width: 128,
        height: 128,
        depth: 8,
        colorType: 0,
        rows: new Uint8Array(128 * 129),
        before: [pngChunk("IHDR", new Uint8Array(13))],
      }),
    );
  });

  it("limits the scans of a JPEG by its size", async () => {
    for (const [side, most] of [
      [1024, 16],
      [512, 64],
      [96, 64],
    ] as const) {
      assert.equal((await decodeImage(progressiveJpeg({ side, scans: most }))).width, side);
      await assert.rejects(decodeImage(progressiveJpeg({ side, scans: most + 1 })), {
        code: "invalid_image",
        message: `A JPEG of this size must have at most ${most} scans`,
      });
    }
  });

  it("limits the segments of a JPEG", async () => {
    const file = flatJpeg({ width: 96, height: 96 });
    const comments = (count: number) =>
      join(file.subarray(0, 2), ...Array(count).fill([0xff, 0xfe, 0, 2]), file.subarray(2));
    assert.equal((await decodeImage(comments(1000))).width, 96);
    assert.throws(() => inspectImage(comments(2000)), { message: "A JPEG must have at most 1024 segments" });
  });

  it("counts the scans behind a marker without a length", async () => {
    const file = progressiveJpeg({ side: 1024, scans: 17 });
    const at = segment(file, 0xda);
    // A reader that takes the scan's marker for a length jumps over the scans.
    for (const marker of [0x01, 0x02, 0xd8]) {
      await refuses(join(file.subarray(0, at), [0xff, marker], file.subarray(at)));
    }
  });

  it("refuses by kind and sides with the same message in inspectImage", async () => {
    for (const encode of [encodePng, flatJpeg, bmp]) {
      inspectImage(encode(flat(96, 1024)));
      for (const [width, height] of [
        [95, 96],
        [96, 1025],
      ] as const) {
        const file = encode(flat(width, height));
        const refusal = { code: "invalid_image", message: "The image's sides must have 96..1024 px" };
        assert.throws(() => inspectImage(file), refusal);
        await assert.rejects(decodeImage(file), refusal);
      }
    }
    assert.throws(() => inspectImage(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), { code: "invalid_image" });
    assert.throws(() => inspectImage(new Uint8Array(1024 * 1024 + 1)), { code: "too_large" });
  });

  it("refuses JPEGs of several frames, of too many scans and of kinds that are not supported", async () => {
    const file = flatJpeg(flat(96, 96));
    const frame = segment(file, 0xc0);
    const scan = segment(file, 0xda);
    const frameBytes = file.subarray(frame, frame + 13);
    await refuses(join(file.subarray(0, scan), frameBytes, file.subarray(scan)));
    await refuses(
      join(file.subarray(0, -2), ...Array<Uint8Array>(70).fill(file.subarray(scan, -2)), [0xff, 0xd9]),
    );
    for (const [at, value] of [
      [1, 0xc3],
      [1, 0xc9],
      [4, 12],
      [9, 4],
      [9, 0],
      [11, 0x00],
    ] as const) {
      const other = file.slice();
      other[frame + at] = value;
      await refuses(other);
    }
  });

  it("refuses a JPEG whose chroma subsampling is not supported", async () => {
    for (const [luminance, chroma] of [
      [0x11, 0x21],
      [0x31, 0x11],
      [0x42, 0x11],
    ] as const) {
      const file = jpeg.slice();
      const frame = segment(file, 0xc0);
      for (const [at, factors] of [luminance, chroma, chroma].entries()) file[frame + 11 + 3 * at] = factors;
      const refusal = {
        code: "invalid_image",
        message: "The JPEG's chroma subsampling is not supported",
      } as const;
      assert.throws(() => inspectImage(file), refusal);
      await assert.rejects(decodeImage(file), refusal);
    }
  });

  it("refuses a progressive JPEG whose scans leave out bits of a coefficient", async () => {
    const file = progressiveJpeg({ side: 96, scans: 5 });
    assert.equal((await decodeImage(file)).width, 96);
    const partial = file.slice();
    // The last byte of the last scan's header: one bit is left to a later scan.
    const last = Buffer.from(file).lastIndexOf(Buffer.from([0xff, 0xda]));
    partial[last + 9] = 1;
    await assert.rejects(decodeImage(partial), { message: "The image is damaged or truncated" });
  });

  it("refuses BMPs of kinds that are not supported", async () => {
    for (const [at, value] of [
      [14, 20],
      [28, 2],
      [30, 1],
      [10, 20],
    ] as const) {
      const file = bmp(palm);
      file[at] = value;
      await refuses(file);
    }
    const file = bmp(palm, { bits: 8 });
    file[46] = 3;
    await refuses(file);
  });

  it("refuses more than 1 MiB with too_large", async () => {
    await refuses(new Uint8Array(1024 * 1024 + 1), "too_large");
    await refuses(join(encodePng(palm), new Uint8Array(1024 * 1024)), "too_large");
    const padded = new Uint8Array(1024 * 1024);
    padded.set(encodePng(palm));
    assert.deepEqual(await decodeImage(padded), palm);
  });

  it("stays flat in memory over 500 bad images", async () => {
    v8.setFlagsFromString("--expose-gc");
    const collect = vm.runInNewContext("gc") as () => void;
    const bad = [
      png({ width: 1024, height: 1024, depth: 8, colorType: 0, rows: new Uint8Array(1_000_000) }),
      png({ width: 30_000, height: 30_000, depth: 8, colorType: 0, rows: new Uint8Array() }),
      encodePng(palm).subarray(0, 15_000),
      jpeg.subarray(0, 4_000),
      join(jpeg.subarray(0, 4_000), [0xff, 0xd9]),
      bmp(palm).subarray(0, 40_000),
    ];
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) await refuses(bad[i % bad.length] as Uint8Array);
      // Twice, with a pause: array buffers are swept behind the collector's back.
      for (let i = 0; i < 2; i++) {
        collect();
        await setTimeout(20);
      }
      const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
      return { held: heapUsed + arrayBuffers, rss };
    };
    const before = await run(100);
    const after = await run(500);
    assert.ok(after.held - before.held < 2 * 1024 * 1024, `${after.held - before.held} bytes held`);
    assert.ok(after.rss - before.rss < 64 * 1024 * 1024, `${after.rss - before.rss} bytes resident`);
  });

  it("reads a flat gray picture, whose quality is too low", async () => {
    for (const encode of [encodePng, bmp, flatJpeg]) {
      const { quality } = extractTemplate(await decodeImage(encode(flat(128, 128))), { hand: "left" });
      assert.ok(quality < MIN_QUALITY);
    }
  });
});
