import assert from "node:assert/strict";
import fc from "fast-check";
import { planMemory } from "../../../../functions/src/palm/hand/memoryPlan.ts";

const blocks = fc.array(
  fc.record({ floats: fc.integer({ min: 0, max: 50 }), from: fc.nat(20), steps: fc.nat(8) }),
  { maxLength: 30 },
);

describe("planMemory", () => {
  it("never overlaps two blocks that are needed at the same step", () => {
    fc.assert(
      fc.property(blocks, (drawn) => {
        const list = drawn.map(({ floats, from, steps }) => ({ floats, from, to: from + steps }));
        const { places, floats } = planMemory(list);
        list.forEach((a, i) => {
          const start = places[i] as number;
          assert.equal(start % 4, 0);
          assert.ok(start + a.floats <= floats);
          list.slice(0, i).forEach((b, j) => {
            if (a.to < b.from || b.to < a.from) return;
            const other = places[j] as number;
            assert.ok(start + a.floats <= other || other + b.floats <= start);
          });
        });
      }),
    );
  });

  it("gives blocks that are needed at different steps the same place", () => {
    const { places, floats } = planMemory([
      { floats: 100, from: 0, to: 1 },
      { floats: 60, from: 1, to: 2 },
      { floats: 100, from: 2, to: 3 },
    ]);
    assert.deepEqual(places, [0, 100, 0]);
    assert.equal(floats, 160);
  });
});
