/**
 * The arithmetic of a network: loops over float32 numbers in one block of memory. There are two implementations,
 * WebAssembly SIMD (`wasmKernels`) and plain TypeScript (`typescriptKernels`). Both add and multiply in the same
 * order and round every result to float32, so their outputs are equal bit by bit, on every machine.
 *
 * Tensors are row by row, channels last. Positions (`input`, `weights`, …) are indices into `memory`.
 */
export interface Kernels {
  /** The kernels' memory. */
  readonly memory: Float32Array;
  /** Matrix product: out[row][column] = clamp(bias[column] + Σ input[row][k] · weights[column][k]), k ascending. */
  multiply(product: Product): void;
  /** Convolution: the matrix product of each output pixel's window, row by row, with the weights. */
  convolve(convolution: Convolution): void;
  /** Convolution of each channel with a kernel of its own; taps outside of the picture are left out. */
  convolveChannels(convolution: Window & Operands): void;
  /** out[i] = a[i] + b[i]. */
  add(sum: { a: number; b: number; out: number; count: number }): void;
  /** Parametric ReLU: out[i] = input[i], times the channel's slope where negative. */
  rectify(rectifier: { input: number; slopes: number; out: number; count: number; channels: number }): void;
  /** Largest value of each window; positions outside of the picture do not count. */
  maxPool(pool: Window & { input: number; out: number }): void;
  /** Bilinear interpolation between the pixels that `rows` and `columns` name, see `Resize`. */
  resize(resize: Resize): void;
}

export type CreateKernels = (floats: number) => Kernels;

/** Where a layer's operands are, and the range to which its results are clamped (infinite for no clamping). */
export interface Operands {
  input: number;
  /** In panels (`packColumns`) for products and convolutions; [tap][channel] for `convolveChannels`. */
  weights: number;
  /** As many numbers as output channels, in products and convolutions padded with zeros to full panels. */
  bias: number;
  out: number;
  low: number;
  high: number;
}

export interface Product extends Operands {
  rows: number;
  depth: number;
  columns: number;
}

/** A window that slides over a picture. */
export interface Window {
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  windowHeight: number;
  windowWidth: number;
  stride: number;
  /** Rows and columns of zeros before the first of the picture. */
  padTop: number;
  padLeft: number;
}

export interface Convolution extends Window, Operands {
  outChannels: number;
  /** Room for one row of windows: outWidth × windowHeight × windowWidth × channels numbers. */
  scratch: number;
}

export interface Resize {
  input: number;
  out: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  /** Tables of three numbers for each output row or column: the two source rows or columns, and the weight of the second. */
  rows: number;
  columns: number;
}

/** Columns of a panel of weights. */
export const PANEL = 8;

/** Length of `packColumns`' result. */
export const packedLength = (columns: number, depth: number): number =>
  Math.ceil(columns / PANEL) * PANEL * depth;

/**
 * Weights in the order in which `multiply` reads them: panels of 8 columns, the last one filled up with zeros, each
 * [k][column].
 * @param weights [column][k]
 */
export function packColumns(weights: Float32Array, columns: number, depth: number): Float32Array {
  const packed = new Float32Array(packedLength(columns, depth));
  for (let column = 0; column < columns; column++) {
    const panel = Math.floor(column / PANEL) * PANEL * depth + (column % PANEL);
    for (let k = 0; k < depth; k++) packed[panel + PANEL * k] = weights[column * depth + k] as number;
  }
  return packed;
}
