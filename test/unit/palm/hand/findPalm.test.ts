import assert from "node:assert/strict";
import { findPalm, type HandFinder, type Point } from "../../../../functions/src/palm/hand/index.ts";

/** Landmarks of an upright hand in the middle of a picture of 480 × 640 px. */
const landmarks = Array.from({ length: 21 }, (_, i): Point => [240 + 10 * (i % 4), i === 0 ? 500 : 300]);
const photo = { width: 480, height: 640, rgb: new Uint8Array(480 * 640 * 3).fill(99) };

/** A finder that sees a right hand as certainly as it is told. */
const seeing = (handedness: number | undefined): HandFinder => ({
  memoryBytes: 0,
  find: () => (handedness === undefined ? undefined : { presence: 1, handedness, landmarks }),
});

describe("findPalm", () => {
  for (const [handedness, seen] of [
    [0.8, "right"],
    [0.79, "unknown"],
    [0.21, "unknown"],
    [0.2, "left"],
  ] as const) {
    it(`sees ${seen === "unknown" ? "no certain" : `the ${seen}`} hand at a handedness of ${handedness}`, () => {
      const { hand, region } = findPalm(photo, { finder: seeing(handedness), said: "unknown" });
      assert.equal(hand, seen);
      assert.deepEqual([region.width, region.height], [192, 192]);
    });
  }

  it("trusts what is said where it is not certain, and refuses the other hand where it is", () => {
    for (const said of ["left", "right"] as const) {
      assert.equal(findPalm(photo, { finder: seeing(0.5), said }).hand, said);
      const own = said === "right" ? 0.85 : 0.15;
      assert.equal(findPalm(photo, { finder: seeing(own), said }).hand, said);
      assert.throws(() => findPalm(photo, { finder: seeing(1 - own), said }), { code: "hand_mismatch" });
    }
  });

  it("refuses a photograph without a hand", () => {
    assert.throws(() => findPalm(photo, { finder: seeing(undefined), said: "left" }), { code: "no_hand" });
  });
});
