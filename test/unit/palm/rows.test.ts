import assert from "node:assert/strict";
import { extractTemplate, PALM_CODE, VECTOR_512 } from "../../../functions/src/palm/index.ts";
import { Plane, ROWS } from "../../../functions/src/palm/rows.ts";
import { syntheticPalm } from "../../support/palms.ts";
import { floatBytes, syntheticVector } from "../../support/vectors.ts";

const TEMPLATES = {
  [PALM_CODE]: extractTemplate(syntheticPalm({ seed: 1 }), { hand: "left" }).template,
  [VECTOR_512]: floatBytes(syntheticVector({ seed: 1 })),
};

const OTHERS = {
  [PALM_CODE]: extractTemplate(syntheticPalm({ seed: 2 }), { hand: "left" }).template,
  [VECTOR_512]: floatBytes(syntheticVector({ seed: 2 })),
};

describe("Plane", () => {
  it("grows, copies and clears rows without touching others", () => {
    const plane = new Plane(2, (length) => new Int32Array(length));
    const rows = Array.from({ length: 100 }, (_, i) => [i, i + 1000]);
    rows.forEach((numbers, row) => {
      plane.put(row, numbers);
    });
    plane.copy(99, 3);
    plane.clear(99);
    rows[3] = [99, 1099];
    rows[99] = [0, 0];
    assert.deepEqual([...plane.numbers.subarray(0, 200)], rows.flat());
    assert.ok(plane.numbers.length >= 200 && plane.numbers.length <= 400);
  });
});

for (const format of [PALM_CODE, VECTOR_512] as const) {
  describe(`rows of ${format}`, () => {
    it("leave nothing but zeros of a template once cleared", () => {
      const rows = ROWS[format](Uint8Array.of(1));
      for (let row = 0; row < 6; row++) rows.put(row, TEMPLATES[format]);
      for (const plane of rows.planes) assert.ok(plane.numbers.some((number) => number !== 0));
      for (const plane of rows.planes) for (let row = 0; row < 6; row++) plane.clear(row);
      for (const plane of rows.planes) assert.ok(plane.numbers.every((number) => number === 0));
    });

    it("score a row by what was put there last", () => {
      const rows = ROWS[format](Uint8Array.of(1));
      for (let row = 0; row < 200; row++) rows.put(row, OTHERS[format]);
      rows.put(150, TEMPLATES[format]);
      const { score, bestScore } = rows.prepare(OTHERS[format], [TEMPLATES[format]]);
      const own = rows.prepare(TEMPLATES[format], []);
      for (let row = 0; row < 200; row++) {
        assert.equal(own.score(row) > 0.999, row === 150);
        assert.equal(score(row) > 0.999, row !== 150);
        // Vectors have no poses.
        if (format === PALM_CODE) assert.ok(bestScore(row) > 0.999);
        else assert.equal(bestScore(row), score(row));
      }
    });
  });
}
