/**
 * Makes a large JPEG of a small one that has restart intervals: each interval can stand anywhere, so they are repeated.
 * The sides must be such that the intervals of each scan fill it.
 */
export function enlarge(jpeg: Uint8Array, { width, height }: { width: number; height: number }): Uint8Array {
  const parts: Uint8Array[] = [jpeg.subarray(0, 2)];
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  const samplings = new Map<number, { across: number; down: number }>();
  let interval = 0;
  for (let at = 2; jpeg[at + 1] !== 0xd9; ) {
    const marker = jpeg[at + 1];
    const end = at + 2 + view.getUint16(at + 2);
    const segment = jpeg.slice(at, end);
    parts.push(segment);
    at = end;
    if (marker === 0xc0 || marker === 0xc1 || marker === 0xc2) {
      segment.set([height >> 8, height & 255, width >> 8, width & 255], 5);
      for (let i = 10; i < segment.length; i += 3) {
        const sampling = segment[i + 1] as number;
        samplings.set(segment[i] as number, { across: sampling >> 4, down: sampling & 15 });
      }
    } else if (marker === 0xdd) interval = (segment[4] as number) * 256 + (segment[5] as number);
    else if (marker === 0xda) {
      const ids = Array.from({ length: segment[4] as number }, (_, i) => segment[5 + 2 * i] as number);
      const count = unitsOf(ids, samplings, { width, height }) / interval;
      const { intervals, next } = readIntervals(jpeg, end);
      // The last one may be shorter than the others.
      const whole = intervals.slice(0, -1);
      for (let n = 0; n < count; n++) {
        parts.push(whole[n % whole.length] as Uint8Array);
        if (n < count - 1) parts.push(Uint8Array.of(0xff, 0xd0 + (n % 8)));
      }
      at = next;
    }
  }
  return Uint8Array.from(Buffer.concat([...parts, Uint8Array.of(0xff, 0xd9)]));
}

/** The MCUs of a scan (T.81 A.2): of one component its blocks, of several the groups that they are interleaved in. */
function unitsOf(
  ids: readonly number[],
  samplings: ReadonlyMap<number, { across: number; down: number }>,
  { width, height }: { width: number; height: number },
): number {
  const all = [...samplings.values()];
  const across = Math.max(...all.map((sampling) => sampling.across));
  const down = Math.max(...all.map((sampling) => sampling.down));
  const only = ids.length === 1 ? samplings.get(ids[0] as number) : undefined;
  const units = (side: number, most: number, own: number) => Math.ceil(Math.ceil((side * own) / most) / 8);
  return only
    ? units(width, across, only.across) * units(height, down, only.down)
    : units(width, across, 1) * units(height, down, 1);
}

function readIntervals(jpeg: Uint8Array, from: number): { intervals: Uint8Array[]; next: number } {
  const intervals: Uint8Array[] = [];
  let start = from;
  for (let at = from; ; at++) {
    const marker = jpeg[at + 1] as number;
    if (jpeg[at] !== 0xff || marker === 0) continue;
    intervals.push(jpeg.subarray(start, at));
    if (marker < 0xd0 || marker > 0xd7) return { intervals, next: at };
    start = at + 2;
  }
}
