import assert from "node:assert/strict";
import { readHandModels } from "../../../../functions/src/data/extraction/handModels.ts";
import { openHandFinder } from "../../../../functions/src/palm/hand/index.ts";
import { areStable, fingerLengths, isHand } from "../../../../functions/src/palm/hand/isHand.ts";
import { openNetwork } from "../../../../functions/src/palm/hand/network.ts";
import type { Point } from "../../../../functions/src/palm/hand/picture.ts";
import { typescriptKernels } from "../../../../functions/src/palm/hand/typescriptKernels.ts";
import { wasmKernels } from "../../../../functions/src/palm/hand/wasmKernels.ts";
import { newChance } from "../../../support/chance.ts";

const models = readHandModels();

/** Landmarks with a palm of 100 px and fingers of the given lengths in palm lengths. */
function landmarksOf(fingers: readonly number[]): Point[] {
  const points: Point[] = Array.from({ length: 21 }, () => [0, 0]);
  fingers.forEach((length, i) => {
    points[5 + 4 * i] = [0, -100];
    points[8 + 4 * i] = [0, -100 - 100 * length];
  });
  return points;
}

describe("openHandFinder", () => {
  const finder = openHandFinder(models);

  it("finds no hand in pictures of one color and in noise", () => {
    const chance = newChance(1);
    for (const paint of [() => 0, () => 128, () => 255, () => Math.floor(256 * chance())]) {
      const rgb = Uint8Array.from({ length: 3 * 320 * 240 }, paint);
      assert.equal(finder.find({ width: 320, height: 240, rgb }), undefined);
    }
  });

  it("finds no hand in a picture of one pixel", () => {
    assert.equal(finder.find({ width: 1, height: 1, rgb: new Uint8Array(3) }), undefined);
  });

  it("refuses a picture whose size differs from its sides", () => {
    assert.throws(() => finder.find({ width: 9, height: 9, rgb: new Uint8Array(9) }), {
      name: "PalmError",
      code: "invalid_image",
    });
  });

  it("needs at most 20 MB of memory", () => {
    assert.ok(finder.memoryBytes < 20e6, `${finder.memoryBytes}`);
  });

  it("refuses damaged models", () => {
    const damaged = models.palmDetection.subarray(0, 1_000_000);
    assert.throws(() => openHandFinder({ ...models, palmDetection: damaged }), { name: "ModelError" });
    assert.throws(() => openHandFinder({ ...models, palmDetection: models.handLandmarks }), {
      name: "ModelError",
    });
  });
});

describe("A network", () => {
  for (const [name, bytes] of Object.entries(models)) {
    it(`gives the same bits in WebAssembly and in TypeScript: ${name}`, () => {
      const chance = newChance(3);
      const [wasm, typescript] = [wasmKernels, typescriptKernels].map((create) => openNetwork(bytes, create));
      assert.ok(wasm && typescript);
      const input = Float32Array.from(
        { length: wasm.inputFloats },
        (_, i) => (chance() + (i % 301) / 301) / 2,
      );
      const bits = (outputs: Float32Array[]) =>
        outputs.map(({ buffer }) => Buffer.from(buffer as ArrayBuffer));
      const expected = bits(typescript.run(input));
      assert.deepEqual(bits(wasm.run(input)), expected);
      // The second run uses memory that the first has left.
      assert.deepEqual(bits(wasm.run(input)), expected);
    });
  }

  it("refuses an input of another size", () => {
    assert.throws(() => openNetwork(models.handLandmarks, wasmKernels).run(new Float32Array(10)), RangeError);
  });
});

describe("isHand", () => {
  const landmarks = landmarksOf([0.9, 0.95, 0.8, 0.3]);

  it("accepts three long fingers and refuses two", () => {
    assert.equal(isHand({ presence: 0.9, handedness: 1, landmarks }), true);
    const toes = landmarksOf([0.9, 0.95, 0.2, 0.3]);
    assert.equal(isHand({ presence: 0.9, handedness: 1, landmarks: toes }), false);
  });

  it("refuses fingers that are longer than a hand's", () => {
    assert.equal(
      isHand({ presence: 0.9, handedness: 1, landmarks: landmarksOf([2.5, 2.9, 2.8, 0.9]) }),
      false,
    );
  });

  it("needs two passes to agree within a tenth of the palm's length", () => {
    const shifted = (by: number) => landmarks.map(([x, y]): Point => [x + by, y]);
    assert.equal(areStable(shifted(9), landmarks), true);
    assert.equal(areStable(shifted(11), landmarks), false);
  });

  it("refuses landmarks that the model is not sure of", () => {
    assert.equal(isHand({ presence: 0.5, handedness: 1, landmarks }), false);
  });

  it("measures fingers in palm lengths", () => {
    const lengths = fingerLengths(landmarks).map((length) => length.toFixed(2));
    assert.deepEqual(lengths, ["0.90", "0.95", "0.80", "0.30"]);
  });
});
