// AssemblyScript, compiled to kernels.wasm.ts by `npm run wasm`. See kernels.ts for what each function does, and
// typescriptKernels.ts for the same arithmetic in plain TypeScript. Positions are byte addresses. Only plain SIMD:
// fused or relaxed instructions would give other bits on other machines.

const FLOAT: usize = 4;
const VECTOR: usize = 16;
const PANEL: i32 = 8;
/** Floats of input that are multiplied with all panels before the next ones are read: half of a small L1 cache. */
const TILE_FLOATS: i32 = 4096;

export function multiply(
  input: usize,
  weights: usize,
  bias: usize,
  out: usize,
  rows: i32,
  depth: i32,
  columns: i32,
  low: f32,
  high: f32,
): void {
  const tile = max(4, (TILE_FLOATS / depth) & ~3);
  const inputRow = <usize>depth * FLOAT;
  const outRow = <usize>columns * FLOAT;
  const panelBytes = <usize>(PANEL * depth) * FLOAT;
  for (let first = 0; first < rows; first += tile) {
    const end = min(rows, first + tile);
    for (let column = 0, panel = weights; column < columns; column += PANEL, panel += panelBytes) {
      const width = min(PANEL, columns - column);
      const offsets = bias + <usize>column * FLOAT;
      let from = input + <usize>first * inputRow;
      let to = out + <usize>first * outRow + <usize>column * FLOAT;
      let row = first;
      for (; row + 4 <= end; row += 4) {
        multiplyFourRows(from, panel, offsets, to, depth, outRow, width, low, high);
        from += 4 * inputRow;
        to += 4 * outRow;
      }
      for (; row < end; row++) {
        multiplyRow(from, panel, offsets, to, depth, width, low, high);
        from += inputRow;
        to += outRow;
      }
    }
  }
}

function multiplyFourRows(
  input: usize,
  panel: usize,
  bias: usize,
  out: usize,
  depth: i32,
  outRow: usize,
  width: i32,
  low: f32,
  high: f32,
): void {
  const inputRow = <usize>depth * FLOAT;
  let a0 = input;
  let a1 = input + inputRow;
  let a2 = input + 2 * inputRow;
  let a3 = input + 3 * inputRow;
  let s00 = v128.load(bias);
  let s01 = v128.load(bias, VECTOR);
  let s10 = s00;
  let s11 = s01;
  let s20 = s00;
  let s21 = s01;
  let s30 = s00;
  let s31 = s01;
  for (let end = a1; a0 < end; ) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, VECTOR);
    const x0 = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    const x1 = v128.load32_splat(a1);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    const x2 = v128.load32_splat(a2);
    s20 = f32x4.add(s20, f32x4.mul(x2, b0));
    s21 = f32x4.add(s21, f32x4.mul(x2, b1));
    const x3 = v128.load32_splat(a3);
    s30 = f32x4.add(s30, f32x4.mul(x3, b0));
    s31 = f32x4.add(s31, f32x4.mul(x3, b1));
    panel += 2 * VECTOR;
    a0 += FLOAT;
    a1 += FLOAT;
    a2 += FLOAT;
    a3 += FLOAT;
  }
  store(out, clamp(s00, low, high), clamp(s01, low, high), width);
  store(out + outRow, clamp(s10, low, high), clamp(s11, low, high), width);
  store(out + 2 * outRow, clamp(s20, low, high), clamp(s21, low, high), width);
  store(out + 3 * outRow, clamp(s30, low, high), clamp(s31, low, high), width);
}

function multiplyRow(
  input: usize,
  panel: usize,
  bias: usize,
  out: usize,
  depth: i32,
  width: i32,
  low: f32,
  high: f32,
): void {
  let s0 = v128.load(bias);
  let s1 = v128.load(bias, VECTOR);
  for (let end = input + <usize>depth * FLOAT; input < end; input += FLOAT, panel += 2 * VECTOR) {
    const x = v128.load32_splat(input);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(panel)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(panel, VECTOR)));
  }
  store(out, clamp(s0, low, high), clamp(s1, low, high), width);
}

function clamp(values: v128, low: f32, high: f32): v128 {
  return f32x4.pmin(f32x4.pmax(values, f32x4.splat(low)), f32x4.splat(high));
}

function clampOne(value: f32, low: f32, high: f32): f32 {
  const raised = value < low ? low : value;
  return high < raised ? high : raised;
}

/** Writes the first `width` of eight numbers. */
function store(out: usize, first: v128, second: v128, width: i32): void {
  if (width === PANEL) {
    v128.store(out, first);
    v128.store(out, second, VECTOR);
    return;
  }
  let rest = first;
  if (width >= 4) {
    v128.store(out, first);
    out += VECTOR;
    width -= 4;
    rest = second;
  }
  if (width > 0) f32.store(out, f32x4.extract_lane(rest, 0));
  if (width > 1) f32.store(out, f32x4.extract_lane(rest, 1), FLOAT);
  if (width > 2) f32.store(out, f32x4.extract_lane(rest, 2), 2 * FLOAT);
}

