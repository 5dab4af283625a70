import type { Block } from "./memoryPlan.ts";
import type { Model } from "./tflite.ts";

/** Operators whose output takes the place of their first input when nothing reads that any more. */
export interface Sharing {
  /** The output is the same numbers. */
  alias: ReadonlySet<number>;
  /** Each output number depends on the input number at the same position only. */
  inPlace: ReadonlySet<number>;
}

export const floatsOf = (shape: readonly number[]): number =>
  shape.reduce((product, side) => product * side, 1);

/**
 * Which tensors need memory, and for how long: a block for each group of tensors that share a place.
 * @param isConstant whether a tensor is in the model instead of being computed
 * @returns the blocks, and each tensor's block; constants have none
 */
export function tensorBlocks(
  { tensors, operators, inputs, outputs }: Model,
  isConstant: (tensor: number) => boolean,
  { alias, inPlace }: Sharing,
): { blocks: Block[]; blockOf: Map<number, number> } {
  const blocks: Block[] = [];
  const blockOf = new Map<number, number>();
  const create = (tensor: number, from: number): void => {
    blockOf.set(tensor, blocks.length);
    blocks.push({ floats: floatsOf(tensors[tensor]?.shape ?? []), from, to: lastUse(tensor) });
  };
  const readers = new Map<number, number>();
  operators.forEach((operator, step) => {
    for (const input of operator.inputs) readers.set(input, step);
  });
  for (const output of outputs) readers.set(output, operators.length);
  const lastUse = (tensor: number) => readers.get(tensor) ?? -1;

  for (const input of inputs) create(input, -1);
  operators.forEach(({ code, inputs: [first = -1], outputs: [output = -1] }, step) => {
    if (isConstant(output)) return;
    const shared = blockOf.get(first);
    const block = shared === undefined ? undefined : blocks[shared];
    const free =
      block !== undefined && block.to <= step && block.floats === floatsOf(tensors[output]?.shape ?? []);
    if (shared === undefined || block === undefined || !(alias.has(code) || (inPlace.has(code) && free))) {
      create(output, step);
      // An output that nothing reads is still written.
      const created = blocks.at(-1) as Block;
      created.to = Math.max(created.to, step);
      return;
    }
    blockOf.set(output, shared);
    block.to = Math.max(block.to, lastUse(output), step);
  });
  return { blocks, blockOf };
}
