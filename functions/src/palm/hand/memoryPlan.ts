/** Numbers that must be kept from one step of a network to another, both included. */
export interface Block {
  floats: number;
  from: number;
  to: number;
}

/** Blocks begin at multiples of 16 bytes. */
const ALIGNMENT = 4;

/**
 * Places blocks so that those needed at the same step do not overlap: the largest first, each at the lowest free place.
 * Source: greedy by size, Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020.
 * @returns the blocks' places, and how many floats they need in all
 */
export function planMemory(blocks: readonly Block[]): { places: number[]; floats: number } {
  const places = new Array<number>(blocks.length).fill(0);
  const placed: { block: Block; start: number; end: number }[] = [];
  let floats = 0;
  const order = blocks
    .map((block, i) => ({ block, i }))
    .sort((a, b) => b.block.floats - a.block.floats || a.i - b.i);
  for (const { block, i } of order) {
    const size = Math.ceil(block.floats / ALIGNMENT) * ALIGNMENT;
    let start = 0;
    for (const other of placed) {
      if (other.block.to < block.from || other.block.from > block.to) continue;
      if (start + size <= other.start) break;
      start = Math.max(start, other.end);
    }
    const end = start + size;
    placed.push({ block, start, end });
    placed.sort((a, b) => a.start - b.start);
    places[i] = start;
    floats = Math.max(floats, end);
  }
  return { places, floats };
}