export function convolve(
  input: usize,
  weights: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  windowHeight: i32,
  windowWidth: i32,
  stride: i32,
  padTop: i32,
  padLeft: i32,
  low: f32,
  high: f32,
): void {
  const span = windowWidth * channels;
  const depth = windowHeight * span;
  for (let row = 0; row < outHeight; row++) {
    let to = scratch;
    for (let column = 0; column < outWidth; column++) {
      const left = column * stride - padLeft;
      const from = max(0, -left) * channels;
      const end = min(windowWidth, width - left) * channels;
      for (let i = 0; i < windowHeight; i++) {
        const y = row * stride - padTop + i;
        const inside = y >= 0 && y < height;
        const source = input + <usize>((y * width + left) * channels) * FLOAT;
        for (let k = 0; k < span; k++) {
          const value: f32 = inside && k >= from && k < end ? f32.load(source + <usize>k * FLOAT) : 0;
          f32.store(to + <usize>k * FLOAT, value);
        }
        to += <usize>span * FLOAT;
      }
    }
    const target = out + <usize>(row * outWidth * outChannels) * FLOAT;
    multiply(scratch, weights, bias, target, outWidth, depth, outChannels, low, high);
  }
}

export function convolveChannels(
  input: usize,
  weights: usize,
  bias: usize,
  out: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  stride: i32,
  padTop: i32,
  padLeft: i32,
  low: f32,
  high: f32,
): void {
  const pixel = <usize>channels * FLOAT;
  const step = <usize>stride * pixel;
  for (let row = 0; row < outHeight; row++) {
    const top = row * stride - padTop;
    const firstTap = max(0, -top);
    const taps = min(windowHeight, height - top) - firstTap;
    const rowStart = input + <usize>((top + firstTap) * width) * pixel;
    const tapStart = weights + <usize>(firstTap * windowWidth) * pixel;
    let column = 0;
    let to = out + <usize>(row * outWidth) * pixel;
    while (column < outWidth) {
      const left = column * stride - padLeft;
      const from = rowStart + <usize>left * pixel;
      if (left >= 0 && column + 4 <= outWidth && left + 3 * stride + windowWidth <= width) {
        fourPixels(from, tapStart, bias, to, channels, width, taps, windowWidth, step, low, high);
        column += 4;
        to += 4 * pixel;
      } else {
        const first = max(0, -left);
        const end = min(windowWidth, width - left);
        onePixel(from, tapStart, bias, to, channels, width, taps, windowWidth, first, end, low, high);
        column++;
        to += pixel;
      }
    }
  }
}

/** Four neighbors of an output row, all of whose windows are inside of the picture's width. */
function fourPixels(
  input: usize,
  weights: usize,
  bias: usize,
  out: usize,
  channels: i32,
  width: i32,
  taps: i32,
  windowWidth: i32,
  step: usize,
  low: f32,
  high: f32,
): void {
  const pixel = <usize>channels * FLOAT;
  const nextRow = <usize>(width - windowWidth) * pixel;
  let channel = 0;
  for (; channel + 4 <= channels; channel += 4) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let source = input;
    let weight = weights;
    for (let i = 0; i < taps; i++) {
      for (let j = 0; j < windowWidth; j++) {
        const w = v128.load(weight);
        s0 = f32x4.add(s0, f32x4.mul(v128.load(source), w));
        s1 = f32x4.add(s1, f32x4.mul(v128.load(source + step), w));
        s2 = f32x4.add(s2, f32x4.mul(v128.load(source + 2 * step), w));
        s3 = f32x4.add(s3, f32x4.mul(v128.load(source + 3 * step), w));
        source += pixel;
        weight += pixel;
      }
      source += nextRow;
    }
    v128.store(out, clamp(s0, low, high));
    v128.store(out + pixel, clamp(s1, low, high));
    v128.store(out + 2 * pixel, clamp(s2, low, high));
    v128.store(out + 3 * pixel, clamp(s3, low, high));
    input += VECTOR;
    weights += VECTOR;
    bias += VECTOR;
    out += VECTOR;
  }
  for (; channel < channels; channel++) {
    for (let k = 0; k < 4; k++) {
      const source = input + <usize>k * step;
      const value = oneChannel(source, weights, bias, pixel, width, taps, windowWidth, 0, windowWidth);
      f32.store(out + <usize>k * pixel, clampOne(value, low, high));
    }
    input += FLOAT;
    weights += FLOAT;
    bias += FLOAT;
    out += FLOAT;
  }
}

