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
  Gallery,
  PalmError,
  readTemplate,
  VECTOR_512,
} from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";
import { floatBytes, int8Bytes, syntheticVector } from "../../support/vectors.ts";

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
    const mean = samples.reduce((total, bytes) => total + (readTemplate(bytes).quality ?? 0), 0) / 3;
    const { votes: _, ...facts } = readTemplate(fused);
    assert.deepEqual(facts, {
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
    for (let seed = 12; seed <= 31; seed++) {
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

describe("fuseTemplates of vectors", () => {
  const wire = (seed: number, sample: number) => floatBytes(syntheticVector({ seed, sample }));

  it("gives the normalised mean of the unit vectors as float32, of no quality", () => {
    const vectors = [0, 1, 2].map((sample) => syntheticVector({ seed: 1, sample }));
    const units = vectors.map((vector) => vector.map((x) => x / Math.hypot(...vector)));
    const sum = new Float64Array(512).map((_, i) => units.reduce((total, unit) => total + (unit[i] ?? 0), 0));
    // However long they are, samples count alike.
    const samples = vectors.map((vector, i) => floatBytes(vector.map((x) => x * 10 ** (15 * i))));
    const { template: fused, quality } = fuseTemplates(samples);
    assert.equal(quality, null);
    assert.equal(fused.length, 2048);
    const view = new DataView(fused.buffer);
    const numbers = Float64Array.from({ length: 512 }, (_, i) => view.getFloat32(4 * i, true));
    assert.ok(Math.abs(Math.hypot(...numbers) - 1) < 1e-6);
    const length = Math.hypot(...sum);
    assert.ok(numbers.every((x, i) => Math.abs(x - (sum[i] ?? 0) / length) < 1e-7));
    assert.deepEqual(readTemplate(fused), {
      format: VECTOR_512,
      hand: "unknown",
      quality: null,
      samples: 1,
      votes: null,
    });
  });

  it("takes one sample, and int8 among float32", () => {
    assert.ok(compareTemplates(fuseTemplates([wire(1, 0)]).template, wire(1, 0)) > 1 - 1e-12);
    const { template: fused } = fuseTemplates([
      wire(1, 0),
      int8Bytes(syntheticVector({ seed: 1, sample: 1 })),
    ]);
    assert.ok(compareTemplates(fused, wire(1, 2)) > compareTemplates(wire(1, 0), wire(1, 2)));
  });

  it("refuses samples of two palms, unlike formats, broken ones, and any number but 1 to 5", () => {
    for (let seed = 1; seed <= 20; seed++) mismatch([wire(seed, 0), wire(seed, 1), wire(seed + 100, 2)]);
    mismatch([wire(1, 0), wire(1, 1), floatBytes(syntheticVector({ seed: 1 }).map((x) => -x))]);
    mismatch([wire(1, 0), template(1, 0)]);
    mismatch([template(1, 0), wire(1, 0)]);
    mismatch([]);
    mismatch(Array<Uint8Array>(6).fill(wire(1, 0)));
    assert.equal(fuseTemplates(Array<Uint8Array>(5).fill(wire(1, 0))).template.length, 2048);
    const stored = new Gallery({ format: VECTOR_512 }).protect({
      template: wire(1, 0),
      hand: "left",
      samples: 1,
    });
    for (const broken of [new Uint8Array(512), stored]) {
      assert.throws(
        () => fuseTemplates([wire(1, 1), broken]),
        (error) => error instanceof PalmError && error.code === "invalid_template",
      );
    }
  });

  it("wants the samples as like as one pair of strangers in four hundred", () => {
    const axis = (cosine: number) =>
      floatBytes(new Float64Array(512).with(0, cosine).with(1, Math.sqrt(1 - cosine * cosine)));
    assert.equal(fuseTemplates([axis(1), axis(0.29)]).quality, null);
    mismatch([axis(1), axis(0.27)]);
  });
});
