import assert from "node:assert/strict";
import { equalErrorRate, fnmrAt, type Scores, sorted } from "../../../bench/accuracy/rates.ts";
import { codeMatcher, type Matcher, pooledHistogramMatcher } from "../../../bench/accuracy/synthetic.ts";
import { decodeTemplate, type Planes } from "../../../functions/src/palm/codec.ts";
import { extractTemplate, fuseTemplates } from "../../../functions/src/palm/index.ts";
import { REACH } from "../../../functions/src/palm/match.ts";
import { syntheticPalm } from "../../support/palms.ts";

describe("the palm code on 60 synthetic palms, three samples enrolled and two searched", () => {
  let palms: { enrolled: Planes; probes: Planes[] }[] = [];
  let code: Scores;

  before(() => {
    const extract = (seed: number, sample: number) =>
      extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template;
    const planes = (template: Uint8Array) => decodeTemplate(template).planes;
    palms = Array.from({ length: 60 }, (_, i) => ({
      enrolled: planes(fuseTemplates([0, 1, 2].map((sample) => extract(141 + i, sample))).template),
      probes: [3, 4].map((sample) => planes(extract(141 + i, sample))),
    }));
    code = scoresOf(codeMatcher(REACH, 1));
  });

  /** Every probe against every enrolled palm. */
  function scoresOf(matcher: Matcher): Scores {
    const mated: number[] = [];
    const nonMated: number[] = [];
    palms.forEach(({ probes }, i) => {
      for (const score of probes.map(matcher)) {
        palms.forEach(({ enrolled }, j) => {
          (i === j ? mated : nonMated).push(score(enrolled));
        });
      }
    });
    return { mated: sorted(mated), nonMated: sorted(nonMated) };
  }

  it("has an equal error rate of at most 1 %", () => {
    assert.equal(code.mated.length, 120);
    assert.equal(code.nonMated.length, 7080);
    assert.ok(equalErrorRate(code) <= 0.01);
  });

  it("beats itself without alignment, and a pooled histogram, ten times over", () => {
    const unaligned = scoresOf(codeMatcher(0, 0));
    const pooled = scoresOf(pooledHistogramMatcher());
    assert.ok(equalErrorRate(unaligned) > 0.05, "palms are hard enough to show a bad extractor");
    for (const other of [unaligned, pooled]) assert.ok(fnmrAt(other, 1e-3) > 10 * fnmrAt(code, 1e-3));
  });

  it("gains from every alignment step", () => {
    const rigid = equalErrorRate(scoresOf(codeMatcher(REACH, 0)));
    assert.ok(equalErrorRate(code) < rigid && rigid < equalErrorRate(scoresOf(codeMatcher(0, 0))));
  });
});
