import type { OnRow } from "./file.ts";

/** The sides of a picture whose longest side is at most `longest`, with the same proportions. Never enlarged. */
export function fitInto(
  { width, height }: { width: number; height: number },
  longest: number,
): { width: number; height: number } {
  const ratio = Math.min(1, longest / Math.max(width, height));
  const scale = (side: number) => Math.max(1, Math.round(side * ratio));
  return { width: scale(width), height: scale(height) };
}

/**
 * Scales a picture down by area averaging, row by row: a pixel of the result is the mean of the area that it covers.
 * The sums are whole numbers below 2^53, so every machine computes the same bytes.
 * @param from the sides of the rows that are pushed
 * @param to the sides of the result, none longer than those of `from`
 */
export function newScaler(
  from: { width: number; height: number },
  to: { width: number; height: number },
): { rgb: Uint8Array; push: OnRow } {
  const rgb = new Uint8Array(3 * to.width * to.height);
  let row = 0;
  if (from.width === to.width && from.height === to.height) {
    return { rgb, push: (pixels) => rgb.set(pixels, 3 * to.width * row++) };
  }

  const across = new Uint32Array(3 * to.width);
  let sums = new Float64Array(3 * to.width);
  const total = from.width * from.height;
  const finish = (done: number): void => {
    const at = 3 * to.width * done;
    for (let i = 0; i < sums.length; i++) {
      rgb[at + i] = Math.floor(((sums[i] as number) + total / 2) / total);
    }
    sums = new Float64Array(3 * to.width);
  };
  const push: OnRow = (pixels) => {
    averageAcross(pixels, from.width, across, to.width);
    // The row covers [start, end) where a row of the result covers from.height.
    const start = row * to.height;
    const end = start + to.height;
    const done = Math.floor(start / from.height);
    const border = (done + 1) * from.height;
    const inside = Math.min(end, border) - start;
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + inside * (across[i] as number);
    if (end >= border) finish(done);
    if (end > border) {
      for (let i = 0; i < sums.length; i++) sums[i] = (end - border) * (across[i] as number);
    }
    row++;
  };
  return { rgb, push };
}

/** Adds up one row: `sums` gets `width` times the mean of each pixel of the result. */
function averageAcross(pixels: Uint8Array, width: number, sums: Uint32Array, target: number): void {
  sums.fill(0);
  let border = width;
  let to = 0;
  for (let x = 0, start = 0, p = 0; x < width; x++, start += target, p += 3) {
    const red = pixels[p] as number;
    const green = pixels[p + 1] as number;
    const blue = pixels[p + 2] as number;
    const end = start + target;
    const inside = (end < border ? end : border) - start;
    sums[to] = (sums[to] as number) + inside * red;
    sums[to + 1] = (sums[to + 1] as number) + inside * green;
    sums[to + 2] = (sums[to + 2] as number) + inside * blue;
    if (end < border) continue;
    to += 3;
    const rest = end - border;
    border += width;
    if (rest === 0) continue;
    sums[to] = rest * red;
    sums[to + 1] = rest * green;
    sums[to + 2] = rest * blue;
  }
}
