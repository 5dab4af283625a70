import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { compareTemplates, decodeImage, extractTemplate } from "../../../functions/src/palm/index.ts";
import { encodePng, encodeRgbPng, PALM_SIDE, syntheticPalm } from "../../support/palms.ts";

describe("syntheticPalm", () => {
  it("gives the same bytes on every machine", () => {
    const hash = createHash("sha256");
    for (let seed = 0; seed < 5; seed++) hash.update(encodePng(syntheticPalm({ seed, sample: seed })));
    assert.equal(hash.digest("hex"), "36e0138c9234e52b5ffc3ff7155b94c2beb18f3553a2b16d8f3bddaebd2c0325");
  });

  it("gives pictures of 144 × 144 px that differ by palm and by session", () => {
    const pictures = [
      syntheticPalm({ seed: 1 }),
      syntheticPalm({ seed: 1, sample: 1 }),
      syntheticPalm({ seed: 2 }),
    ];
    assert.equal(new Set(pictures.map(({ gray }) => gray.join())).size, 3);
    for (const { width, height, gray } of pictures) {
      assert.deepEqual([width, height, gray.length], [PALM_SIDE, PALM_SIDE, PALM_SIDE * PALM_SIDE]);
    }
    assert.deepEqual(syntheticPalm({ seed: 1, sample: 0 }), syntheticPalm({ seed: 1 }));
  });

  it("mirrors the palm of a left hand for the right hand", () => {
    const template = (gray: Uint8Array) =>
      extractTemplate({ width: PALM_SIDE, height: PALM_SIDE, gray }, { hand: "unknown" }).template;
    const left = syntheticPalm({ seed: 4 }).gray;
    const right = syntheticPalm({ seed: 4, hand: "right" }).gray;
    const mirrored = right.map((_, i) => right[i + PALM_SIDE - 1 - 2 * (i % PALM_SIDE)] as number);
    assert.ok(compareTemplates(template(left), template(mirrored)) > 0.8);
    assert.ok(compareTemplates(template(left), template(right)) < 0.7);
  });
});

describe("encodePng", () => {
  it("writes a PNG of less than 25 kB that decodes to the picture", async () => {
    const palm = syntheticPalm({ seed: 3 });
    const png = encodePng(palm);
    assert.ok(png.length < 25_000);
    assert.deepEqual(await decodeImage(png), palm);
  });

  it("writes checksums that zlib finds right, over several blocks too", async () => {
    const image = { width: 600, height: 300, gray: Uint8Array.from({ length: 180_000 }, (_, i) => i % 251) };
    const png = Buffer.from(encodePng(image));
    const length = png.readUint32BE(33);
    assert.equal(inflateSync(png.subarray(41, 41 + length)).length, 300 * 601);
    assert.deepEqual(await decodeImage(png), image);
  });
});

describe("encodeRgbPng", () => {
  it("writes a color PNG that decodes to its gray levels", async () => {
    const rgb = Uint8Array.from({ length: 3 * 100 * 96 }, (_, i) => (7 * Math.floor(i / 3)) % 256);
    const gray = rgb.filter((_, i) => i % 3 === 0);
    assert.deepEqual(await decodeImage(encodeRgbPng({ width: 100, height: 96, rgb })), {
      width: 100,
      height: 96,
      gray,
    });
  });
});
