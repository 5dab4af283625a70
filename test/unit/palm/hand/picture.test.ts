import assert from "node:assert/strict";
import {
  direction,
  Pyramid,
  pointInPicture,
  sampleSquare,
} from "../../../../functions/src/palm/hand/picture.ts";

/** Red grows by 1 from column to column, green from row to row; blue is 255. */
function ramps(width: number, height: number): Pyramid {
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 255][i % 3] as number;
  });
  return new Pyramid({ width, height, rgb });
}

const SQUARES = [
  { center: [100, 90], side: 80, up: [0, -1] },
  { center: [101.25, 88.5], side: 70, up: [0.6, -0.8] },
  { center: [96, 97], side: 100, up: [-1, 0] },
  { center: [99, 90], side: 90, up: [0, 1] },
] as const;

describe("sampleSquare", () => {
  for (const square of SQUARES) {
    for (const size of [20, 64, 200]) {
      it(`interpolates a square of ${square.side} px, up ${square.up}, at ${size} × ${size} points`, () => {
        const samples = sampleSquare(ramps(200, 180), square, size);
        for (let row = 0; row < size; row++) {
          for (let column = 0; column < size; column++) {
            const at = 3 * (row * size + column);
            const [x, y] = pointInPicture(square, [(column + 0.5) / size, (row + 0.5) / size]);
            // Halving rounds 0.5 up, so levels of the pyramid are half a step brighter.
            assert.ok(Math.abs((samples[at] as number) - (x - 0.5)) < 0.51, `red at ${x}, ${y}`);
            assert.ok(Math.abs((samples[at + 1] as number) - (y - 0.5)) < 0.51, `green at ${x}, ${y}`);
            assert.ok(Math.abs((samples[at + 2] as number) - 255) < 1e-4);
          }
        }
      });
    }
  }

  it("is black outside of the picture", () => {
    const samples = sampleSquare(ramps(10, 10), { center: [0, 5], side: 10, up: [0, -1] }, 10);
    const blue = Array.from({ length: 10 }, (_, column) => samples[3 * (5 * 10 + column) + 2]);
    assert.deepEqual(blue, [0, 0, 0, 0, 0, 255, 255, 255, 255, 255]);
  });

  it("samples a picture of one pixel", () => {
    const samples = sampleSquare(ramps(1, 1), { center: [0.5, 0.5], side: 64, up: [0, -1] }, 4);
    assert.ok(samples.every((value) => value >= 0 && value <= 255));
  });
});

describe("Pyramid", () => {
  it("refuses a picture that does not have three bytes for each pixel", () => {
    for (const [width, height, length] of [
      [2, 2, 11],
      [2, 2, 16],
      [0, 5, 0],
      [-1, -1, 3],
      [1.5, 2, 9],
      [Number.NaN, 2, 0],
    ] as const) {
      const image = { width, height, rgb: new Uint8Array(length) };
      assert.throws(() => new Pyramid(image), { name: "PalmError", code: "invalid_image" });
    }
  });
});

describe("direction", () => {
  it("is a unit vector, upwards between equal points", () => {
    assert.deepEqual(direction([1, 1], [4, 5]), [0.6, 0.8]);
    assert.deepEqual(direction([2, 3], [2, 3]), [0, -1]);
  });
});
