import assert from "node:assert/strict";
import { gaborResponses, KERNELS, SIZE } from "../../../functions/src/palm/gabor.ts";

const { c1, c2, c3, g, s2, s3 } = KERNELS;
const sum = (half: Float64Array) => half.reduce((total, value) => total + 2 * value, -(half[0] as number));

describe("gaborResponses", () => {
  it("has kernels that no last bit of exp, cos or sin can change", () => {
    const exact = (wave: (phase: number) => number, cycles: number, i: number) =>
      4096 * Math.exp(-(i * i) / (2 * 7.5 * 7.5)) * wave(2 * Math.PI * cycles * i);
    const kernels = [
      [c1, Math.cos, 0.055],
      [c2, Math.cos, 0.055 * Math.sqrt(0.75)],
      [c3, Math.cos, 0.0275],
      [g, Math.cos, 0],
      [s2, Math.sin, 0.055 * Math.sqrt(0.75)],
      [s3, Math.sin, 0.0275],
    ] as const;
    for (const [kernel, wave, cycles] of kernels) {
      kernel.forEach((value, i) => {
        const unrounded = exact(wave, cycles, i);
        assert.equal(value, Math.round(unrounded));
        assert.ok(Math.abs(unrounded - Math.floor(unrounded) - 0.5) > 1e-6, "far from a tie");
      });
    }
  });

  it("answers nothing to uniform grey", () => {
    assert.ok(
      gaborResponses(new Float64Array(SIZE * SIZE).fill(200)).every((response) => Math.abs(response) < 1e-9),
    );
  });

  it("agrees with two-dimensional kernels summed up pixel by pixel", () => {
    const pixels = Float64Array.from(
      { length: SIZE * SIZE },
      (_, i) => (Math.imul(i, 0x9e3779b1) >>> 24) + (i % SIZE) / 3,
    );
    const responses = gaborResponses(pixels);
    const full = (half: Float64Array, sign: number) => (i: number) =>
      (i < 0 ? sign : 1) * (half[Math.abs(i)] as number);
    const [C1, C2, C3, G, S2, S3] = [
      full(c1, 1),
      full(c2, 1),
      full(c3, 1),
      full(g, 1),
      full(s2, -1),
      full(s3, -1),
    ];
    const kernels: ((x: number, y: number) => number)[] = [
      (x, y) => C1(x) * G(y),
      (x, y) => C2(x) * C3(y) - S2(x) * S3(y),
      (x, y) => C3(x) * C2(y) - S3(x) * S2(y),
      (x, y) => G(x) * C1(y),
      (x, y) => C3(x) * C2(y) + S3(x) * S2(y),
      (x, y) => C2(x) * C3(y) + S2(x) * S3(y),
    ];
    const area = sum(g) ** 2;
    const inside = (at: number) => Math.min(Math.max(at, 0), SIZE - 1);
    for (const [row, column] of [
      [0, 0],
      [3, 31],
      [16, 16],
      [31, 5],
    ] as const) {
      kernels.forEach((kernel, orientation) => {
        let [answer, mean, leak] = [0, 0, 0];
        for (let y = -17; y <= 17; y++) {
          for (let x = -17; x <= 17; x++) {
            const grey = pixels[inside(4 * row + 2 + y) * SIZE + inside(4 * column + 2 + x)] as number;
            answer += kernel(x, y) * grey;
            mean += G(x) * G(y) * grey;
            leak += kernel(x, y);
          }
        }
        const expected = (answer - (leak / area) * mean) / area;
        assert.ok(Math.abs((responses[6 * (32 * row + column) + orientation] as number) - expected) < 1e-9);
      });
    }
  });
});
