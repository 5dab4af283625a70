import * as z from "zod";
import { invalid } from "../domain/errors.ts";
import type { Listing, Position } from "../domain/list.ts";

/** Deeper than this a list is read by `cursor`: skipping rows costs as much as reading them. */
const MAX_DEPTH = 100_000;
const MIN_PER_PAGE = 10;
const DEFAULT_PER_PAGE = 50;

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, "is no whole number from 1")
    .transform(Number)
    .pipe(z.int().min(least, `is less than ${least}`).max(most, `is more than ${most}`));

/** The query parameters of a list with at most `max` items a page. */
export const pageQuery = (max: number) => ({
  page: whole(1, Number.MAX_SAFE_INTEGER).optional().meta({ description: "From 1; not with `cursor`." }),
  per_page: whole(MIN_PER_PAGE, max)
    .optional()
    .meta({ description: `${MIN_PER_PAGE}..${max}, ${DEFAULT_PER_PAGE} unless given.` }),
  cursor: z
    .string()
    .transform((text, context) => {
      const position = readCursor(text);
      if (position) return position;
      context.addIssue({ code: "custom", message: "is no cursor of this API" });
      return z.NEVER;
    })
    .optional()
    .meta({ description: "`next_cursor` of the page before." }),
});

/** What a list's query asks for, validated. */
export interface PageAsked {
  page?: number | undefined;
  per_page?: number | undefined;
  cursor?: Position | undefined;
}

/** The envelope of a page. */
export const pageShape = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    page: z.int().nullable(),
    per_page: z.int(),
    total_count: z.int().nullable(),
    next_cursor: z.string().nullable(),
  });

/** One page of a list, as the wire shows it. */
export interface Page<T> {
  items: T[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

/** Whether a list that is a plain array otherwise was asked for by the page. */
export const asksForPage = (asked: PageAsked): boolean =>
  Object.values(asked).some((value) => value !== undefined);

/**
 * Reads the page that was asked for.
 * @throws DomainError `invalid_request` for `cursor` with `page`, and for a page too deep to be counted to.
 */
export async function readPage<T extends Position, U>(
  listing: Listing<T>,
  { page, per_page = DEFAULT_PER_PAGE, cursor }: PageAsked,
  toWire: (item: T) => U,
): Promise<Page<U>> {
  if (cursor && page !== undefined) throw invalid("page", "cannot be given with cursor");
  const number = page ?? 1;
  if (number * per_page > MAX_DEPTH) {
    throw invalid("page", `× per_page is more than ${MAX_DEPTH}: go on with cursor`);
  }
  const place = cursor ? { after: cursor } : { offset: (number - 1) * per_page };
  // One more than asked tells whether the list goes on.
  const [items, total_count] = await Promise.all([
    listing.slice({ ...place, limit: per_page + 1 }),
    cursor ? null : listing.count(),
  ]);
  const last = items[per_page - 1];
  return {
    items: items.slice(0, per_page).map(toWire),
    page: cursor ? null : number,
    per_page,
    total_count,
    next_cursor: items.length > per_page && last ? writeCursor(last) : null,
  };
}

/** The last moment that RFC 3339 can write, and that stores keep. */
const END_OF_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/** A cursor is a place in the list, and nothing that needs hiding: base64url of `<ms>.<id>`. */
const writeCursor = ({ created_at, id }: Position): string =>
  Buffer.from(`${created_at.getTime()}.${id}`).toString("base64url");

function readCursor(text: string): Position | undefined {
  const place = /^([0-9]{1,15})\.([0-9a-f-]{36})$/.exec(Buffer.from(text, "base64url").toString("latin1"));
  if (!place) return undefined;
  const [, ms, id] = place as unknown as [string, string, string];
  if (Number(ms) > END_OF_TIME) return undefined;
  const position = { created_at: new Date(Number(ms)), id };
  return writeCursor(position) === text ? position : undefined;
}

/** How much text a chunk of a stream gathers before it is sent, in characters. */
const CHUNK = 32 * 1024;

/**
 * A JSON array that is sent while it is read, in constant memory. When reading fails the connection is cut:
 * an array without its `]` is incomplete. Each item is held against its schema.
 */
export class JsonArray {
  readonly #items: AsyncIterator<unknown>;
  readonly #shape: z.ZodType;

  constructor(shape: z.ZodType, items: AsyncIterable<unknown>) {
    this.#shape = shape;
    this.#items = items[Symbol.asyncIterator]();
  }

  /** Nobody will read it. */
  async cancel(): Promise<void> {
    await this.#items.return?.();
  }

  /**
   * Begins to read: what fails before the first item can still be answered as an error.
   * @param abort is told when reading fails later; true when it has cut the connection
   */
  async open(abort: (error: unknown) => boolean): Promise<ReadableStream<Uint8Array>> {
    const encoder = new TextEncoder();
    let next = await this.#items.next();
    let before = "[";
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      try {
        let text = "";
        while (!next.done && text.length < CHUNK) {
          text += before + JSON.stringify(this.#shape.parse(next.value));
          const first = before === "[";
          before = ",";
          next = await this.#items.next();
          // The first item goes out at once.
          if (first) break;
        }
        if (next.done) text += before === "[" ? "[]" : "]";
        controller.enqueue(encoder.encode(text));
        if (next.done) controller.close();
      } catch (error) {
        if (abort(error)) controller.close();
        else controller.error(error);
      }
    };
    return new ReadableStream({ pull, cancel: () => this.cancel() }, { highWaterMark: 0 });
  }
}

/** A list as a streamed array. */
export function streamArray<T, U>(
  shape: z.ZodType<U>,
  listing: Listing<T>,
  toWire: (item: T) => U,
): JsonArray {
  return new JsonArray(shape, mapped(listing.stream(), toWire));
}

async function* mapped<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncIterable<U> {
  for await (const item of items) yield map(item);
}
