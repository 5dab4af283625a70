import { Turns } from "../domain/turns.ts";
import { type Input, type Received, readInput } from "./input.ts";
import type { Route } from "./route.ts";

/** Validates inputs, without keeping the thread that serves requests busy (docs/adr/0015-requests-reach-us-unread.md). */
export interface InputReader {
  /** @throws DomainError as `readInput` does; `unavailable` */
  read(route: Route, received: Received, sender: Sender): Promise<Input>;
}

export interface Sender {
  /** An organization where there is one: owners who wait are served in turn. */
  owner: string;
  /** Aborted when the sender has gone. */
  signal: AbortSignal;
}

/** How many large bodies of one owner may wait: 32 of 8 MiB are 256 MiB. */
export const MOST_WAITING = 32;

/** Bytes of a body that is parsed at once, whoever else waits. */
export const SMALL = 16 * 1024;

/**
 * Reads large bodies one at a time, owners in turn, with a pause after each that is as long as it took: at most half of
 * the thread's time goes into them, however many arrive together.
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
