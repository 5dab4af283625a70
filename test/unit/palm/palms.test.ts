import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { decodeImage } from "../../../functions/src/palm/index.ts";
import { encodePng, PALM_SIDE, syntheticPalm } from "../../support/palms.ts";

describe("syntheticPalm", () => {
  it("gives the same bytes on every machine", () => {
    const hash = createHash("sha256");
    for (let seed = 0; seed < 5; seed++) hash.update(encodePng(syntheticPalm({ seed, sample: seed })));
    assert.equal(hash.digest("hex"), "3c9858f1866eb66ec87a9576762451b6ee74099bd6bfe2fc1df113524514e143");
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
});

describe("encodePng", () => {
  it("writes a PNG of less than 25 kB that decodes to the picture", () => {
    const palm = syntheticPalm({ seed: 3 });
    const png = encodePng(palm);
    assert.ok(png.length < 25_000);
    assert.deepEqual(decodeImage(png), palm);
  });

  it("writes checksums that zlib finds right, over several blocks too", () => {
    const image = { width: 600, height: 300, gray: Uint8Array.from({ length: 180_000 }, (_, i) => i % 251) };
    const png = Buffer.from(encodePng(image));
    const length = png.readUint32BE(33);
    assert.equal(inflateSync(png.subarray(41, 41 + length)).length, 300 * 601);
    assert.deepEqual(decodeImage(png), image);
  });
});