function onePixel(
  input: usize,
  weights: usize,
  bias: usize,
  out: usize,
  channels: i32,
  width: i32,
  taps: i32,
  windowWidth: i32,
  first: i32,
  end: i32,
  low: f32,
  high: f32,
): void {
  const pixel = <usize>channels * FLOAT;
  let channel = 0;
  for (; channel + 4 <= channels; channel += 4) {
    let sum = v128.load(bias);
    for (let i = 0; i < taps; i++) {
      for (let j = first; j < end; j++) {
        const x = v128.load(input + <usize>(i * width + j) * pixel);
        sum = f32x4.add(sum, f32x4.mul(x, v128.load(weights + <usize>(i * windowWidth + j) * pixel)));
      }
    }
    v128.store(out, clamp(sum, low, high));
    input += VECTOR;
    weights += VECTOR;
    bias += VECTOR;
    out += VECTOR;
  }
  for (; channel < channels; channel++) {
    const value = oneChannel(input, weights, bias, pixel, width, taps, windowWidth, first, end);
    f32.store(out, clampOne(value, low, high));
    input += FLOAT;
    weights += FLOAT;
    bias += FLOAT;
    out += FLOAT;
  }
}

function oneChannel(
  input: usize,
  weights: usize,
  bias: usize,
  pixel: usize,
  width: i32,
  taps: i32,
  windowWidth: i32,
  first: i32,
  end: i32,
): f32 {
  let sum = f32.load(bias);
  for (let i = 0; i < taps; i++) {
    for (let j = first; j < end; j++) {
      const x = f32.load(input + <usize>(i * width + j) * pixel);
      sum += x * f32.load(weights + <usize>(i * windowWidth + j) * pixel);
    }
  }
  return sum;
}

export function add(a: usize, b: usize, out: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, a += VECTOR, b += VECTOR, out += VECTOR) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
  }
  for (; i < count; i++, a += FLOAT, b += FLOAT, out += FLOAT) f32.store(out, f32.load(a) + f32.load(b));
}

export function rectify(input: usize, slopes: usize, out: usize, count: i32, channels: i32): void {
  const zero = f32x4.splat(0);
  for (let pixel = 0; pixel < count; pixel += channels) {
    let slope = slopes;
    let k = 0;
    for (; k + 4 <= channels; k += 4, input += VECTOR, out += VECTOR, slope += VECTOR) {
      const x = v128.load(input);
      v128.store(out, v128.bitselect(f32x4.mul(x, v128.load(slope)), x, f32x4.lt(x, zero)));
    }
    for (; k < channels; k++, input += FLOAT, out += FLOAT, slope += FLOAT) {
      const x = f32.load(input);
      f32.store(out, x < 0 ? x * f32.load(slope) : x);
    }
  }
}

export function maxPool(
  input: usize,
  out: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  stride: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const pixel = <usize>channels * FLOAT;
  const lowest = f32x4.splat(-Infinity);
  for (let row = 0; row < outHeight; row++) {
    const top = max(0, row * stride - padTop);
    const bottom = min(height, row * stride - padTop + windowHeight);
    for (let column = 0; column < outWidth; column++) {
      const left = max(0, column * stride - padLeft);
      const right = min(width, column * stride - padLeft + windowWidth);
      let k = 0;
      for (; k + 4 <= channels; k += 4, out += VECTOR) {
        let largest = lowest;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const at = input + <usize>(y * width + x) * pixel + <usize>k * FLOAT;
            largest = f32x4.pmax(largest, v128.load(at));
          }
        }
        v128.store(out, largest);
      }
      for (; k < channels; k++, out += FLOAT) {
        let largest: f32 = -Infinity;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const value = f32.load(input + <usize>(y * width + x) * pixel + <usize>k * FLOAT);
            if (largest < value) largest = value;
          }
        }
        f32.store(out, largest);
      }
    }
  }
}

export function resize(
  input: usize,
  out: usize,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  rows: usize,
  columns: usize,
): void {
  const pixel = <usize>channels * FLOAT;
  const inputRow = <usize>width * pixel;
  for (let row = 0; row < outHeight; row++, rows += 3 * FLOAT) {
    const upper = input + <usize>f32.load(rows) * inputRow;
    const lower = input + <usize>f32.load(rows, FLOAT) * inputRow;
    const fy = f32.load(rows, 2 * FLOAT);
    for (let column = 0; column < outWidth; column++) {
      const at = columns + <usize>(3 * column) * FLOAT;
      const left = <usize>f32.load(at) * pixel;
      const right = <usize>f32.load(at, FLOAT) * pixel;
      const fx = f32.load(at, 2 * FLOAT);
      for (let k = <usize>0; k < pixel; k += FLOAT, out += FLOAT) {
        const top = between(f32.load(upper + left + k), f32.load(upper + right + k), fx);
        const bottom = between(f32.load(lower + left + k), f32.load(lower + right + k), fx);
        f32.store(out, between(top, bottom, fy));
      }
    }
  }
}

function between(a: f32, b: f32, share: f32): f32 {
  return a * (1 - share) + b * share;
}
