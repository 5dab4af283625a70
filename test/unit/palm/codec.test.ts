import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  decodeTemplate,
  encodeTemplate,
  NO_VOTE,
  packCells,
  TEMPLATE_BYTES,
  unpackCells,
} from "../../../functions/src/palm/codec.ts";
import { extractTemplate, PALM_CODE, PalmError, readTemplate } from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";

const { template, quality } = extractTemplate(syntheticPalm({ seed: 1 }), { hand: "left" });

function refuses(bytes: Uint8Array): void {
  assert.throws(
    () => readTemplate(bytes),
    (error) => error instanceof PalmError && error.code === "invalid_template",
  );
}

/** The template with some bytes changed and the checksum made good again. */
function forged(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = template.slice();
  change(bytes);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
  return bytes;
}

const anyCells = fc
  .uint8Array({ minLength: 1024, maxLength: 1024, max: 6 })
  .map((cells) => cells.map((cell) => (cell === 6 ? 255 : cell)));

describe("readTemplate", () => {
  it("returns format, hand, quality, samples and how many cells vote", () => {
    const { votes, ...facts } = readTemplate(template);
    assert.deepEqual(facts, { format: PALM_CODE, hand: "left", quality, samples: 1 });
    const cells = unpackCells(decodeTemplate(template).planes);
    assert.equal(votes, cells.filter((cell) => cell !== NO_VOTE).length);
    for (const hand of ["right", "unknown"] as const) {
      assert.equal(readTemplate(extractTemplate(syntheticPalm({ seed: 1 }), { hand }).template).hand, hand);
    }
  });

  it("reads 528 bytes, wherever they lie", () => {
    assert.equal(template.length, 528);
    assert.equal(TEMPLATE_BYTES, 528);
    const inside = new Uint8Array(600).fill(7);
    inside.set(template, 13);
    assert.deepEqual(readTemplate(inside.subarray(13, 541)), readTemplate(template));
  });

  it("refuses every flipped byte", () => {
    for (let at = 0; at < template.length; at++) {
      refuses(template.with(at, (template[at] as number) ^ 0xff));
      refuses(template.with(at, (template[at] as number) ^ (1 << (at & 7))));
    }
  });

  it("refuses every other length", () => {
    for (let length = 0; length < template.length; length++) refuses(template.subarray(0, length));
    refuses(Uint8Array.of(...template, 0));
    refuses(forged((bytes) => bytes.reverse()));
  });

  it("refuses what no extractor writes, checksum or not", () => {
    for (const [at, value] of [
      [0, 0x51],
      [4, 0],
      [4, 2],
      [5, 0],
      [5, 2],
      [6, 3],
      [7, 101],
      [8, 0],
      [9, 1],
      [11, 1],
    ] as const) {
      refuses(forged((bytes) => bytes.fill(value, at, at + 1)));
    }
    // Code bits under no mask, and codes 010 and 101.
    refuses(forged((bytes) => bytes.fill(0, 24, 28).fill(1, 12, 13)));
    refuses(forged((bytes) => bytes.fill(0, 12, 24).fill(0xff, 16, 20).fill(0xff, 24, 28)));
    refuses(forged((bytes) => bytes.fill(0xff, 12, 28).fill(0, 16, 20)));
  });
});

describe("template bytes", () => {
  it("give back what was put in", () => {
    fc.assert(
      fc.property(
        anyCells,
        fc.constantFrom("left", "right", "unknown"),
        fc.nat(100),
        fc.integer({ min: 1, max: 255 }),
        (cells, hand, quality, samples) => {
          const planes = packCells(cells);
          const read = decodeTemplate(encodeTemplate({ hand, quality, samples, planes }));
          assert.deepEqual(read, { format: PALM_CODE, hand, quality, samples, planes });
          assert.deepEqual(unpackCells(read.planes), cells);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("count at most 255 samples", () => {
    const planes = packCells(new Uint8Array(1024));
    assert.equal(
      decodeTemplate(encodeTemplate({ hand: "left", quality: 1, samples: 300, planes })).samples,
      255,
    );
  });
});
