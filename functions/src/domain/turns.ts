/** Limits how much is done at once. Owners who wait are served in turn, so that many wishes of one do not delay the others'. */
export class Turns {
  readonly #most: number;
  readonly #mostOfOne: number;
  /** How many turns each owner has now. */
  readonly #taken = new Map<string, number>();
  /** Those who wait, the next one first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;

  /** @param most turns at once; `mostOfOne` of one owner */
  constructor({ most, mostOfOne = most }: { most: number; mostOfOne?: number }) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
  }

  /** Resolves when it is the owner's turn, with what ends it: to be called once. */
  take(owner: string): Promise<() => void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner) ?? [];
      queue.push(() => resolve(() => this.#end(owner)));
      this.#waiting.set(owner, queue);
      this.#grant();
    });
  }

  #grant(): void {
    for (const [owner, queue] of this.#waiting) {
      if (this.#count >= this.#most) return;
      const taken = this.#taken.get(owner) ?? 0;
      if (taken >= this.#mostOfOne) continue;
      this.#count += 1;
      this.#taken.set(owner, taken + 1);
      // To the end of the line, which this loop then reaches again.
      this.#waiting.delete(owner);
      const start = queue.shift();
      if (queue.length > 0) this.#waiting.set(owner, queue);
      start?.();
    }
  }

  #end(owner: string): void {
    this.#count -= 1;
    const taken = (this.#taken.get(owner) ?? 1) - 1;
    if (taken > 0) this.#taken.set(owner, taken);
    else this.#taken.delete(owner);
    this.#grant();
  }
}
