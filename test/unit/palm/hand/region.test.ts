import assert from "node:assert/strict";
import { cutPalm, type Point, REGION_SIDE } from "../../../../functions/src/palm/hand/index.ts";

const SIDE = 500;

/** A photograph, gray by a function of the place. */
function photograph(gray: (x: number, y: number) => number) {
  const rgb = new Uint8Array(3 * SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) rgb.fill(gray(i % SIDE, Math.floor(i / SIDE)), 3 * i, 3 * i + 3);
  return { width: SIDE, height: SIDE, rgb };
}

/** Landmarks of which only wrist and finger roots are given. */
function landmarksOf(wrist: Point, roots: Point): Point[] {
  return Array.from({ length: 21 }, (_, i): Point => {
    const aside = { 5: -30, 9: -10, 13: 10, 17: 30 }[i];
    if (i === 0) return wrist;
    return aside === undefined ? [0, 0] : [roots[0] + aside, roots[1] - aside / 2];
  });
}

const HAND = landmarksOf([250, 400], [250, 200]);
// Of a palm that is 200 px long, the region is 140 px, around a center 56 px below the finger roots.
const [LEFT, RIGHT, TOP, BOTTOM] = [180, 320, 186, 326];

const WAVES = photograph((x, y) => 128 + 60 * Math.sin(x / 9) + 50 * Math.sin((x + 2 * y) / 17));

describe("cutPalm", () => {
  it("cuts a square of 0.70 palm lengths, 0.28 below the finger roots", () => {
    // One pixel more on each side: the outermost samples are interpolated with it.
    const inside = (x: number, y: number) => x >= LEFT - 1 && x <= RIGHT && y >= TOP - 1 && y <= BOTTOM;
    const { width, height, gray } = cutPalm(
      photograph((x, y) => (inside(x, y) ? 200 : 0)),
      HAND,
    );
    assert.deepEqual([width, height, gray.length], [REGION_SIDE, REGION_SIDE, REGION_SIDE ** 2]);
    assert.deepEqual(new Set(gray), new Set([200]));

    const wider = cutPalm(
      photograph((x, y) => (inside(x, y) ? 200 : 0)),
      HAND,
      { scale: 1.2 },
    ).gray;
    const share = wider.filter((value) => value > 100).length / wider.length;
    assert.ok(Math.abs(share - 1 / 1.44) < 0.03, `${share}`);
  });

  it("cuts the same region of a turned photograph", () => {
    const upright = cutPalm(WAVES, HAND).gray;
    const at = (x: number, y: number) => WAVES.rgb[3 * (y * SIDE + x)] as number;
    const turned = photograph((x, y) => at(y, SIDE - 1 - x));
    const region = cutPalm(
      turned,
      HAND.map(([x, y]): Point => [SIDE - y, x]),
    ).gray;
    assert.ok(region.every((value, i) => Math.abs(value - (upright[i] as number)) <= 1));
  });

  it("turns the region clockwise by the degrees of the pose", () => {
    const straight = cutPalm(WAVES, HAND).gray;
    const turned = cutPalm(WAVES, HAND, { turn: 90 }).gray;
    for (let y = 0; y < REGION_SIDE; y++) {
      for (let x = 0; x < REGION_SIDE; x++) {
        const expected = straight[x * REGION_SIDE + REGION_SIDE - 1 - y] as number;
        assert.ok(Math.abs((turned[y * REGION_SIDE + x] as number) - expected) <= 1);
      }
    }
  });

  it("weighs colors as decodeImage does", () => {
    const image = photograph(() => 0);
    for (let i = 0; i < SIDE * SIDE; i++) image.rgb.set([200, 100, 50], 3 * i);
    assert.deepEqual(
      new Set(cutPalm(image, HAND).gray),
      new Set([(77 * 200 + 150 * 100 + 29 * 50 + 128) >> 8]),
    );
  });

  it("is black where the region leaves the photograph", () => {
    const { gray } = cutPalm(
      photograph(() => 200),
      landmarksOf([0, 400], [0, 200]),
    );
    assert.equal(gray[REGION_SIDE * 96 + 5], 0);
    assert.equal(gray[REGION_SIDE * 96 + 190], 200);
  });
});
