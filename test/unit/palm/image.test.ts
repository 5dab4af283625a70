import assert from "node:assert/strict";
import { createRequire } from "node:module";
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
import { encodePng, type GrayImage, pngChunk, syntheticPalm } from "../../support/palms.ts";
import { progressiveJpeg } from "../../support/progressive.ts";

// jpeg-js belongs to functions/, and only its encoder is wanted here.
const jpeg = createRequire(new URL("../../../functions/package.json", import.meta.url))("jpeg-js") as {
  encode(image: { width: number; height: number; data: Uint8Array }, quality: number): { data: Uint8Array };
};

const palm = syntheticPalm({ seed: 1 });

function refuses(bytes: Uint8Array, code: PalmErrorCode = "invalid_image"): void {
  assert.throws(
    () => decodeImage(bytes),
    (error) => error instanceof PalmError && error.code === code,
  );
}

function flat(width: number, height: number, grey = 128): GrayImage {
  return { width, height, gray: new Uint8Array(width * height).fill(grey) };
}

interface PngParts {
  width: number;
  height: number;
  depth: number;
  colour: number;
  interlace?: number;
  rows: Uint8Array;
  before?: Uint8Array[];
}

function png({ width, height, depth, colour, interlace = 0, rows, before = [] }: PngParts): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUint32BE(width, 0);
  header.writeUint32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
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
  const colours = bits > 8 ? 0 : 2 ** bits;
  const pixels = 54 + 4 * colours;
  const file = Buffer.alloc(pixels + stride * height);
  file.write("BM", 0, "latin1");
  file.writeUint32LE(file.length, 2);
  file.writeUint32LE(pixels, 10);
  file.writeUint32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(topDown ? -height : height, 22);
  file.writeUint16LE(1, 26);
  file.writeUint16LE(bits, 28);
  for (let i = 0; i < colours; i++) file.set(palette(i), 54 + 4 * i);
  for (let y = 0; y < height; y++) {
    const row = pixels + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const grey = gray[y * width + x] as number;
      if (bits > 8) file.fill(grey, row + (x * bits) / 8, row + ((x + 1) * bits) / 8);
      else {
        const at = row + ((x * bits) >> 3);
        file[at] = (file[at] as number) | ((grey >> (8 - bits)) << (8 - bits - ((x * bits) & 7)));
      }
    }
  }
  return Uint8Array.from(file);
}

function jpegOf({ width, height, gray }: GrayImage): Uint8Array {
  const data = new Uint8Array(4 * gray.length);
  gray.forEach((grey, i) => {
    data.set([grey, grey, grey, 255], 4 * i);
  });
  return Uint8Array.from(jpeg.encode({ width, height, data }, 90).data);
}

/** Where a marker segment of a JPEG begins. */
function segment(file: Uint8Array, marker: number): number {
  return Buffer.from(file).indexOf(Buffer.from([0xff, marker]));
}

/** 96 × 96 px, twelve bars 8 px wide, from grey 64 in steps of 10. */
const PROGRESSIVE_RAMP = [
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhl",
  "bXd7gYKBTmCNl4x9lnN+gXz/wgALCABgAGABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAgUE/9oACAEBAAAAAcSSSSSSkpJJ",
  "JJKSkkkkkpKSSSSSkpJJJJKSkkkkkpKSSSSSkpJJJJKSkkkkkpKSSSSSkpJJJJKSkkkkkv/EABQQAQAAAAAAAAAAAAAAAAAA",
  "AHD/2gAIAQEAAQUCEP/EABQQAQAAAAAAAAAAAAAAAAAAAHD/2gAIAQEABj8CEP/EABQQAQAAAAAAAAAAAAAAAAAAAHD/2gAI",
  "AQEAAT8hEP/aAAgBAQAAABAAAAAAAAAAAAAAAAAAAAAAAAD/xAAUEAEAAAAAAAAAAAAAAAAAAABw/9oACAEBAAE/EBD/2Q==",
];

