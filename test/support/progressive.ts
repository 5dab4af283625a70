/**
 * A gray progressive JPEG of so many scans. Each refines every coefficient of every block, and says in two bytes that
 * there is nothing to refine: what makes a decoder work for nothing.
 * @param side in pixels, a multiple of 8
 */
export function progressiveJpeg({ side, scans }: { side: number; scans: number }): Uint8Array {
  const blocks = (side / 8) ** 2;
  const segment = (marker: number, body: readonly number[]) => [
    ...[0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff],
    ...body,
  ];
  const word = (value: number) => [value >> 8, value & 0xff];
  // One code of one bit: 0 stands for the symbol.
  const table = (kind: number, symbol: number) => segment(0xc4, [kind, 1, ...Array(15).fill(0), symbol]);
  const scan = (first: number, last: number, refined = 0) =>
    segment(0xda, [1, 1, 0x00, first, last, refined << 4]);
  // The symbol 0xe0 begins a run of 2^14 blocks and as many more as its 14 bits say.
  const run = Math.ceil(blocks / 2 ** 14);
  const parts: number[] = [0xff, 0xd8];
  parts.push(...segment(0xdb, [0, ...Array(64).fill(16)]));
  parts.push(...segment(0xc2, [8, ...word(side), ...word(side), 1, 1, 0x11, 0]));
  parts.push(...table(0x00, 0), ...table(0x10, 0xe0));
  parts.push(...scan(0, 0), ...Array(Math.ceil(blocks / 8)).fill(0));
  for (let n = 1; n < scans; n++) parts.push(...scan(1, 63, 1), ...Array(2 * run).fill(0));
  parts.push(0xff, 0xd9);
  return Uint8Array.from(parts);
}
