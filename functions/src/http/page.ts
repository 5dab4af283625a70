import * as z from "zod";
import { invalid } from "../domain/errors.ts";
import type { Listing, Position, Range } from "../domain/list.ts";
import { faultOf, isStorable } from "./range.ts";

/** Deeper than this a list is read by `cursor`: finding a page costs the more, the deeper it is. */
const MAX_DEPTH = 100_000;
const MIN_PER_PAGE = 10;
export const DEFAULT_PER_PAGE = 50;

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, "is no whole number from 1")
    .transform(Number)
    .pipe(z.int().min(least, `is less than ${least}`).max(most, `is more than ${most}`))
    .optional();

/** A number in a URL is text to whoever reads it, and a number to whoever reads about it. */
const documented = (least: number, most: number, description: string) => ({
  type: "integer",
  minimum: least,
  maximum: most,
  description,
});

/** The query parameters of a list with at most `max` items a page. */
export const pageQuery = (max: number) => ({
  page: whole(1, Number.MAX_SAFE_INTEGER).meta(
    documented(1, MAX_DEPTH, "1 unless given; not with `cursor`."),
  ),
  per_page: whole(MIN_PER_PAGE, max).meta(documented(MIN_PER_PAGE, max, `${DEFAULT_PER_PAGE} unless given.`)),
  cursor: z
    .string()
    .transform((text, context) => {
      const cursor = readCursor(text);
      if (cursor) return cursor;
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
  cursor?: Cursor | undefined;
}

/** A place in a list, and the range that the list was asked for by. */
interface Cursor {
  position: Position;
  range: Range | undefined;
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
export const asksForPage = ({ page, per_page, cursor }: PageAsked): boolean =>
  [page, per_page, cursor].some((value) => value !== undefined);

/**
 * Reads the page that was asked for.
 * @param range by which the listing was made, if any: its cursors go on in it, however late they are used
 * @throws DomainError `invalid_request` for `cursor` with `page`, for a page too deep to be counted to, and for a
 * cursor of another kind of list.
 */
export async function readPage<T extends Position, U>(
  listing: Listing<T>,
  { page, per_page = DEFAULT_PER_PAGE, cursor }: PageAsked,
  toWire: (item: T) => U,
  range?: Range,
): Promise<Page<U>> {
  if (cursor && page !== undefined) throw invalid("page", "cannot be given with cursor");
  if (cursor?.range && !range) throw invalid("cursor", "is no cursor of this list");
  const number = page ?? 1;
  if (number * per_page > MAX_DEPTH) {
    throw invalid("page", `× per_page is more than ${MAX_DEPTH}: go on with cursor`);
  }
  const place = cursor ? { after: cursor.position } : { offset: (number - 1) * per_page };
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
    next_cursor: items.length > per_page && last ? writeCursor(last, range) : null,
  };
}

/**
 * A cursor is a place in the list, and nothing that needs hiding: base64url of `<ms>.<id>`, followed by
 * `.<from>.<to>` where the list is one of a range.
 */
export function writeCursor({ created_at, id }: Position, range: Range | undefined): string {
  const moments = range ? [range.from, range.to].map((moment) => moment.getTime()) : [];
  return Buffer.from([created_at.getTime(), id, ...moments].join(".")).toString("base64url");
}

const CURSOR = /^(-?\d{1,15})\.([0-9a-f-]{36})(?:\.(-?\d{1,15})\.(-?\d{1,15}))?$/;

function readCursor(text: string): Cursor | undefined {
  const parts = CURSOR.exec(Buffer.from(text, "base64url").toString("latin1"));
  if (!parts) return undefined;
  const [, ms, id, from, to] = parts as unknown as [string, string, string, string?, string?];
  const position = { created_at: new Date(Number(ms)), id };
  const range = from && to ? { from: new Date(Number(from)), to: new Date(Number(to)) } : undefined;
  if (!isStorable(position.created_at) || (range && faultOf(range))) return undefined;
  // One that is written otherwise than we write it is somebody else's.
  return writeCursor(position, range) === text ? { position, range } : undefined;
}
