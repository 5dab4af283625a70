import assert from "node:assert/strict";
import fc from "fast-check";
import { type Candidate, decide } from "../../../functions/src/palm/index.ts";

const policy = { threshold: 0.7, margin: 0.05 };
const row = (score: number, member_id: string | null, palm_id = `${member_id}-palm`): Candidate => ({
  palm_id,
  project_id: "p",
  member_id,
  hand: "left",
  score,
});
const nobody = { outcome: "no_match", candidate: null };

describe("decide", () => {
  it("identifies the best from the threshold on", () => {
    assert.deepEqual(decide([row(0.7, "a"), row(0.5, "b")], policy), {
      outcome: "identified",
      candidate: row(0.7, "a"),
    });
    assert.deepEqual(decide([row(0.6999, "a"), row(0.5, "b")], policy), nobody);
    assert.deepEqual(decide([row(0.9, "a")], policy), { outcome: "identified", candidate: row(0.9, "a") });
    assert.deepEqual(decide([], policy), nobody);
  });

  it("wants the second member behind by the margin", () => {
    assert.deepEqual(decide([row(0.8, "a"), row(0.76, "b")], policy), nobody);
    assert.equal(decide([row(0.8, "a"), row(0.75, "b")], policy).outcome, "identified");
    assert.equal(
      decide([row(0.8, "a"), row(0.7, "b")], { threshold: 0.7, margin: 0.1 }).outcome,
      "identified",
    );
    assert.equal(
      decide([row(0.7, "a"), row(0.6, "b")], { threshold: 0.7, margin: 0.1 }).outcome,
      "identified",
    );
  });

  it("does not hold a member's other palms against it", () => {
    const candidates = [row(0.8, "a", "left"), row(0.79, "a", "right"), row(0.6, "b")];
    assert.deepEqual(decide(candidates, policy), { outcome: "identified", candidate: row(0.8, "a", "left") });
    assert.deepEqual(decide([...candidates, row(0.78, "b")], policy), nobody);
  });

  it("takes palms without a member for different people", () => {
    assert.deepEqual(decide([row(0.8, null, "x"), row(0.79, null, "y")], policy), nobody);
    assert.deepEqual(
      decide([row(0.8, null, "x"), row(0.6, null, "y")], policy).candidate,
      row(0.8, null, "x"),
    );
    assert.deepEqual(decide([row(0.8, "a", "x"), row(0.79, null, "y")], policy), nobody);
  });

  it("never identifies on a draw or without a number", () => {
    assert.deepEqual(decide([row(0.8, "a"), row(0.8, "b")], { threshold: 0.7, margin: 0 }), nobody);
    assert.deepEqual(decide([row(Number.NaN, "a")], policy), nobody);
    assert.deepEqual(decide([row(0.8, "a"), row(Number.NaN, "b")], policy), nobody);
  });

  it("gives one answer whatever the order of the candidates", () => {
    const candidate = fc.record({
      score: fc.double({ min: 0.6, max: 1, noNaN: true }),
      member: fc.constantFrom("a", "b", "c", null),
      palm: fc.uuid(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(candidate, { selector: ({ score }) => score, maxLength: 8 }), (found) => {
        const rows = found.map(({ score, member, palm }) => row(score, member, palm));
        const sorted = rows.toSorted((a, b) => b.score - a.score);
        assert.deepEqual(decide(rows, policy), decide(sorted, policy));
      }),
    );
  });
});
