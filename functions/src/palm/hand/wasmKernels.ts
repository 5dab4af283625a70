import type { Convolution, Kernels, Operands, Product, Resize, Window } from "./kernels.ts";
import { WASM_BASE64 } from "./kernels.wasm.ts";

const PAGE_BYTES = 65_536;
const FLOAT_BYTES = 4;

let compiled: WebAssembly.Module | undefined;

/**
 * The kernels in WebAssembly SIMD, compiled from kernels.as.ts. The module is compiled at the first call.
 * @param floats size of the memory
 */
export function wasmKernels(floats: number): Kernels {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0)));
  const memory = new WebAssembly.Memory({ initial: Math.ceil((floats * FLOAT_BYTES) / PAGE_BYTES) });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return new WasmKernels(new Float32Array(memory.buffer), exports as unknown as Exports);
}

/** The functions of kernels.as.ts, by name; they take byte addresses. */
type Exports = Record<
  "multiply" | "convolve" | "convolveChannels" | "add" | "rectify" | "maxPool" | "resize",
  (...numbers: number[]) => void
>;

class WasmKernels implements Kernels {
  readonly memory: Float32Array;
  readonly #exports: Exports;

  constructor(memory: Float32Array, exports: Exports) {
    this.memory = memory;
    this.#exports = exports;
  }

  multiply(product: Product): void {
    const { rows, depth, columns, low, high } = product;
    this.#exports.multiply(...addresses(product), rows, depth, columns, low, high);
  }

  convolve(convolution: Convolution): void {
    const { scratch, outChannels, low, high } = convolution;
    const [height, width, channels, outHeight, outWidth, ...window] = windowOf(convolution);
    this.#exports.convolve(
      ...addresses(convolution),
      scratch * FLOAT_BYTES,
      height,
      width,
      channels,
      outHeight,
      outWidth,
      outChannels,
      ...window,
      low,
      high,
    );
  }

  convolveChannels(convolution: Window & Operands): void {
    const { low, high } = convolution;
    this.#exports.convolveChannels(...addresses(convolution), ...windowOf(convolution), low, high);
  }

  add({ a, b, out, count }: Parameters<Kernels["add"]>[0]): void {
    this.#exports.add(a * FLOAT_BYTES, b * FLOAT_BYTES, out * FLOAT_BYTES, count);
  }

  rectify({ input, slopes, out, count, channels }: Parameters<Kernels["rectify"]>[0]): void {
    this.#exports.rectify(input * FLOAT_BYTES, slopes * FLOAT_BYTES, out * FLOAT_BYTES, count, channels);
  }

  maxPool(pool: Window & { input: number; out: number }): void {
    this.#exports.maxPool(pool.input * FLOAT_BYTES, pool.out * FLOAT_BYTES, ...windowOf(pool));
  }

  resize({ input, out, width, channels, outHeight, outWidth, rows, columns }: Resize): void {
    const tables = [rows * FLOAT_BYTES, columns * FLOAT_BYTES];
    const shape = [width, channels, outHeight, outWidth];
    this.#exports.resize(input * FLOAT_BYTES, out * FLOAT_BYTES, ...shape, ...tables);
  }
}

const addresses = ({ input, weights, bias, out }: Operands) =>
  [input * FLOAT_BYTES, weights * FLOAT_BYTES, bias * FLOAT_BYTES, out * FLOAT_BYTES] as const;

const windowOf = (window: Window) =>
  [
    window.height,
    window.width,
    window.channels,
    window.outHeight,
    window.outWidth,
    window.windowHeight,
    window.windowWidth,
    window.stride,
    window.padTop,
    window.padLeft,
  ] as const;
