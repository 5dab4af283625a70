import assert from "node:assert/strict";
import { estimate, estimateRatios } from "../../bench/api/compare.ts";
import { newChance } from "../support/chance.ts";

describe("Intervals of measured times", () => {
  it("gives percentiles as they were measured, and those at the ranks around them", () => {
    const numbers = Array.from({ length: 2000 }, (_, n) => 2000 - n);
    // 1980 of 2,000 ± 1.96 √(2000 × 0.99 × 0.01) ranks.
    assert.deepEqual(estimate(numbers, 99), { value: 1980, from: 1972, to: 1989 });
    assert.deepEqual(estimate(numbers, 50), { value: 1000, from: 957, to: 1044 });
  });

  it("holds the true percentile about 95 times of 100", () => {
    const chance = newChance(7);
    const draws = Array.from({ length: 400 }, () => estimate(Array.from({ length: 500 }, chance), 95));
    const held = draws.filter(({ from, to }) => from <= 0.95 && 0.95 <= to).length;
    assert.ok(held > 360 && held < 395, `${held} of 400`);
  });

  it("sees a ratio through the noise that both sides of a pair share", () => {
    const chance = newChance(3);
    const busy = Array.from({ length: 1000 }, (_, n) => (n % 200 < 20 ? 10 : 1));
    const floor = busy.map((times) => times * (1 + 0.1 * chance()));
    const [p50, p95] = estimateRatios(
      floor.map((ms) => 1.2 * ms),
      floor,
      [50, 95],
    );
    for (const ratio of [p50, p95]) {
      assert.ok(ratio);
      for (const figure of Object.values(ratio)) assert.ok(Math.abs(figure - 1.2) < 1e-9, `${figure}`);
    }
  });
});
