import { invalid, unavailable } from "./errors.ts";

export interface TurnLimits {
  most: number;
  mostOfOne?: number;
  mostWaiting?: number;
}

/** Nobody hears this answer. */
const left = () => invalid("", "broke off before its end");

/** Limits how much is done at once. Owners who wait are served in turn, so that many wishes of one do not delay the others'. */
export class Turns {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #mostWaiting: number;
  /** How many turns each owner has now. */
  readonly #taken = new Map<string, number>();
  /** Those who wait, the next one first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;

  /** @param limits turns at once, those of one owner, and how many of one owner may wait */
  constructor({ most, mostOfOne = most, mostWaiting = Number.POSITIVE_INFINITY }: TurnLimits) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Resolves when it is the owner's turn, with what ends it: to be called once.
   * @param signal aborted when nobody waits for it any more
   * @throws DomainError `unavailable` when too many of the owner wait, `invalid_request` when nobody does any more.
   */
  take(owner: string, signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? [];
      if (signal?.aborted) return reject(left());
      if (queue.length >= this.#mostWaiting)
        return reject(unavailable(new Error(`too many wait of ${owner}`)));
      const start = () => {
        signal?.removeEventListener("abort", leave);
        resolve(() => this.#end(owner));
      };
      const leave = () => {
        queue.splice(queue.indexOf(start), 1);
        if (queue.length === 0) this.#waiting.delete(owner);
        reject(left());
      };
      signal?.addEventListener("abort", leave);
      queue.push(start);
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
