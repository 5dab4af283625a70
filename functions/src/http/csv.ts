import { stringify } from "csv-stringify/sync";
import type * as z from "zod";
import type { Listing } from "../domain/list.ts";
import { Streamed } from "./stream.ts";

/**
 * What a spreadsheet treats as a formula: they skip white space and invisible characters before it, and some read the
 * full-width forms of its first character as well. A tab or CR can move the rest into a cell of its own.
 */
const FORMULA = /^(?:[\p{White_Space}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])/u;

/** One record of RFC 4180, without its line break. Text that a spreadsheet would run gets a leading `'`. */
export const toRecord = (fields: readonly unknown[]): string =>
  stringify(
    [fields.map((field) => (typeof field === "string" && FORMULA.test(field) ? `'${field}` : field))],
    {
      eof: false,
      record_delimiter: "\r\n",
      quoted_match: /[\r\n]/,
    },
  );

/**
 * A list as CSV of RFC 4180: a header row, then an item a row, `null` as an empty field; without its last line
 * break it is incomplete. The columns are the shape's fields in their order; each item is held against it.
 */
export function streamCsv<T, Shape extends z.ZodObject>(
  shape: Shape,
  listing: Listing<T>,
  toWire: (item: T) => z.infer<Shape>,
  filename: string,
): Streamed {
  const columns = Object.keys(shape.shape);
  const write = (item: T): string => {
    const fields: Record<string, unknown> = shape.parse(toWire(item));
    return toRecord(columns.map((column) => fields[column]));
  };
  const frame = { begin: toRecord(columns), first: "\r\n", next: "\r\n", end: "\r\n", write };
  return new Streamed(frame, listing.stream(), {
    "Content-Disposition": `attachment; filename="${filename}"`,
  });
}
