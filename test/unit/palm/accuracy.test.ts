import assert from "node:assert/strict";
import {
  codeMatcher,
  equalErrorRate,
  fnmrAt,
  pairScores,
  pooledHistogramMatcher,
  type Scores,
} from "../../../bench/accuracy.ts";
import { decodeTemplate, type Planes } from "../../../functions/src/palm/codec.ts";
import { extractTemplate } from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";

describe("the palm code on 60 synthetic palms × 4", () => {
  let palms: Planes[][] = [];
  let code: Scores;

  before(() => {
    const extract = (seed: number, sample: number) =>
      decodeTemplate(extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template).planes;
    palms = Array.from({ length: 60 }, (_, i) => [0, 1, 2, 3].map((sample) => extract(i + 1, sample)));
    code = pairScores(palms, codeMatcher(3, 1));
  });

  it("has an equal error rate of at most 1 %", () => {
    assert.equal(code.genuine.length, 360);
    assert.equal(code.impostor.length, 1770);
    assert.ok(equalErrorRate(code) <= 0.01);
  });

  it("beats itself without alignment, and a pooled histogram, ten times over", () => {
    const unaligned = pairScores(palms, codeMatcher(0, 0));
    const pooled = pairScores(palms, pooledHistogramMatcher());
    assert.ok(equalErrorRate(unaligned) > 0.05, "palms are hard enough to show a bad extractor");
    for (const other of [unaligned, pooled]) assert.ok(fnmrAt(other, 1e-3) > 10 * fnmrAt(code, 1e-3));
  });

  it("gains from every alignment step", () => {
    const rigid = equalErrorRate(pairScores(palms, codeMatcher(3, 0)));
    assert.ok(equalErrorRate(code) < rigid && rigid < equalErrorRate(pairScores(palms, codeMatcher(0, 0))));
  });
});
