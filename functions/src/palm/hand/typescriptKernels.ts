import {
  type Convolution,
  type Kernels,
  type Operands,
  PANEL,
  type Product,
  type Resize,
  type Window,
} from "./kernels.ts";

const round = Math.fround;

/**
 * The kernels in plain TypeScript: slow, and the reference that `wasmKernels` must equal bit by bit. Doubles hold the
 * product and the sum of two float32 numbers exactly enough that rounding them gives the float32 result.
 * @param floats size of the memory
 */
export function typescriptKernels(floats: number): Kernels {
  return new TypescriptKernels(new Float32Array(floats));
}

class TypescriptKernels implements Kernels {
  readonly memory: Float32Array;

  constructor(memory: Float32Array) {
    this.memory = memory;
  }

  multiply({ input, weights, bias, out, rows, depth, columns, low, high }: Product): void {
    const { memory } = this;
    const sums = new Float32Array(PANEL);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column += PANEL) {
        sums.set(memory.subarray(bias + column, bias + column + PANEL));
        let weight = weights + column * depth;
        for (let at = input + row * depth, end = at + depth; at < end; at++) {
          const value = memory[at] as number;
          for (let i = 0; i < PANEL; i++, weight++) {
            sums[i] = (sums[i] as number) + round(value * (memory[weight] as number));
          }
        }
        const to = out + row * columns + column;
        const width = Math.min(PANEL, columns - column);
        for (let i = 0; i < width; i++) memory[to + i] = clamp(sums[i] as number, low, high);
      }
    }
  }

  convolve(convolution: Convolution): void {
    const { input, height, width, channels, windowHeight, windowWidth } = convolution;
    const { memory } = this;
    const { scratch, outHeight, outWidth, outChannels, stride, padTop, padLeft } = convolution;
    const depth = windowHeight * windowWidth * channels;
    for (let row = 0; row < outHeight; row++) {
      let to = scratch;
      for (let column = 0; column < outWidth; column++) {
        for (let i = 0; i < windowHeight; i++) {
          const y = row * stride - padTop + i;
          for (let j = 0; j < windowWidth; j++) {
            const x = column * stride - padLeft + j;
            const inside = y >= 0 && y < height && x >= 0 && x < width;
            const from = input + (y * width + x) * channels;
            for (let k = 0; k < channels; k++) memory[to++] = inside ? (memory[from + k] as number) : 0;
          }
        }
      }
      const out = convolution.out + row * outWidth * outChannels;
      this.multiply({ ...convolution, input: scratch, out, rows: outWidth, depth, columns: outChannels });
    }
  }

  convolveChannels(convolution: Window & Operands): void {
    const { height, width, channels, outHeight, outWidth, windowHeight, windowWidth, stride } = convolution;
    const { input, weights, bias, out, padTop, padLeft, low, high } = convolution;
    const { memory } = this;
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        for (let channel = 0; channel < channels; channel++) {
          let sum = memory[bias + channel] as number;
          for (let i = 0; i < windowHeight; i++) {
            const y = row * stride - padTop + i;
            if (y < 0 || y >= height) continue;
            for (let j = 0; j < windowWidth; j++) {
              const x = column * stride - padLeft + j;
              if (x < 0 || x >= width) continue;
              const value = memory[input + (y * width + x) * channels + channel] as number;
              const weight = memory[weights + (i * windowWidth + j) * channels + channel] as number;
              sum = round(sum + round(value * weight));
            }
          }
          memory[out + (row * outWidth + column) * channels + channel] = clamp(sum, low, high);
        }
      }
    }
  }

  add({ a, b, out, count }: Parameters<Kernels["add"]>[0]): void {
    const { memory } = this;
    for (let i = 0; i < count; i++) {
      memory[out + i] = (memory[a + i] as number) + (memory[b + i] as number);
    }
  }

  rectify({ input, slopes, out, count, channels }: Parameters<Kernels["rectify"]>[0]): void {
    const { memory } = this;
    for (let pixel = 0; pixel < count; pixel += channels) {
      for (let k = 0; k < channels; k++) {
        const x = memory[input + pixel + k] as number;
        memory[out + pixel + k] = x < 0 ? x * (memory[slopes + k] as number) : x;
      }
    }
  }

  maxPool(pool: Window & { input: number; out: number }): void {
    const { input, out, height, width, channels, outHeight, outWidth } = pool;
    const { windowHeight, windowWidth, stride, padTop, padLeft } = pool;
    const { memory } = this;
    for (let row = 0; row < outHeight; row++) {
      const top = Math.max(0, row * stride - padTop);
      const bottom = Math.min(height, row * stride - padTop + windowHeight);
      for (let column = 0; column < outWidth; column++) {
        const left = Math.max(0, column * stride - padLeft);
        const right = Math.min(width, column * stride - padLeft + windowWidth);
        for (let k = 0; k < channels; k++) {
          let largest = -Infinity;
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++) {
              const value = memory[input + (y * width + x) * channels + k] as number;
              if (largest < value) largest = value;
            }
          }
          memory[out + (row * outWidth + column) * channels + k] = largest;
        }
      }
    }
  }

  resize({ input, out, width, channels, outHeight, outWidth, rows, columns }: Resize): void {
    const { memory } = this;
    for (let row = 0, to = out; row < outHeight; row++) {
      const [y0, y1, fy] = memory.subarray(rows + 3 * row, rows + 3 * row + 3) as unknown as Triple;
      for (let column = 0; column < outWidth; column++) {
        const [x0, x1, fx] = memory.subarray(
          columns + 3 * column,
          columns + 3 * column + 3,
        ) as unknown as Triple;
        const at = (y: number, x: number, k: number) =>
          memory[input + (y * width + x) * channels + k] as number;
        for (let k = 0; k < channels; k++) {
          const top = between(at(y0, x0, k), at(y0, x1, k), fx);
          const bottom = between(at(y1, x0, k), at(y1, x1, k), fx);
          memory[to++] = between(top, bottom, fy);
        }
      }
    }
  }
}

type Triple = readonly [number, number, number];

function between(a: number, b: number, share: number): number {
  return round(round(a * round(1 - share)) + round(b * share));
}

/** The comparisons of f32x4.pmax and f32x4.pmin, which keep a negative zero. */
function clamp(value: number, low: number, high: number): number {
  const raised = value < low ? low : value;
  return high < raised ? high : raised;
}
