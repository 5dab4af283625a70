import assert from "node:assert/strict";
import {
  decide,
  Gallery,
  MARGIN,
  minVotes,
  PALM_CODE,
  type ProbeKind,
  searchThreshold,
  TARGET_FPIR,
  VECTOR_512,
} from "../../../functions/src/palm/index.ts";
import { scoreAt } from "../../../functions/src/palm/policy.ts";
import { floatBytes, syntheticVector } from "../../support/vectors.ts";

const threshold = (gallery_size: number, target_fpir = TARGET_FPIR, probe: ProbeKind = "single") =>
  searchThreshold({ format: PALM_CODE, probe, target_fpir, gallery_size });

describe("searchThreshold of palm codes", () => {
  it("is the score that one of so many strangers reaches, rounded up to two digits", () => {
    assert.deepEqual(
      [100, 1000, 10_000, 100_000, 1_000_000].map((size) => threshold(size)),
      [0.74, 0.76, 0.77, 0.79, 0.81],
    );
    assert.deepEqual(
      [100, 1000, 10_000].map((size) => threshold(size, TARGET_FPIR, "fused")),
      [0.75, 0.77, 0.79],
    );
  });

  it("never falls as the gallery or the demand grows", () => {
    for (let log10 = 0; log10 < 9; log10 += 0.25) {
      assert.ok(threshold(10 ** (log10 + 0.25)) >= threshold(10 ** log10));
    }
    assert.ok(threshold(1000, 1e-4) > threshold(1000, 1e-3));
    assert.ok(threshold(1000, 1e-2) < threshold(1000, 1e-3));
    assert.equal(threshold(1e100), 1);
  });

  it("gives ten times the palms the threshold of a tenth of the false positives", () => {
    assert.equal(threshold(10_000, 1e-3), threshold(1000, 1e-4));
  });

  it("is at least 0.72 among 30 palms or fewer, those of a claim and the others together", () => {
    assert.deepEqual([threshold(0), threshold(1), threshold(5)], [0.72, 0.72, 0.72]);
    const claim = { format: PALM_CODE, probe: "single", target_fpir: TARGET_FPIR, gallery_size: 1 } as const;
    assert.equal(searchThreshold({ ...claim, compared: 30 }), 0.72);
    assert.equal(searchThreshold({ ...claim, compared: 31 }), 0.7);
  });

  it("follows the tail of a calibrated environment", () => {
    const tail = { scores: [0.6, 0.62, 0.65, 0.66, 0.67], slope: 0.01 };
    const tails = { single: tail, fused: tail };
    const of = (gallery_size: number) =>
      searchThreshold({ format: PALM_CODE, probe: "single", target_fpir: 1e-3, gallery_size, tails });
    assert.deepEqual([of(100), of(1000), of(1_000_000)], [0.67, 0.68, 0.71]);
  });
});

describe("scoreAt", () => {
  const tail = { scores: [0.5, 0.6, 0.65], slope: 0.02 };
  it("interpolates between powers of ten and continues with the slope on both sides", () => {
    const near = (decades: number, expected: number) =>
      assert.ok(Math.abs(scoreAt(tail, decades) - expected) < 1e-12, `${decades}`);
    near(1, 0.5);
    near(1.5, 0.55);
    near(3, 0.65);
    near(5, 0.69);
    near(0, 0.4);
  });
});

describe("minVotes", () => {
  it("demands more of a probe among few palms, and less of fused samples", () => {
    assert.deepEqual(
      [minVotes("single"), minVotes("single", 31), minVotes("single", 30), minVotes("single", 0)],
      [850, 850, 900, 900],
    );
    assert.deepEqual([minVotes("fused", 31), minVotes("fused", 30)], [700, 750]);
  });
});

describe("searchThreshold of vectors", () => {
  const vectors = (gallery_size: number, probe: ProbeKind = "single", target_fpir = TARGET_FPIR) =>
    searchThreshold({ format: VECTOR_512, probe, target_fpir, gallery_size });

  it("is the normal tail with a standard deviation of 0.1, plus 0.02", () => {
    // P(z > 3.0902) = 1e-3, P(z > 4.7534) = 1e-6, P(z > 5.9978) = 1e-9
    assert.deepEqual([vectors(1), vectors(1e3), vectors(1e6)], [0.33, 0.5, 0.62]);
  });

  it("rises with the gallery up to 1, and is the same for fused probes", () => {
    for (let log10 = 0; log10 < 7; log10 += 0.5) {
      assert.ok(vectors(10 ** (log10 + 0.5)) > vectors(10 ** log10));
      assert.equal(vectors(10 ** log10, "fused"), vectors(10 ** log10));
    }
    assert.equal(vectors(1e30), 1);
  });

  it("identifies mates and no strangers among 200 palms", () => {
    const gallery = new Gallery({ format: VECTOR_512, rotation: Uint8Array.of(1, 2, 3) });
    const wire = (seed: number, sample: number) => floatBytes(syntheticVector({ seed, sample }));
    for (let seed = 0; seed < 200; seed++) {
      gallery.add({
        palm_id: `${seed}`,
        project_id: null,
        member_id: null,
        hand: "left",
        template: wire(seed, 0),
      });
    }
    const policy = { threshold: vectors(gallery.size), margin: MARGIN };
    for (let seed = 0; seed < 50; seed++) {
      assert.equal(decide(gallery.search(wire(seed, 1)), policy).candidate?.palm_id, `${seed}`);
      assert.equal(decide(gallery.search(wire(seed + 1000, 1)), policy).outcome, "no_match");
    }
  });
});
