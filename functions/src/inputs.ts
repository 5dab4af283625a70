import { DomainError } from "./domain/errors.ts";
import { type Input, type Received, readInput } from "./http/input.ts";
import { type InputReader, MOST_WAITING, type Sender, SMALL } from "./http/inputReader.ts";
import type { Route } from "./http/route.ts";
import type { Result, Task } from "./inputs/worker.ts";
import { type ThreadOptions, Threads } from "./threads.ts";

/** The bundle has the worker beside the file that this becomes a part of. */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./inputs/worker.ts" : "./input-worker.js",
  import.meta.url,
);

/** Reads the large bodies of `identify` on two threads, of which an organization has one: 8 MB of pictures take 70 ms. */
export class ReaderAside implements InputReader {
  readonly #threads: Threads<Task, Result>;

  constructor({ worker = WORKER, ...options }: Partial<ThreadOptions> & { worker?: URL } = {}) {
    this.#threads = new Threads(worker, { most: 2, mostOfOne: 1, mostWaiting: MOST_WAITING, ...options });
  }

  async read(route: Route, received: Received, { owner, signal }: Sender): Promise<Input> {
    if (received.raw.length <= SMALL) return readInput(route, received);
    const raw = ofItsOwn(received.raw);
    const task = { operationId: route.operationId, ...received, raw };
    const result = await this.#threads.run(owner, task, { transfer: [raw.buffer], signal });
    if ("input" in result) return result.input;
    const { code, message, ...more } = result.refusal;
    throw new DomainError(code, message, more);
  }

  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** Bytes that share their buffer with nobody, so that the thread can have it: a copy of 8 MB takes 10 ms. */
const ofItsOwn = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
