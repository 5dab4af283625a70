import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  capacityOf,
  currentGrants,
  freeAt,
  freeTokens,
  type Grant,
  giveBack,
} from "../../../functions/src/domain/budget/budget.ts";

const someGrants = fc.array(
  fc.record({ until: fc.integer({ min: 0, max: 100 }), tokens: fc.integer({ min: 1, max: 5 }) }),
);

describe("A budget", () => {
  it("is laid out on shards that hold the limit together, none two tokens more than another", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 50 }), (limit, shards) => {
        const policy = { name: "any", limit, shards, window_ms: 60_000, lease_ms: 0 };
        const capacities = Array.from({ length: shards }, (_, shard) => capacityOf(policy, shard));
        assert.equal(
          capacities.reduce((sum, capacity) => sum + capacity, 0),
          limit,
        );
        assert.ok(Math.max(...capacities) - Math.min(...capacities) <= 1);
      }),
    );
  });

  it("counts a grant until it ends, and no longer", () => {
    const grants = [{ until: 10, tokens: 3 }];
    assert.equal(freeTokens(grants, 5, 9), 2);
    assert.equal(freeTokens(grants, 5, 10), 5);
    assert.deepEqual(currentGrants(grants, 9), grants);
    assert.deepEqual(currentGrants(grants, 10), []);
  });

  it("knows to the millisecond when a token is free, in whatever order the grants are", () => {
    fc.assert(
      fc.property(someGrants, fc.integer({ min: 1, max: 20 }), fc.nat(100), (grants, capacity, at) => {
        const first = Array.from({ length: 102 }, (_, i) => at + i).find(
          (time) => freeTokens(grants, capacity, time) > 0,
        );
        assert.equal(freeAt(grants, capacity, at), first);
      }),
    );
  });

  it("never has a token free that has none", () => {
    assert.equal(freeAt([{ until: 10, tokens: 1 }], 0, 5), Number.POSITIVE_INFINITY);
  });

  it("takes unused tokens back once, from the grant as it was taken", () => {
    const taken: Grant = { until: 10, tokens: 4 };
    const other: Grant = { until: 10, tokens: 5 };
    const back = giveBack([other, taken], taken, 3);
    assert.deepEqual(back, [other, { until: 10, tokens: 1 }]);
    assert.deepEqual(giveBack(back, taken, 3), back);
    assert.deepEqual(giveBack([taken], taken, 4), []);
  });
});
