import assert from "node:assert/strict";
import {
  type Kernels,
  packColumns,
  packedLength,
  type Window,
} from "../../../../functions/src/palm/hand/kernels.ts";
import { typescriptKernels } from "../../../../functions/src/palm/hand/typescriptKernels.ts";
import { wasmKernels } from "../../../../functions/src/palm/hand/wasmKernels.ts";
import { newChance } from "../../../support/chance.ts";

/** Numbers of many magnitudes and both signs, zeros of both signs among them. */
function randomNumbers(count: number, seed: number): Float32Array {
  const chance = newChance(seed);
  return Float32Array.from({ length: count }, () => {
    const kind = Math.floor(32 * chance());
    if (kind < 2) return kind === 0 ? 0 : -0;
    return (chance() - 0.5) * 2 ** (Math.floor(16 * chance()) - 8);
  });
}

/** Runs both kinds of kernels on the same random memory, and returns the memory that both must have left. */
function runBoth(floats: number, seed: number, run: (kernels: Kernels) => void): Float32Array {
  const [wasm, typescript] = [wasmKernels, typescriptKernels].map((create) => {
    const kernels = create(floats);
    kernels.memory.set(randomNumbers(floats, seed));
    run(kernels);
    return Buffer.from(kernels.memory.slice(0, floats).buffer);
  }) as [Buffer, Buffer];
  assert.ok(wasm.equals(typescript), "WebAssembly and TypeScript leave other bits");
  return new Float32Array(wasm.buffer, wasm.byteOffset, floats);
}

const CLAMPS = [
  { low: -Infinity, high: Infinity },
  { low: 0, high: Infinity },
  { low: 0, high: 6 },
];

/** A window's sizes, with the paddings of a picture of the same size in the end (TensorFlow's SAME). */
function same(height: number, width: number, channels: number, window: number, stride: number): Window {
  const along = (size: number) => {
    const out = Math.ceil(size / stride);
    return { out, pad: Math.max(0, (out - 1) * stride + window - size) >> 1 };
  };
  const [rows, columns] = [along(height), along(width)];
  return {
    height,
    width,
    channels,
    outHeight: rows.out,
    outWidth: columns.out,
    windowHeight: window,
    windowWidth: window,
    stride,
    padTop: rows.pad,
    padLeft: columns.pad,
  };
}

const WINDOWS = [
  same(1, 1, 1, 3, 1),
  same(5, 7, 3, 3, 1),
  same(6, 9, 4, 5, 1),
  same(7, 13, 5, 3, 2),
  same(12, 12, 8, 5, 2),
  same(3, 17, 13, 2, 2),
  same(9, 20, 32, 5, 1),
];

const described = ({ height, width, channels, windowHeight, stride }: Window) =>
  `${height} × ${width} × ${channels}, window ${windowHeight}, stride ${stride}`;

