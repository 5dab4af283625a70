import { DomainError } from "./domain/errors.ts";
import { Turns } from "./domain/turns.ts";
import { type Input, type Received, readInput } from "./http/input.ts";
import { type InputReader, MOST_WAITING, type Sender, SMALL } from "./http/inputReader.ts";
import type { Route } from "./http/route.ts";
import type { Result, Task } from "./inputs/worker.ts";
import { Threads, workerUrl } from "./threads.ts";

const WORKER = workerUrl(import.meta.url, "./inputs/worker.ts", "./input-worker.js");

/**
 * Reads large bodies of `identify` on two threads, one per organization, because 24 MB of pictures take 0.2 s. After each, the
 * organization's next one waits for as long as it took, so that it takes at most half of a processor's time.
 */
export class ReaderAside implements InputReader {
  readonly #turns = new Turns({ most: Number.POSITIVE_INFINITY, mostOfOne: 1, mostWaiting: MOST_WAITING });
  readonly #threads = new Threads<Task, Result>(WORKER, {
    most: 2,
    // The text of 24 MiB with two bytes a character, and its parts.
    heap_mib: 256,
  });

  async read(route: Route, received: Received, { owner, signal }: Sender): Promise<Input> {
    if (received.raw.length <= SMALL) return readInput(route, received);
    const result = await this.#inTurn(owner, signal, () => {
      const raw = ofItsOwn(received.raw);
      const task = { operationId: route.operationId, ...received, raw };
      return this.#threads.run(owner, task, { transfer: [raw.buffer], signal });
    });
    if ("input" in result) return result.input;
    const { code, message, ...more } = result.refusal;
    throw new DomainError(code, message, more);
  }

  async #inTurn<T>(owner: string, signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const end = await this.#turns.take(owner, signal);
    const started = performance.now();
    try {
      return await read();
    } finally {
      setTimeout(end, performance.now() - started).unref();
    }
  }

  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** Bytes whose buffer holds nothing else and can be moved to the thread; copying 24 MB takes 30 ms. */
const ofItsOwn = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
