import { Turns } from "../domain/turns.ts";
import { type Input, type Received, readInput } from "./input.ts";
import type { Route } from "./route.ts";

/** Validates inputs, without keeping the thread that serves requests busy (docs/adr/0015-requests-reach-us-unread.md). */
export interface InputReader {
  /**
   * @param owner who sends it, an organization where there is one: owners who wait are served in turn
   * @throws DomainError as `readInput` does; `unavailable`
   */
  read(route: Route, received: Received, owner: string): Promise<Input>;
}

/** Bytes of a body that is parsed at once, whoever else waits. */
export const SMALL = 16 * 1024;

/**
 * Reads large bodies one at a time, owners in turn, with a pause after each that is as long as it took: at most half of
 * the thread's time goes into them, however many arrive together.
 */
export class ReaderInTurn implements InputReader {
  readonly #turns = new Turns({ most: 1 });

  async read(route: Route, received: Received, owner: string): Promise<Input> {
    if (received.raw.length <= SMALL) return readInput(route, received);
    const end = await this.#turns.take(owner);
    const started = performance.now();
    try {
      return readInput(route, received);
    } finally {
      setTimeout(end, performance.now() - started);
    }
  }
}
