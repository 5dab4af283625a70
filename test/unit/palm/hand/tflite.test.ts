import assert from "node:assert/strict";
import { readHandModels } from "../../../../functions/src/data/extraction/handModels.ts";
import { openNetwork } from "../../../../functions/src/palm/hand/network.ts";
import { ModelError, readModel } from "../../../../functions/src/palm/hand/tflite.ts";
import { wasmKernels } from "../../../../functions/src/palm/hand/wasmKernels.ts";
import { newChance } from "../../../support/chance.ts";

const { palmDetection, handLandmarks } = readHandModels();

describe("readModel", () => {
  it("reads the tensors and operators of the hand models", () => {
    const model = readModel(palmDetection);
    assert.deepEqual(
      model.inputs.map((tensor) => model.tensors[tensor]?.shape),
      [[1, 192, 192, 3]],
    );
    assert.deepEqual(
      model.outputs.map((tensor) => model.tensors[tensor]?.shape),
      [
        [1, 2016, 18],
        [1, 2016, 1],
      ],
    );
    assert.equal(
      new Set(
        [palmDetection, handLandmarks].flatMap((bytes) => readModel(bytes).operators.map(({ code }) => code)),
      ).size,
      13,
    );
  });

  it("refuses bytes that are not a model", () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(3),
      new Uint8Array(1000),
      Buffer.from("TFL3TFL3TFL3TFL3"),
    ])
      assert.throws(() => readModel(bytes), ModelError);
  });

  it("refuses a truncated model with a clear message", () => {
    for (let share = 0; share < 1; share += 0.01) {
      const bytes = handLandmarks.subarray(0, Math.floor(share * handLandmarks.length));
      assert.throws(() => readModel(bytes), {
        name: "ModelError",
        message: /^The (model is damaged or truncated|bytes are not a TensorFlow Lite model)$/,
      });
    }
  });

  it("reads a damaged model without another error than ModelError", () => {
    const chance = newChance(1);
    const structure = handLandmarks.length - 43_000;
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from(handLandmarks);
      for (let k = 0; k < 3; k++) {
        const at = i % 2 === 0 ? Math.floor(200 * chance()) : structure + Math.floor(43_000 * chance());
        bytes[at] = Math.floor(256 * chance());
      }
      try {
        readModel(bytes);
      } catch (error) {
        assert.ok(error instanceof ModelError, `${error}`);
      }
    }
  });
});

describe("openNetwork", () => {
  it("refuses operators and options that it does not have", () => {
    const chance = newChance(2);
    let refused = 0;
    const structure = handLandmarks.length - 43_000;
    for (let i = 0; i < 40; i++) {
      const bytes = Uint8Array.from(handLandmarks);
      for (let k = 0; k < 40; k++)
        bytes[structure + Math.floor(43_000 * chance())] = Math.floor(256 * chance());
      try {
        openNetwork(bytes, wasmKernels);
      } catch (error) {
        assert.ok(error instanceof ModelError, `${error}`);
        refused++;
      }
    }
    assert.ok(refused > 0);
  });
});
