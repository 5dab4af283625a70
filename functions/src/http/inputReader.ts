import { Turns } from "../domain/turns.ts";
import { type Input, type Received, readInput } from "./input.ts";
import type { Route } from "./route.ts";

/** Validates inputs without blocking the event loop (docs/adr/0015-requests-reach-us-unread.md). */
export interface InputReader {
  /** @throws DomainError those of `readInput`, and `unavailable` */
  read(route: Route, received: Received, sender: Sender): Promise<Input>;
}

export interface Sender {
  /** The organization if there is one, else the caller. Waiting owners are served in turn. */
  owner: string;
  /** Aborted when the client disconnects. */
  signal: AbortSignal;
}

/** Limit of waiting large bodies per owner: 32 of 24 MiB are 768 MiB. An instance of `identify` serves 16 at once. */
export const MOST_WAITING = 32;

/** Bodies of up to this many bytes are parsed immediately, without waiting for a turn. */
export const SMALL = 16 * 1024;

/**
 * Reads large bodies one at a time, owners in turn, and pauses after each for as long as it took. So large bodies take at
 * most half of the thread's time, regardless of how many arrive together.
 */
export class ReaderInTurn implements InputReader {
  readonly #turns = new Turns({ most: 1, mostWaiting: MOST_WAITING });

  async read(route: Route, received: Received, { owner, signal }: Sender): Promise<Input> {
    if (received.raw.length <= SMALL) return readInput(route, received);
    const end = await this.#turns.take(owner, signal);
    const started = performance.now();
    try {
      return readInput(route, received);
    } finally {
      setTimeout(end, performance.now() - started);
    }
  }
}
