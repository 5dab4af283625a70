import assert from "node:assert/strict";
import { MARGIN, PALM_CODE, TARGET_FPIR, uncalibratedThreshold } from "../../../functions/src/palm/index.ts";

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
