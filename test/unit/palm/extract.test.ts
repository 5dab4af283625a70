import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { decodeTemplate, unpackCells } from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  decodeImage,
  extractTemplate,
  MIN_QUALITY,
} from "../../../functions/src/palm/index.ts";
import { encodePng, type GrayImage, PALM_SIDE, syntheticPalm } from "../../support/palms.ts";

function picture(width: number, height: number, grey: (x: number, y: number) => number): GrayImage {
  return {
    width,
    height,
    gray: Uint8Array.from({ length: width * height }, (_, i) => grey(i % width, Math.floor(i / width))),
  };
}

/** White noise 0..1, the same in every run. */
function noise(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

const quality = (image: GrayImage) => extractTemplate(image, { hand: "left" }).quality;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("extractTemplate", () => {
  it("gives the same bytes on every machine", () => {
    const image = syntheticPalm({ seed: 1 });
    assert.equal(
      sha256(extractTemplate(image, { hand: "left" }).template),
      "e03a16ed71b0544517b83adfeb0bb1cfc126eba32c8d68484ae89624d29ed86d",
    );
    const large = picture(
      1000,
      700,
      (x, y) => image.gray[Math.floor(y / 5) * PALM_SIDE + Math.floor(x / 7)] as number,
    );
    assert.equal(
      sha256(extractTemplate(large, { hand: "unknown" }).template),
      "cbdea1cc37eac81143099517d41d440494eea6ba3d3876a0a3b79b1cb086b268",
    );
  });

  it("is a function of the image and the hand", async () => {
    const image = syntheticPalm({ seed: 2 });
    const first = extractTemplate(image, { hand: "right" });
    assert.deepEqual(extractTemplate(await decodeImage(encodePng(image)), { hand: "right" }), first);
    assert.notDeepEqual(extractTemplate(image, { hand: "left" }).template, first.template);
  });

  it("finds which way dark lines run", () => {
    // Six fans of stripes, 18 px apart, with the normal at 0°, 30° … 150°.
    for (let orientation = 0; orientation < 6; orientation++) {
      const angle = (orientation * Math.PI) / 6;
      const stripes = picture(128, 128, (x, y) => {
        const phase = ((x * Math.cos(angle) + y * Math.sin(angle)) / 18 + 100) % 1;
        return phase < 0.25 ? 60 : 180;
      });
      const cells = unpackCells(decodeTemplate(extractTemplate(stripes, { hand: "left" }).template).planes);
      // Between two lines there is none, and borders bend: only cells on a line within are asked.
      const inner = (at: number) => at >= 4 && at < 28;
      const onLine = [...cells].filter((_, i) => {
        const [row, column] = [i >> 5, i & 31];
        return inner(row) && inner(column) && stripes.gray[(4 * row + 2) * 128 + 4 * column + 2] === 60;
      });
      assert.ok(onLine.length > 100 && onLine.every((cell) => cell === orientation));
    }
  });

  it("rates synthetic palms well above the least quality", () => {
    for (let seed = 1; seed <= 40; seed++) {
      assert.ok(quality(syntheticPalm({ seed, sample: seed % 5 })) > MIN_QUALITY + 20, `palm ${seed}`);
    }
  });

  it("rates what shows no lines below it", () => {
    const next = noise();
    for (const side of [96, 128, 144, 333, 1024]) {
      for (const grey of [0, 1, 128, 255]) assert.equal(quality(picture(side, side, () => grey)), 0);
      const pictures = {
        noise: () => 256 * next(),
        "faint noise": () => 120 + 12 * next(),
        "salt and pepper": () => (next() < 0.5 ? 0 : 255),
        "a ramp": (x: number) => (255 * x) / side,
        "a noisy ramp": (_: number, y: number) => 20 + (150 * y) / side + 20 * next(),
      };
      for (const [name, grey] of Object.entries(pictures)) {
        assert.ok(quality(picture(side, side, grey)) < MIN_QUALITY, `${name}, ${side} px`);
      }
    }
  });

  it("lets no saturated cell vote", () => {
    const palm = syntheticPalm({ seed: 3 });
    const half = { ...palm, gray: palm.gray.map((grey, i) => (i % PALM_SIDE < 72 ? 255 : grey)) };
    const { template } = extractTemplate(half, { hand: "left" });
    const cells = unpackCells(decodeTemplate(template).planes);
    assert.ok(cells.every((cell, i) => (i & 31) >= 15 || cell === 255));
    assert.ok(quality(half) < quality(palm));
    const glare = { ...palm, gray: palm.gray.map((grey) => Math.min(255, grey + 140)) };
    assert.ok(quality(glare) < MIN_QUALITY);
  });

  it("does not mind size, light or contrast", () => {
    const palm = syntheticPalm({ seed: 4 });
    const { template } = extractTemplate(palm, { hand: "left" });
    const twice = picture(288, 288, (x, y) => palm.gray[(y >> 1) * PALM_SIDE + (x >> 1)] as number);
    const dim = { ...palm, gray: palm.gray.map((grey) => 20 + grey / 2) };
    const lit = {
      ...palm,
      gray: palm.gray.map((grey, i) => Math.min(250, grey * 0.7 + (i % PALM_SIDE) / 2)),
    };
    for (const image of [twice, dim, lit]) {
      assert.ok(compareTemplates(template, extractTemplate(image, { hand: "left" }).template) > 0.9);
    }
  });

  it("takes the middle square of an oblong picture", () => {
    const palm = syntheticPalm({ seed: 5 });
    const wide = picture(PALM_SIDE + 40, PALM_SIDE, (x, y) =>
      x < 20 || x >= PALM_SIDE + 20 ? 0 : (palm.gray[y * PALM_SIDE + x - 20] as number),
    );
    const tall = picture(PALM_SIDE, PALM_SIDE + 40, (x, y) =>
      y < 20 || y >= PALM_SIDE + 20 ? 0 : (palm.gray[(y - 20) * PALM_SIDE + x] as number),
    );
    const { template } = extractTemplate(palm, { hand: "left" });
    for (const image of [wide, tall])
      assert.equal(compareTemplates(extractTemplate(image, { hand: "left" }).template, template), 1);
  });
});
