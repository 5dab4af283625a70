import { type Chance, newChance } from "./chance.ts";

/**
 * Damaged copies of files: bits flipped, ends cut off, parts exchanged with other files. The same for the same seed.
 * @param files the files to damage, in turn
 */
export function* mutations(
  files: readonly Uint8Array[],
  { count, seed }: { count: number; seed: number },
): Iterable<Uint8Array> {
  const chance = newChance(seed);
  for (let n = 0; n < count; n++) {
    const file = files[n % files.length] as Uint8Array;
    const other = files[below(chance, files.length)] as Uint8Array;
    yield damage(file, other, chance);
  }
}

const below = (chance: Chance, end: number): number => Math.floor(chance() * end);

function damage(file: Uint8Array, other: Uint8Array, chance: Chance): Uint8Array {
  const kind = chance();
  if (kind < 0.1) return file.subarray(0, below(chance, file.length));
  if (kind < 0.25) {
    const at = below(chance, file.length);
    const from = below(chance, other.length);
    const part = other.subarray(from, from + below(chance, 200));
    return Uint8Array.from([...file.subarray(0, at), ...part, ...file.subarray(at)]);
  }
  const copy = Uint8Array.from(file);
  // Most often in the headers, where a byte changes most.
  const end = chance() < 0.7 ? Math.min(copy.length, 400) : copy.length;
  for (let flips = 1 + below(chance, 4); flips > 0; flips--) {
    const at = below(chance, end);
    copy[at] = chance() < 0.5 ? (copy[at] as number) ^ (1 << below(chance, 8)) : below(chance, 256);
  }
  return copy;
}
