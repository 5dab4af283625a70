import assert from "node:assert/strict";
import {
  decide,
  Gallery,
  MARGIN,
  PALM_CODE,
  TARGET_FPIR,
  uncalibratedThreshold,
  VECTOR_512,
} from "../../../functions/src/palm/index.ts";
import { floatBytes, syntheticVector } from "../../support/vectors.ts";

const threshold = (gallery_size: number, target_fpir = TARGET_FPIR) =>
  uncalibratedThreshold({ format: PALM_CODE, target_fpir, gallery_size });

describe("uncalibratedThreshold", () => {
  it("rises with the gallery and with the demand", () => {
    for (let log10 = 0; log10 < 7; log10 += 0.5)
      assert.ok(threshold(10 ** (log10 + 0.5)) > threshold(10 ** log10));
    assert.ok(threshold(1000, 1e-4) > threshold(1000, 1e-3));
    assert.ok(threshold(1000, 1e-2) < threshold(1000, 1e-3));
  });

  it("means 1e-3 unless told, and treats an empty gallery as one palm", () => {
    assert.equal(uncalibratedThreshold({ format: PALM_CODE, gallery_size: 100 }), threshold(100, 1e-3));
    assert.equal(threshold(0), threshold(1));
  });

  it("asks ten times the palms what it asks a tenth of the false positives", () => {
    assert.ok(Math.abs(threshold(10_000, 1e-3) - threshold(1000, 1e-4)) < 1e-12);
  });

  it("lies between strangers and the same palm at every size", () => {
    for (const size of [1, 10, 1e3, 1e5, 1e7, 1e12])
      assert.ok(threshold(size) > 0.6 && threshold(size) < 0.9);
    assert.ok(threshold(1, 1) > 0.5);
    assert.ok(MARGIN > 0 && MARGIN < 0.1);
  });
});

describe("uncalibratedThreshold of vectors", () => {
  const vectors = (gallery_size: number, probe: "single" | "fused" = "single", target_fpir = TARGET_FPIR) =>
    uncalibratedThreshold({ format: VECTOR_512, probe, target_fpir, gallery_size });

  it("is the normal tail with a standard deviation of 0.1, and the allowance", () => {
    // P(z > 3.0902) = 1e-3, P(z > 4.7534) = 1e-6, P(z > 5.9978) = 1e-9
    assert.ok(Math.abs(vectors(1) - 0.32902) < 1e-4);
    assert.ok(Math.abs(vectors(1e3) - 0.49534) < 1e-4);
    assert.ok(Math.abs(vectors(1e6) - 0.61978) < 1e-4);
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
