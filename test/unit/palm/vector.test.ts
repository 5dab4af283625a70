import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { decodeProtected, decodeTemplate, decodeVector } from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  Gallery,
  type Hand,
  PalmError,
  type PalmErrorCode,
  readTemplate,
  VECTOR_512,
} from "../../../functions/src/palm/index.ts";
import { cosine, dot, peakOf, quantise, rotation } from "../../../functions/src/palm/vector.ts";
import { syntheticPalm } from "../../support/palms.ts";
import { floatBytes, int8Bytes, syntheticVector } from "../../support/vectors.ts";

const SECRET = new TextEncoder().encode("a secret");
const OTHER_SECRET = new TextEncoder().encode("another");
const FACTS = { format: VECTOR_512, hand: "unknown", quality: null, samples: 1, votes: null };

function throws(code: PalmErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof PalmError && error.code === code);
}

function protect(template: Uint8Array, rotation?: Uint8Array, hand: Hand = "left", samples = 1): Uint8Array {
  return new Gallery({ format: VECTOR_512, rotation }).protect({ template, hand, samples });
}

const wire = (seed: number, sample = 0) => floatBytes(syntheticVector({ seed, sample }));
const code = extractTemplate(syntheticPalm({ seed: 1 }), { hand: "left" }).template;

/** Arbitrary directions, dense or with few axes, from numbers so that a counterexample can be read. */
const arbitraryVector = fc
  .record({ seed: fc.nat(), axes: fc.constantFrom(1, 2, 30, 512), scale: fc.constantFrom(1e-30, 1, 1e30) })
  .map(({ seed, axes, scale }) =>
    syntheticVector({ seed }).map((x, i) => (((i * 37 + seed) & 511) < axes ? x * scale : 0)),
  );

/** Cosine with its sign. */
const signedCosine = (a: Float64Array, b: Float64Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

describe("a vector on the wire", () => {
  it("is 2,048 bytes of little-endian float32 or 512 of int8, and says nothing about itself", () => {
    assert.deepEqual(readTemplate(wire(1)), FACTS);
    assert.deepEqual(readTemplate(int8Bytes(syntheticVector({ seed: 1 }))), FACTS);
    const floats = new Uint8Array(2048);
    floats.set([0, 0, 128, 63, 0, 0, 0, 192]);
    assert.deepEqual(decodeVector(floats).subarray(0, 3), Float64Array.of(1, -2, 0));
    const int8 = new Uint8Array(512);
    int8.set([1, 0xfe, 0x80, 0x7f]);
    assert.deepEqual(decodeVector(int8).subarray(0, 5), Float64Array.of(1, -2, -128, 127, 0));
  });

  it("is read wherever it lies", () => {
    const inside = new Uint8Array(2100).fill(7);
    inside.set(wire(1), 13);
    assert.deepEqual(decodeVector(inside.subarray(13, 2061)), decodeVector(wire(1)));
    inside.set(int8Bytes(syntheticVector({ seed: 1 })), 3);
    assert.deepEqual(
      decodeVector(inside.subarray(3, 515)),
      decodeVector(int8Bytes(syntheticVector({ seed: 1 }))),
    );
  });

  it("is refused with NaN, an infinity or nothing but zeros", () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (const at of [0, 255, 511]) {
        throws("invalid_template", () =>
          readTemplate(floatBytes(syntheticVector({ seed: 1 }).with(at, bad))),
        );
      }
    }
    throws("invalid_template", () => readTemplate(floatBytes(new Float64Array(512))));
    throws("invalid_template", () => readTemplate(floatBytes(new Float64Array(512).fill(-0))));
    throws("invalid_template", () => readTemplate(new Uint8Array(512)));
  });

  it("is refused at any other length, and as anything but bytes", () => {
    for (const length of [0, 1, 3, 4, 128, 511, 513, 527, 528, 1024, 2047, 2049, 4096, 1 << 20]) {
      throws("invalid_template", () => readTemplate(new Uint8Array(length).fill(1)));
    }
    for (const other of [
      undefined,
      null,
      "1".repeat(512),
      Array(512).fill(1),
      new Float32Array(512).fill(1),
    ]) {
      throws("invalid_template", () => readTemplate(other as unknown as Uint8Array));
    }
  });

  it("is refused when it begins like a template that has a header", () => {
    const int8 = int8Bytes(syntheticVector({ seed: 1 }));
    int8.set(new TextEncoder().encode("PLMT"));
    throws("invalid_template", () => readTemplate(int8));
  });

  it("may be of any magnitude that float32 has", () => {
    const scaled = (scale: number) => floatBytes(syntheticVector({ seed: 1 }).map((x) => x * scale));
    const mate = wire(1, 1);
    for (const scale of [1e38 / 3.5, 1e20, 1e-20, 1e-38]) {
      assert.ok(Math.abs(compareTemplates(scaled(scale), mate) - compareTemplates(wire(1), mate)) < 1e-6);
      assert.equal(compareTemplates(scaled(scale), scaled(scale)), 1);
    }
    const largest = floatBytes(new Float64Array(512).fill(3.4028234663852886e38));
    const least = floatBytes(new Float64Array(512).fill(1.401298464324817e-45));
    assert.equal(compareTemplates(largest, least), 1);
    for (const bytes of [largest, least]) {
      assert.deepEqual(readTemplate(bytes), FACTS);
      assert.deepEqual(decodeProtected(protect(bytes)).values, new Int8Array(512).fill(127));
      assert.equal(peakOf(decodeProtected(protect(bytes, SECRET)).values), 127);
    }
  });
});

