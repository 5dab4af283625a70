/*
 * Gray JPEGs whose every block is gray 128, written by hand: of any size, and costly to decode for their length.
 */

const SOI = [0xff, 0xd8];
const EOI = [0xff, 0xd9];

const word = (value: number) => [value >> 8, value & 0xff];

const segment = (marker: number, body: readonly number[]) => [
  0xff,
  marker,
  ...word(body.length + 2),
  ...body,
];

const frame = (marker: number, width: number, height: number) =>
  segment(marker, [8, ...word(height), ...word(width), 1, 1, 0x11, 0]);

/** A Huffman table of one code of one bit: 0 stands for the symbol. */
const table = (kind: number, symbol: number) => segment(0xc4, [kind, 1, ...Array(15).fill(0), symbol]);

const quantization = segment(0xdb, [0, ...Array(64).fill(16)]);

const scan = (first: number, last: number) => segment(0xda, [1, 1, 0x00, first, last, 0]);

const blocksOf = (width: number, height: number) => Math.ceil(width / 8) * Math.ceil(height / 8);

/** A baseline JPEG. @param width in pixels, like `height` */
export function flatJpeg({ width, height }: { width: number; height: number }): Uint8Array {
  // Two bits a block: no difference, end of block.
  const data = Array(Math.ceil(blocksOf(width, height) / 4)).fill(0);
  return Uint8Array.from([
    ...[...SOI, ...quantization, ...frame(0xc0, width, height), ...table(0x00, 0), ...table(0x10, 0)],
    ...[...scan(0, 63), ...data, ...EOI],
  ]);
}

/**
 * A progressive JPEG of so many scans. Each of them visits every block, and says in a few bytes that its coefficients are
 * zero: what makes a decoder work for nothing.
 * @param side in pixels
 * @param scans at least 2; more than 64 repeat the last one
 */
export function progressiveJpeg({ side, scans }: { side: number; scans: number }): Uint8Array {
  const blocks = blocksOf(side, side);
  // The symbol 0xe0 begins a run of 2^14 blocks and as many more as its 14 bits say.
  const run = Array(2 * Math.ceil(blocks / 2 ** 14)).fill(0);
  const parts = [
    ...SOI,
    ...quantization,
    ...frame(0xc2, side, side),
    ...table(0x00, 0),
    ...table(0x10, 0xe0),
  ];
  parts.push(...scan(0, 0), ...Array(Math.ceil(blocks / 8)).fill(0));
  for (let n = 1; n < scans; n++) {
    const first = Math.min(n, 63);
    parts.push(...scan(first, n === scans - 1 ? 63 : first), ...run);
  }
  return Uint8Array.from([...parts, ...EOI]);
}
