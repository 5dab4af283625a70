import assert from "node:assert/strict";
import { cosineAndSine, sigmoid } from "../../../../functions/src/palm/hand/arithmetic.ts";

describe("sigmoid", () => {
  it("is the logistic function to 15 digits", () => {
    for (let x = -39.5; x < 40; x += 0.37) {
      const expected = 1 / (1 + Math.exp(-x));
      assert.ok(Math.abs(sigmoid(x) / expected - 1) < 1e-15, `${sigmoid(x)} at ${x} is not ${expected}`);
    }
  });

  it("stays within 0..1 for any number, and keeps NaN", () => {
    assert.equal(sigmoid(0), 0.5);
    assert.equal(sigmoid(1e30), 1);
    assert.ok(sigmoid(-Infinity) > 0 && sigmoid(-Infinity) < 1e-17);
    assert.ok(Number.isNaN(sigmoid(Number.NaN)));
  });
});

describe("cosineAndSine", () => {
  it("is cosine and sine to 15 digits from −90° to 90°", () => {
    for (let degrees = -90; degrees <= 90; degrees += 0.7) {
      const [cosine, sine] = cosineAndSine(degrees);
      assert.ok(Math.abs(cosine - Math.cos((degrees * Math.PI) / 180)) < 1e-15);
      assert.ok(Math.abs(sine - Math.sin((degrees * Math.PI) / 180)) < 1e-15);
    }
    assert.deepEqual(cosineAndSine(0), [1, 0]);
  });
});
