import type * as z from "zod";

/** How much text a chunk gathers before it is sent, in characters. */
const CHUNK = 32 * 1024;

/** What stands around the items of a stream; without its `end` it is incomplete. */
export interface Frame<T> {
  begin: string;
  /** Before the first item, and before every other. */
  first: string;
  next: string;
  end: string;
  write(item: T): string;
}

/** An answer that is sent while it is read, in constant memory. When reading fails the connection is cut. */
export class Streamed {
  readonly headers: Readonly<Record<string, string>>;
  readonly #frame: Frame<unknown>;
  readonly #batches: AsyncIterator<readonly unknown[]>;

  /** @param headers of the answer, beside those that every answer has */
  constructor(
    frame: Frame<never>,
    batches: AsyncIterable<readonly unknown[]>,
    headers: Record<string, string> = {},
  ) {
    this.headers = headers;
    this.#frame = frame as Frame<unknown>;
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** Nobody will read it. */
  async cancel(): Promise<void> {
    await this.#batches.return?.();
  }

  /**
   * Begins to read: what fails before the first items can still be answered as an error.
   * @param abort is told when reading fails later; true when it has cut the connection
   */
  async open(abort: (error: unknown) => boolean): Promise<ReadableStream<Uint8Array>> {
    const encoder = new TextEncoder();
    const { begin, first, next, end, write } = this.#frame;
    let batch = await this.#batches.next();
    let reading = Promise.resolve(batch);
    let before = begin + first;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      // What has come first goes out at once.
      const enough = before === next ? CHUNK : 1;
      try {
        let text = "";
        while (text.length < enough) {
          batch = await reading;
          if (batch.done) break;
          for (const item of batch.value) {
            text += before + write(item);
            before = next;
          }
          reading = this.#batches.next();
          // It is awaited when it is asked for, unless the client goes away.
          reading.catch(() => undefined);
        }
        if (batch.done) text += before === next ? end : begin + end;
        controller.enqueue(encoder.encode(text));
        if (batch.done) controller.close();
      } catch (error) {
        // It may be an item that cannot be written: then the list is still being read.
        void this.cancel().catch(() => undefined);
        if (abort(error)) controller.close();
        else controller.error(error);
      }
    };
    return new ReadableStream({ pull, cancel: () => this.cancel() }, { highWaterMark: 0 });
  }
}

/** Batches of items as a JSON array; each item is held against its schema. */
export function streamArray<T, U>(
  shape: z.ZodType<U>,
  batches: AsyncIterable<readonly T[]>,
  toWire: (item: T) => U,
): Streamed {
  const write = (item: T): string => JSON.stringify(shape.parse(toWire(item)));
  return new Streamed({ begin: "[", first: "", next: ",", end: "]", write }, batches);
}
