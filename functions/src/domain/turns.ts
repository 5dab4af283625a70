import { invalid, unavailable } from "./errors.ts";

export interface TurnLimits {
  most: number;
  mostOfOne?: number;
  mostWaiting?: number;
}

/** The client has disconnected, so this error is never sent. */
const disconnected = () => invalid("", "broke off before its end");

/** Limits how many tasks run concurrently. Waiting owners are served in turn, so that many tasks of one do not delay the others. */
export class Turns {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #mostWaiting: number;
  /** Running turns by owner. */
  readonly #taken = new Map<string, number>();
  /** Waiting turns by owner, the next owner first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;

  /** @param limits concurrent turns, concurrent turns of one owner, and waiting turns of one owner */
  constructor({ most, mostOfOne = most, mostWaiting = Number.POSITIVE_INFINITY }: TurnLimits) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Waits for the owner's turn.
   * @param signal aborted when the client disconnects
   * @returns a function that ends the turn, to be called once
   * @throws DomainError `unavailable` when too many turns of the owner wait, `invalid_request` after a disconnect.
   */
  take(owner: string, signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? [];
      if (signal?.aborted) return reject(disconnected());
      if (queue.length >= this.#mostWaiting)
        return reject(unavailable(new Error(`too many turns of ${owner} wait`)));
      const start = () => {
        signal?.removeEventListener("abort", leave);
        resolve(() => this.#end(owner));
      };
      const leave = () => {
        queue.splice(queue.indexOf(start), 1);
        if (queue.length === 0) this.#waiting.delete(owner);
        reject(disconnected());
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
      // Moves the owner to the end of the map, where this loop visits it again.
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
