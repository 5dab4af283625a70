/**
 * Synthetic embeddings: nobody's, but as like as those of a fair extractor. Same seed, same numbers on every
 * machine: integers, + and × only.
 */

/**
 * The embedding of the palm `seed` (a whole number) as the session `sample` sees it: 512 numbers. Cosines of
 * one palm's are about 0.8, those of strangers 0 with a standard deviation of 0.044.
 */
export function syntheticVector({ seed, sample = 0 }: { seed: number; sample?: number }): Float64Array {
  const palm = bells(seed, 0);
  const session = bells(seed, 1 + sample);
  return palm.map((x, i) => x + 0.5 * (session[i] as number));
}

/** On the wire: 2,048 bytes of little-endian float32. */
export function floatBytes(vector: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * vector.length));
  Array.from(vector).forEach((x, i) => {
    view.setFloat32(4 * i, x, true);
  });
  return new Uint8Array(view.buffer);
}

/** On the wire: 512 bytes of int8, the largest component ±127. */
export function int8Bytes(vector: ArrayLike<number>): Uint8Array {
  const numbers = Array.from(vector);
  const scale = 127 / Math.max(...numbers.map(Math.abs));
  return new Uint8Array(Int8Array.from(numbers, (x) => Math.round(x * scale)).buffer);
}

/** 512 nearly normal numbers: mean 0, standard deviation 1, within ±3.5. */
function bells(seed: number, stream: number): Float64Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca77) ^ 0x27d4eb2f) | 0;
  // A Weyl sequence through an integer hash.
  const unit = () => {
    state = (state + 0x6d2b79f5) | 0;
    let h = Math.imul(state ^ (state >>> 15), state | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 4294967296;
  };
  for (let i = 0; i < 4; i++) unit();
  return new Float64Array(512).map(() => (unit() + unit() + unit() + unit() - 2) * 1.7320508);
}