describe("decodeImage", () => {
  it("reads PNG, BMP and JPEG of one picture alike", () => {
    assert.deepEqual(decodeImage(encodePng(palm)), palm);
    assert.deepEqual(decodeImage(bmp(palm)), palm);
    const { width, height, gray } = decodeImage(jpegOf(palm));
    assert.deepEqual([width, height], [palm.width, palm.height]);
    assert.ok(gray.every((grey, i) => Math.abs(grey - (palm.gray[i] as number)) < 24));
  });

  it("reads bytes that lie in the middle of a buffer", () => {
    for (const file of [encodePng(palm), bmp(palm), jpegOf(palm)]) {
      const inside = join([1, 2, 3], file, [4]).subarray(3, 3 + file.length);
      assert.deepEqual(decodeImage(inside), decodeImage(file));
    }
  });

  it("reads every kind of PNG as luminance", () => {
    const [width, height] = [100, 97];
    const grey = (x: number, y: number) => (x + 2 * y) & 255;
    const expected = (of: (x: number, y: number) => number) =>
      Uint8Array.from({ length: width * height }, (_, i) => of(i % width, Math.floor(i / width)));
    const luma = (r: number, g: number, b: number) => (77 * r + 150 * g + 29 * b + 128) >> 8;

    const kinds: [depth: number, colour: number, channels: number][] = [
      [8, 0, 1],
      [16, 0, 1],
      [8, 4, 2],
      [16, 4, 2],
    ];
    for (const [depth, colour, channels] of kinds) {
      const bytes = (depth / 8) * channels;
      const file = png({
        width,
        height,
        depth,
        colour,
        rows: rows(height, width * bytes, (y, i) => (i % bytes === 0 ? grey(Math.floor(i / bytes), y) : 77)),
      });
      assert.deepEqual(decodeImage(file).gray, expected(grey), `depth ${depth}, colour type ${colour}`);
    }
    for (const [depth, colour, channels] of [
      [8, 2, 3],
      [16, 2, 3],
      [8, 6, 4],
      [16, 6, 4],
    ] as const) {
      const step = depth / 8;
      const file = png({
        width,
        height,
        depth,
        colour,
        rows: rows(
          height,
          width * channels * step,
          (y, i) =>
            [grey(Math.floor(i / channels / step), y), 30, 200, 9][Math.floor(i / step) % channels] as number,
        ),
      });
      assert.deepEqual(
        decodeImage(file).gray,
        expected((x, y) => luma(grey(x, y), 30, 200)),
        `depth ${depth}, colour type ${colour}`,
      );
    }
    for (const depth of [1, 2, 4]) {
      const perByte = 8 / depth;
      const top = 2 ** depth - 1;
      const packed = rows(height, Math.ceil(width / perByte), (y, i) => {
        let byte = 0;
        for (let s = 0; s < perByte; s++) byte = (byte << depth) | ((i * perByte + s + y) & top);
        return byte;
      });
      assert.deepEqual(
        decodeImage(png({ width, height, depth, colour: 0, rows: packed })).gray,
        expected((x, y) => (((x + y) & top) * 255) / top),
      );
      const palette = Uint8Array.from({ length: 3 * 2 ** depth }, (_, i) => 10 * i);
      const file = png({
        width,
        height,
        depth,
        colour: 3,
        rows: packed,
        before: [pngChunk("PLTE", palette), pngChunk("tRNS", Uint8Array.of(0))],
      });
      assert.deepEqual(
        decodeImage(file).gray,
        expected((x, y) =>
          luma(...([0, 1, 2].map((c) => palette[3 * ((x + y) & top) + c]) as [number, number, number])),
        ),
      );
    }
  });

  it("reads a progressive JPEG", () => {
    const { width, height, gray } = decodeImage(Buffer.from(PROGRESSIVE_RAMP.join(""), "base64"));
    assert.deepEqual([width, height], [96, 96]);
    assert.ok(gray.every((grey, i) => Math.abs(grey - (64 + 10 * ((i % 96) >> 3))) < 6));
  });

  it("reads an interlaced PNG", () => {
    const [width, height] = [99, 97];
    const passes = [
      [0, 8, 0, 8],
      [4, 8, 0, 8],
      [0, 4, 4, 8],
      [2, 4, 0, 4],
      [0, 2, 2, 4],
      [1, 2, 0, 2],
      [0, 1, 1, 2],
    ] as const;
    const interlaced = passes.map(([x, dx, y, dy]) =>
      rows(
        Math.ceil((height - y) / dy),
        Math.ceil((width - x) / dx),
        (r, c) => (x + c * dx + 3 * (y + r * dy)) & 255,
      ),
    );
    const file = png({ width, height, depth: 8, colour: 0, interlace: 1, rows: join(...interlaced) });
    assert.deepEqual(
      decodeImage(file).gray,
      Uint8Array.from({ length: width * height }, (_, i) => ((i % width) + 3 * Math.floor(i / width)) & 255),
    );
    refuses(png({ width, height, depth: 1, colour: 0, interlace: 1, rows: new Uint8Array(2000) }));
  });

  it("reads every uncompressed BMP, top-down ones too", () => {
    for (const bits of [8, 24, 32]) {
      assert.deepEqual(decodeImage(bmp(palm, { bits })), palm);
      assert.deepEqual(decodeImage(bmp(palm, { bits, topDown: true })), palm);
    }
    const top = (grey: number, bits: number) => grey >> (8 - bits);
    for (const bits of [1, 4, 8]) {
      const { gray } = decodeImage(bmp(palm, { bits, palette: (i) => [255 - i, 255 - i, 255 - i] }));
      assert.deepEqual(
        gray,
        palm.gray.map((grey) => 255 - top(grey, bits)),
      );
    }
  });

  it("takes sides of 96 and 1024 px, and none beyond", () => {
    for (const encode of [encodePng, bmp, jpegOf]) {
      for (const [width, height] of [
        [96, 96],
        [96, 1024],
        [1024, 96],
      ] as const) {
        const image = decodeImage(encode(flat(width, height)));
        assert.deepEqual([image.width, image.height], [width, height]);
      }
      for (const [width, height] of [
        [95, 96],
        [96, 95],
        [1025, 96],
        [96, 1025],
      ] as const)
        refuses(encode(flat(width, height)));
    }
    assert.equal(decodeImage(encodePng(flat(1024, 1000))).gray.length, 1024 * 1000);
  });

  it("refuses what is no PNG, JPEG or BMP", () => {
    refuses(new Uint8Array());
    refuses(Buffer.from("not an image"));
    refuses(Buffer.from("GIF89a\x80\x00\x80\x00", "latin1"));
    refuses(Buffer.from("RIFF....WEBPVP8 ", "latin1"));
    refuses(Buffer.from("BM"));
    refuses(Uint8Array.of(0xff, 0xd8, 0xff));
    refuses(encodePng(palm).subarray(0, 8));
  });

  it("refuses a file that ends too early, wherever it breaks off", () => {
    for (const file of [
      encodePng(palm),
      png({ width: 144, height: 144, depth: 8, colour: 0, rows: rows(144, 144, (y, i) => y ^ i) }),
      jpegOf(palm),
      bmp(palm),
    ]) {
      for (let share = 0; share < 20; share++)
        refuses(file.subarray(0, Math.floor((file.length * share) / 20)));
      for (const missing of [1, 2, 4, 12]) refuses(file.subarray(0, file.length - missing));
    }
  });

  it("refuses a truncated JPEG that an end marker was put on", () => {
    const file = jpegOf(palm);
    for (const share of [0.2, 0.5, 0.9])
      refuses(join(file.subarray(0, Math.floor(file.length * share)), [0xff, 0xd9]));
    refuses(join(file.subarray(0, segment(file, 0xda)), [0xff, 0xd9]));
  });

  it("takes bytes behind the end, and does not look at them", () => {
    for (const file of [encodePng(palm), jpegOf(palm), bmp(palm)]) {
      assert.deepEqual(decodeImage(join(file, Buffer.from("<script>PK\x03\x04"))), decodeImage(file));
    }
  });

  it("refuses 30,000 × 30,000 px at the header", () => {
    refuses(png({ width: 30_000, height: 30_000, depth: 8, colour: 0, rows: new Uint8Array() }));
    const huge = jpegOf(flat(96, 96));
    huge.set([0x75, 0x30, 0x75, 0x30], segment(huge, 0xc0) + 5);
    refuses(huge);
    refuses(bmp({ ...flat(96, 96), width: 30_000, height: 0 }));
  });

  it("refuses a PNG that inflates to more or less than its header promises", () => {
    refuses(png({ width: 128, height: 128, depth: 8, colour: 0, rows: new Uint8Array(40_000_000) }));
    refuses(png({ width: 128, height: 128, depth: 8, colour: 0, rows: new Uint8Array(128 * 129 + 1) }));
    refuses(png({ width: 128, height: 128, depth: 8, colour: 0, rows: new Uint8Array(128 * 129 - 1) }));
  });

  it("never inflates a colour profile or text", () => {
    const bomb = deflateSync(new Uint8Array(80_000_000));
    const before = ["iCCP", "zTXt", "iTXt"].map((type) => pngChunk(type, join(Buffer.from("x\0\0"), bomb)));
    const file = png({
      width: 128,
      height: 128,
      depth: 8,
      colour: 0,
      rows: new Uint8Array(128 * 129),
      before: before.slice(0, 2),
    });
    const started = process.memoryUsage.rss();
    assert.equal(decodeImage(file).gray.length, 128 * 128);
    assert.ok(process.memoryUsage.rss() - started < 64 * 1024 * 1024);
  });

  it("refuses damaged chunks, unknown filters, missing palettes and second headers of PNG", () => {
    const damaged = encodePng(palm);
    damaged[1000] = (damaged[1000] as number) ^ 1;
    refuses(damaged);
    refuses(png({ width: 128, height: 128, depth: 8, colour: 0, rows: new Uint8Array(128 * 129).fill(9) }));
    refuses(png({ width: 128, height: 128, depth: 8, colour: 3, rows: new Uint8Array(128 * 129) }));
    refuses(
      png({
        width: 128,
        height: 128,
        depth: 8,
        colour: 3,
        rows: new Uint8Array(128 * 129).fill(7),
        before: [pngChunk("PLTE", new Uint8Array(6))],
      }),
    );
    for (const [depth, colour] of [
      [3, 0],
      [16, 3],
      [8, 1],
      [4, 2],
    ] as const)
      refuses(png({ width: 128, height: 128, depth, colour, rows: new Uint8Array(128 * 129) }));
    refuses(
      png({
        width: 128,
        height: 128,
        depth: 8,
        colour: 0,
        rows: new Uint8Array(128 * 129),
        before: [pngChunk("IHDR", new Uint8Array(13))],
      }),
    );
  });

  it("limits the scans of a JPEG by its size", () => {
    for (const [side, most] of [
      [1024, 16],
      [512, 64],
      [96, 64],
    ] as const) {
      assert.equal(decodeImage(progressiveJpeg({ side, scans: most })).width, side);
      assert.throws(() => decodeImage(progressiveJpeg({ side, scans: most + 1 })), {
        code: "invalid_image",
        message: `A JPEG of this size must have at most ${most} scans`,
      });
    }
  });

  it("inspects kind and sides of what it can decode, and refuses by them alike", () => {
    for (const encode of [encodePng, jpegOf, bmp]) {
      inspectImage(encode(flat(96, 1024)));
      for (const [width, height] of [
        [95, 96],
        [96, 1025],
      ] as const) {
        const file = encode(flat(width, height));
        const refusal = { code: "invalid_image", message: "The image's sides must have 96..1024 px" };
        assert.throws(() => inspectImage(file), refusal);
        assert.throws(() => decodeImage(file), refusal);
      }
    }
    assert.throws(() => inspectImage(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), { code: "invalid_image" });
    assert.throws(() => inspectImage(new Uint8Array(1024 * 1024 + 1)), { code: "too_large" });
  });

  it("refuses JPEGs of several frames, of endless scans and of kinds it can't read", () => {
    const file = jpegOf(flat(96, 96));
    const frame = segment(file, 0xc0);
    const scan = segment(file, 0xda);
    const frameBytes = file.subarray(frame, frame + 19);
    refuses(join(file.subarray(0, scan), frameBytes, file.subarray(scan)));
    refuses(join(file.subarray(0, -2), ...Array<Uint8Array>(70).fill(file.subarray(scan, -2)), [0xff, 0xd9]));
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
      refuses(other);
    }
  });

  it("refuses BMPs of kinds it can't read", () => {
    for (const [at, value] of [
      [14, 12],
      [28, 16],
      [28, 2],
      [30, 1],
      [10, 20],
    ] as const) {
      const file = bmp(palm);
      file[at] = value;
      refuses(file);
    }
    const file = bmp(palm, { bits: 8 });
    file[46] = 3;
    refuses(file);
  });

  it("answers too_large from 1 MiB + 1 byte, whatever they are", () => {
    refuses(new Uint8Array(1024 * 1024 + 1), "too_large");
    refuses(join(encodePng(palm), new Uint8Array(1024 * 1024)), "too_large");
    const padded = new Uint8Array(1024 * 1024);
    padded.set(encodePng(palm));
    assert.deepEqual(decodeImage(padded), palm);
  });

  it("refuses or reads any flipped byte, and throws nothing but PalmError", () => {
    for (const file of [encodePng(palm), jpegOf(palm), bmp(palm)]) {
      for (let at = 0; at < Math.min(file.length, 250); at++) {
        const other = file.slice();
        other[at] = (other[at] as number) ^ (1 << (at & 7));
        try {
          const { width, height, gray } = decodeImage(other);
          assert.equal(gray.length, width * height);
        } catch (error) {
          assert.ok(error instanceof PalmError, String(error));
        }
      }
    }
  });

  it("stays flat in memory over 500 bad images", async () => {
    v8.setFlagsFromString("--expose-gc");
    const collect = vm.runInNewContext("gc") as () => void;
    const bad = [
      png({ width: 1024, height: 1024, depth: 8, colour: 0, rows: new Uint8Array(4_000_000) }),
      png({ width: 30_000, height: 30_000, depth: 8, colour: 0, rows: new Uint8Array() }),
      encodePng(palm).subarray(0, 15_000),
      jpegOf(palm).subarray(0, 4_000),
      join(jpegOf(palm).subarray(0, 4_000), [0xff, 0xd9]),
      bmp(palm).subarray(0, 40_000),
    ];
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) refuses(bad[i % bad.length] as Uint8Array);
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
  }).timeout(10_000);

  it("reads flat grey, which is a picture but no palm", () => {
    for (const encode of [encodePng, bmp, jpegOf]) {
      const { quality } = extractTemplate(decodeImage(encode(flat(128, 128))), { hand: "left" });
      assert.ok(quality < MIN_QUALITY);
    }
  });
});