describe("compareTemplates of vectors", () => {
  it("is max(0, cosine), symmetric, within 0..1, and 1 of a vector with itself", () => {
    fc.assert(
      fc.property(arbitraryVector, arbitraryVector, (a, b) => {
        const score = compareTemplates(floatBytes(a), floatBytes(b));
        assert.ok(Math.abs(score - Math.max(0, signedCosine(a, b))) < 1e-6);
        assert.equal(compareTemplates(floatBytes(b), floatBytes(a)), score);
        assert.ok(score >= 0 && score <= 1);
        assert.equal(compareTemplates(floatBytes(a), floatBytes(a)), 1);
        assert.equal(compareTemplates(int8Bytes(a), int8Bytes(a)), 1);
      }),
    );
    const opposite = floatBytes(syntheticVector({ seed: 1 }).map((x) => -x));
    assert.equal(compareTemplates(wire(1), opposite), 0);
  });

  it("takes float32 against int8", () => {
    const int8 = int8Bytes(syntheticVector({ seed: 1 }));
    assert.ok(compareTemplates(int8, wire(1)) > 0.9999);
    assert.equal(compareTemplates(int8, wire(1, 1)), compareTemplates(wire(1, 1), int8));
    assert.ok(Math.abs(compareTemplates(int8, wire(1, 1)) - compareTemplates(wire(1), wire(1, 1))) < 2e-3);
  });

  it("refuses broken bytes, protected vectors and palm codes", () => {
    const pairs: [PalmErrorCode, Uint8Array][] = [
      ["invalid_template", new Uint8Array(512)],
      ["invalid_template", new Uint8Array(100)],
      ["invalid_template", protect(wire(1))],
      ["template_mismatch", code],
    ];
    for (const [error, bytes] of pairs) {
      throws(error, () => compareTemplates(wire(1), bytes));
      throws(error, () => compareTemplates(bytes, wire(1)));
    }
    throws("invalid_template", () => compareTemplates(protect(wire(1)), protect(wire(1))));
    throws("template_mismatch", () => compareTemplates(code, protect(wire(1))));
  });
});

describe("the rotation", () => {
  it("leaves lengths and cosines as they are, to 7 digits and better", () => {
    const rotate = rotation(SECRET);
    fc.assert(
      fc.property(arbitraryVector, arbitraryVector, (a, b) => {
        assert.ok(Math.abs(dot(rotate(a), rotate(a)) / dot(a, a) - 1) < 1e-12);
        assert.ok(Math.abs(signedCosine(rotate(a), rotate(b)) - signedCosine(a, b)) < 1e-12);
      }),
    );
  });

  it("is linear, and spreads one component over all", () => {
    const rotate = rotation(SECRET);
    const [a, b] = [syntheticVector({ seed: 1 }), syntheticVector({ seed: 2 })];
    const sum = rotate(a.map((x, i) => 2 * x + (b[i] as number)));
    const [ra, rb] = [rotate(a), rotate(b)];
    assert.ok(sum.every((x, i) => Math.abs(x - 2 * (ra[i] as number) - (rb[i] as number)) < 1e-12));
    for (const axis of [0, 1, 100, 511]) assert.ok(peakOf(rotate(new Float64Array(512).with(axis, 1))) < 0.3);
  });

  it("leaves its input alone, and belongs to its secret, of any length", () => {
    const vector = syntheticVector({ seed: 1 });
    const before = vector.slice();
    const secrets = [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0, 0), SECRET, new Uint8Array(5000)];
    const images = secrets.map((secret) => rotation(secret)(vector));
    assert.deepEqual(vector, before);
    images.forEach((image, i) => {
      assert.deepEqual(image, rotation(secrets[i] as Uint8Array)(vector));
      for (const other of images.slice(0, i)) assert.ok(Math.abs(signedCosine(image, other)) < 0.25);
    });
  });

  it("gives the same bytes on every machine", () => {
    const hash = createHash("sha256");
    for (let seed = 0; seed < 5; seed++) hash.update(protect(wire(seed), SECRET, "right", 3));
    assert.equal(hash.digest("hex"), "a7f83592c1adc32ea95e6c1bd0c602cfe52848f4e60981bd3d4f1428d1fa57f7");
  });
});