describe("The kernels in WebAssembly and in TypeScript", () => {
  for (const [rows, depth, columns] of [
    [1, 1, 1],
    [1, 672, 63],
    [3, 5, 7],
    [4, 8, 8],
    [5, 27, 24],
    [6, 33, 12],
    [9, 64, 108],
    [130, 32, 33],
    [2, 5000, 9],
  ] as const) {
    it(`multiply ${rows} × ${depth} by ${depth} × ${columns} to the same bits`, () => {
      const [weights, bias] = [rows * depth, rows * depth + packedLength(columns, depth)];
      const out = bias + 8 * Math.ceil(columns / 8);
      CLAMPS.forEach((clamp, i) => {
        const product = { input: 0, weights, bias, out, rows, depth, columns, ...clamp };
        runBoth(out + rows * columns + 3, 10 * rows + i, (kernels) => kernels.multiply(product));
      });
    });
  }

  it("multiply as a matrix product does", () => {
    const [rows, depth, columns] = [5, 6, 11];
    const [a, b, c] = [randomNumbers(30, 1), randomNumbers(66, 2), randomNumbers(11, 3)];
    const kernels = wasmKernels(1000);
    kernels.memory.set(a);
    kernels.memory.set(packColumns(b, columns, depth), 100);
    kernels.memory.set(c, 300);
    const places = { input: 0, weights: 100, bias: 300, out: 400 };
    kernels.multiply({ ...places, rows, depth, columns, low: -Infinity, high: Infinity });
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let expected = c[column] as number;
        for (let k = 0; k < depth; k++)
          expected += (a[row * depth + k] as number) * (b[column * depth + k] as number);
        const actual = kernels.memory[400 + row * columns + column] as number;
        assert.ok(Math.abs(actual - expected) < 1e-3, `${actual} at ${row}, ${column} is not ${expected}`);
      }
    }
  });

  for (const window of WINDOWS) {
    const { height, width, channels, outHeight, outWidth, windowHeight, windowWidth } = window;
    const inputs = height * width * channels;

    it(`convolve to the same bits: ${described(window)}`, () => {
      const outChannels = 11;
      const depth = windowHeight * windowWidth * channels;
      const bias = inputs + packedLength(outChannels, depth);
      const scratch = bias + 16;
      const out = scratch + outWidth * depth;
      const floats = out + outHeight * outWidth * outChannels + 3;
      const operands = { input: 0, weights: inputs, bias, scratch, out, outChannels, low: 0, high: 6 };
      runBoth(floats, inputs, (kernels) => kernels.convolve({ ...window, ...operands }));
    });

    it(`convolve each channel to the same bits: ${described(window)}`, () => {
      const bias = inputs + windowHeight * windowWidth * channels;
      const out = bias + channels;
      const floats = out + outHeight * outWidth * channels + 3;
      CLAMPS.forEach((clamp, i) => {
        const convolution = { ...window, input: 0, weights: inputs, bias, out, ...clamp };
        runBoth(floats, inputs + i, (kernels) => kernels.convolveChannels(convolution));
      });
    });

    it(`pool to the same bits: ${described(window)}`, () => {
      const floats = inputs + outHeight * outWidth * channels + 3;
      runBoth(floats, inputs, (kernels) => kernels.maxPool({ ...window, input: 0, out: inputs }));
    });
  }

  it("convolve with the zeros around a picture", () => {
    const kernels = wasmKernels(100);
    kernels.memory.fill(1, 0, 18);
    const window = same(3, 3, 1, 3, 1);
    const operands = { input: 0, weights: 9, bias: 20, out: 30, low: -Infinity, high: Infinity };
    kernels.convolveChannels({ ...window, ...operands });
    assert.deepEqual([...kernels.memory.slice(30, 39)], [4, 6, 4, 6, 9, 6, 4, 6, 4]);
  });

  for (const channels of [1, 3, 4, 6, 8, 13]) {
    it(`add and rectify ${channels} channels to the same bits`, () => {
      const count = 7 * channels;
      runBoth(4 * count, channels, (kernels) => {
        kernels.add({ a: 0, b: count, out: 2 * count, count });
        kernels.rectify({ input: 2 * count, slopes: 0, out: 3 * count, count, channels });
        kernels.rectify({ input: count, slopes: 0, out: count, count, channels });
      });
    });
  }

  it("resize to the same bits, and keep a constant", () => {
    const resize = {
      input: 0,
      out: 200,
      width: 3,
      channels: 5,
      outHeight: 4,
      outWidth: 6,
      rows: 100,
      columns: 120,
    };
    const rows = [0, 0, 0, 0, 1, 0.25, 0, 1, 0.75, 1, 1, 0.25];
    const columns = [0, 0, 0, 0, 1, 0.25, 0, 1, 0.75, 1, 2, 0.25, 1, 2, 0.75, 2, 2, 0.25];
    const memory = runBoth(400, 5, (kernels) => {
      kernels.memory.set(rows, resize.rows);
      kernels.memory.set(columns, resize.columns);
      kernels.resize(resize);
      kernels.memory.fill(3, 0, 30);
      kernels.resize({ ...resize, outHeight: 1 });
    });
    assert.deepEqual(new Set(memory.slice(200, 230)), new Set([3]));
  });
});
