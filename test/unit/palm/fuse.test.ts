import assert from "node:assert/strict";
import {
  decodeTemplate,
  encodeTemplate,
  type Hand,
  packCells,
  unpackCells,
} from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  fuseTemplates,
  PalmError,
  readTemplate,
} from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";

const template = (seed: number, sample: number, hand: Hand = "left") =>
  extractTemplate(syntheticPalm({ seed, sample }), { hand }).template;

function mismatch(samples: Uint8Array[]): void {
  assert.throws(
    () => fuseTemplates(samples),
    (error) => error instanceof PalmError && error.code === "template_mismatch",
  );
}

describe("fuseTemplates", () => {
  it("gives one sample back as it came", () => {
    const sample = template(1, 0);
    assert.deepEqual(fuseTemplates([sample]).template, sample);
  });

  it("counts the samples and averages their quality", () => {
    const samples = [0, 1, 2].map((sample) => template(1, sample));
    const { template: fused, quality } = fuseTemplates(samples);
    const mean = samples.reduce((total, bytes) => total + readTemplate(bytes).quality, 0) / 3;
    assert.deepEqual(readTemplate(fused), {
      format: "palm-code.v1",
      hand: "left",
      quality: Math.round(mean),
      samples: 3,
    });
    assert.equal(quality, Math.round(mean));
    assert.equal(readTemplate(fuseTemplates([fused, template(1, 3)]).template).samples, 4);
  });

  it("is nearer to a later session than its samples are, over many palms", () => {
    let [fusedTotal, singleTotal, worse] = [0, 0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const samples = [0, 1, 2].map((sample) => template(seed, sample));
      const probe = template(seed, 4);
      const single = samples.reduce((total, sample) => total + compareTemplates(sample, probe), 0) / 3;
      const fused = compareTemplates(fuseTemplates(samples).template, probe);
      fusedTotal += fused;
      singleTotal += single;
      if (fused < single) worse++;
    }
    assert.ok(fusedTotal > singleTotal + 20 * 0.01);
    assert.ok(worse <= 2);
  });

  it("lays shifted samples on one another", () => {
    const cells = unpackCells(decodeTemplate(template(1, 0)).planes);
    const moved = cells.map((_, i) => ((i & 31) < 2 ? 255 : (cells[i - 2] as number)));
    const shifted = encodeTemplate({ hand: "left", quality: 80, samples: 1, planes: packCells(moved) });
    const { template: fused } = fuseTemplates([template(1, 0), shifted, shifted]);
    assert.equal(compareTemplates(fused, shifted), 1);
    assert.equal(compareTemplates(fused, template(1, 0)), 1);
  });

  it("takes the known hand, and refuses two", () => {
    assert.equal(
      readTemplate(fuseTemplates([template(1, 0, "unknown"), template(1, 1, "right")]).template).hand,
      "right",
    );
    assert.equal(
      readTemplate(fuseTemplates([template(1, 0, "unknown"), template(1, 1, "unknown")]).template).hand,
      "unknown",
    );
    mismatch([template(1, 0, "left"), template(1, 1, "right")]);
  });

  it("refuses samples of two palms, and any number but 1 to 5", () => {
    for (let seed = 1; seed <= 20; seed++)
      mismatch([template(seed, 0), template(seed, 1), template(seed + 100, 2)]);
    mismatch([]);
    mismatch(Array<Uint8Array>(6).fill(template(1, 0)));
    assert.equal(readTemplate(fuseTemplates(Array<Uint8Array>(5).fill(template(1, 0))).template).samples, 5);
  });

  it("refuses broken bytes", () => {
    const broken = template(1, 0).with(50, 1).with(51, 2);
    assert.throws(
      () => fuseTemplates([template(1, 1), broken]),
      (error) => error instanceof PalmError && error.code === "invalid_template",
    );
  });
});