describe("quantise", () => {
  it("brings the largest component to ±127 and errs by half a step at most", () => {
    fc.assert(
      fc.property(arbitraryVector, (vector) => {
        const values = quantise(vector);
        const step = peakOf(vector) / 127;
        assert.equal(peakOf(values), 127);
        values.forEach((value, i) => {
          assert.ok(Math.abs(value * step - (vector[i] as number)) <= step * 0.5000001);
        });
      }),
    );
  });

  it("turns rotated vectors by less than a degree, and cosines by less than 0.003", () => {
    const rotate = rotation(SECRET);
    for (let seed = 0; seed < 100; seed++) {
      const [enrolled, mate, stranger] = [
        rotate(syntheticVector({ seed })),
        rotate(syntheticVector({ seed, sample: 1 })),
        rotate(syntheticVector({ seed: seed + 1000 })),
      ];
      const row = Float64Array.from(quantise(enrolled));
      assert.ok(cosine(row, enrolled) > Math.cos(Math.PI / 180));
      for (const probe of [mate, stranger]) {
        assert.ok(Math.abs(signedCosine(probe, row) - signedCosine(probe, enrolled)) < 0.003);
      }
    }
  });
});

describe("a protected vector", () => {
  const stored = protect(wire(1), SECRET, "right", 3);

  it("is 528 bytes with hand and samples, and the rotated numbers as int8", () => {
    assert.equal(stored.length, 528);
    assert.deepEqual([...stored.subarray(0, 12)], [0x50, 0x4c, 0x4d, 0x54, 2, 1, 2, 255, 3, 0, 0, 0]);
    const rotated = rotation(SECRET)(decodeVector(wire(1)));
    const { hand, samples, values } = decodeProtected(stored);
    assert.deepEqual({ hand, samples }, { hand: "right", samples: 3 });
    assert.deepEqual(values, quantise(rotated));
    assert.ok(values.every((value, i) => value === 0 || value > 0 === (rotated[i] as number) > 0));
    assert.deepEqual(decodeProtected(protect(wire(1))).values, quantise(decodeVector(wire(1))));
    assert.equal(decodeProtected(protect(wire(1), SECRET, "unknown", 300)).samples, 255);
  });

  it("is no template to read, compare or protect again", () => {
    throws("invalid_template", () => readTemplate(stored));
    throws("invalid_template", () => protect(stored, SECRET));
    throws("invalid_template", () => new Gallery({ format: VECTOR_512 }).search(stored));
    throws("template_mismatch", () => decodeTemplate(stored));
    throws("template_mismatch", () => decodeProtected(code));
    throws("template_mismatch", () => decodeVector(code));
    throws("invalid_template", () => decodeProtected(wire(1)));
  });

  it("is refused with any byte flipped, any other length, or what no gallery writes", () => {
    for (let at = 0; at < stored.length; at++) {
      throws("invalid_template", () =>
        decodeProtected(stored.with(at, (stored[at] as number) ^ (1 << (at & 7)))),
      );
    }
    for (let length = 0; length < stored.length; length += 4) {
      throws("invalid_template", () => decodeProtected(stored.subarray(0, length)));
    }
    throws("invalid_template", () => decodeProtected(Uint8Array.of(...stored, 0)));
    const forged = (from: number, to: number, value: number) => {
      const bytes = stored.slice().fill(value, from, to);
      new DataView(bytes.buffer).setUint32(524, crc32(bytes.subarray(0, 524)));
      return bytes;
    };
    for (const [from, to, value] of [
      [4, 5, 3],
      [5, 6, 2],
      [6, 7, 3],
      [7, 8, 80],
      [8, 9, 0],
      [9, 10, 1],
      [11, 12, 1],
      [12, 13, 0x80],
      [12, 524, 0],
      [12, 524, 126],
    ] as const) {
      throws("invalid_template", () => decodeProtected(forged(from, to, value)));
    }
  });

  it("is as unlike itself under another secret as strangers are", () => {
    const numbers = (bytes: Uint8Array) => Float64Array.from(decodeProtected(bytes).values);
    const moments = (cosines: number[]) => {
      const mean = cosines.reduce((a, b) => a + b, 0) / cosines.length;
      return {
        mean,
        deviation: Math.sqrt(cosines.reduce((a, b) => a + (b - mean) ** 2, 0) / cosines.length),
      };
    };
    const seeds = Array.from({ length: 300 }, (_, i) => i);
    const same = moments(
      seeds.map((s) =>
        signedCosine(numbers(protect(wire(s), SECRET)), numbers(protect(wire(s), OTHER_SECRET))),
      ),
    );
    const strangers = moments(
      seeds.map((s) =>
        signedCosine(numbers(protect(wire(s), SECRET)), numbers(protect(wire(s + 1000), SECRET))),
      ),
    );
    // Both are a normal distribution of mean 0 and standard deviation 1 / √512 = 0.044.
    for (const { mean, deviation } of [same, strangers]) {
      assert.ok(Math.abs(mean) < 0.01);
      assert.ok(Math.abs(deviation - 0.0442) < 0.006);
    }
  });
});
