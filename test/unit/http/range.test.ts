import assert from "node:assert/strict";
import * as z from "zod";
import type { DomainError } from "../../../functions/src/domain/errors.ts";
import type { Listing, Position, Range } from "../../../functions/src/domain/list.ts";
import { pageQuery, readPage } from "../../../functions/src/http/page.ts";
import { rangeQuery, readRange } from "../../../functions/src/http/range.ts";

const Query = z.strictObject({ ...rangeQuery, ...pageQuery(1000) });
const NOW = new Date("2026-11-24T12:00:00.000Z");

const read = (query: Record<string, string>): string[] => {
  const { from, to } = readRange(Query.parse(query), NOW);
  return [from.toISOString(), to.toISOString()];
};
/** Where a query is refused, and why: `<path> <message>`. */
const refusal = (query: Record<string, string>): string => {
  const parsed = Query.safeParse(query);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path} ${message}`).join();
  try {
    readRange(parsed.data, NOW);
  } catch (error) {
    return ((error as DomainError).errors ?? []).map(({ path, message }) => `${path} ${message}`).join();
  }
  return "";
};

describe("A range", () => {
  it("is the last 24 hours unless told", () => {
    assert.deepEqual(read({}), ["2026-11-23T12:00:00.000Z", "2026-11-24T12:00:00.000Z"]);
    assert.deepEqual(read({ to: "2026-01-02T00:00:00Z" }), [
      "2026-01-01T00:00:00.000Z",
      "2026-01-02T00:00:00.000Z",
    ]);
    assert.deepEqual(read({ from: "2026-11-01T00:00:00Z" }), ["2026-11-01T00:00:00.000Z", NOW.toISOString()]);
  });

  it("takes offsets", () => {
    assert.deepEqual(read({ from: "2026-11-24T01:30:00+05:30", to: "2026-11-23T23:00:00.5-01:00" }), [
      "2026-11-23T20:00:00.000Z",
      "2026-11-24T00:00:00.500Z",
    ]);
  });

  it("takes a leap second and lower case", () => {
    // RFC 3339, 5.6 and 5.8.
    assert.deepEqual(read({ from: "2016-12-31t00:00:00z", to: "2016-12-31T23:59:60Z" }), [
      "2016-12-31T00:00:00.000Z",
      "2016-12-31T23:59:59.999Z",
    ]);
  });

  it("begins and ends at the first millisecond that is not before a finer moment", () => {
    assert.deepEqual(read({ from: "2026-11-24T00:00:00.0000Z", to: "2026-11-24T00:00:00.000001Z" }), [
      "2026-11-24T00:00:00.000Z",
      "2026-11-24T00:00:00.001Z",
    ]);
  });

  it("is at most 366 days long", () => {
    const leapYear = { from: "2024-01-01T00:00:00Z", to: "2025-01-01T00:00:00Z" };
    assert.equal(read(leapYear).length, 2);
    assert.match(refusal({ ...leapYear, to: "2025-01-01T00:00:00.001Z" }), /^from is more than 366 days/);
    assert.match(refusal({ from: "1970-01-01T00:00:00Z" }), /^from is more than 366 days/);
  });

  for (const [what, query, where] of [
    ["one that is empty", { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" }, "from is not before"],
    ["one that runs backwards", { from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }, "from is not"],
    ["one that begins after now", { from: "2026-11-24T12:00:00.001Z" }, "from is not before to"],
    ["a date alone", { from: "2026-01-01" }, "from must be an RFC 3339 time"],
    ["local time", { to: "2026-01-01T00:00:00" }, "to must be an RFC 3339 time"],
    ["a day that is not", { from: "2026-02-30T00:00:00Z" }, "from must be a date that the calendar has"],
    ["milliseconds", { from: "1764000000000" }, "from must be an RFC 3339 time"],
    ["a year before the first", { from: "0000-12-31T23:00:00Z", to: "0001-01-02T00:00:00Z" }, "from lies"],
    ["a start that the end puts before the first year", { to: "0001-01-01T12:00:00Z" }, "to lies"],
    ["an end after the last year", { from: "9999-12-31T23:00:00Z", to: "9999-12-31T23:59:59-01:00" }, "from"],
  ] as const) {
    it(`refuses ${what}`, () => assert.ok(refusal(query).startsWith(where), refusal(query)));
  }
});

describe("A cursor of a range", () => {
  const item = (n: number): Position => ({
    created_at: new Date(Date.UTC(2026, 10, 24) - n),
    id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  });
  const listing: Listing<Position> = {
    slice: async ({ limit }) => Array.from({ length: limit }, (_, n) => item(n)),
    count: async () => 1000,
    stream: () => assert.fail("not asked for"),
  };
  const cursorOf = async (range?: Range): Promise<string> => {
    const { next_cursor } = await readPage(listing, { per_page: 10 }, ({ id }) => id, range);
    assert.ok(next_cursor);
    return next_cursor;
  };

  it("goes on in its range, however late it is used", async () => {
    const range = readRange({}, NOW);
    const { cursor } = Query.parse({ cursor: await cursorOf(range) });
    assert.deepEqual(cursor, { position: item(9), range });
    const later = new Date(NOW.getTime() + 3_600_000);
    assert.deepEqual(readRange({ cursor }, later), range);
    assert.deepEqual(readRange({ cursor, to: range.to }, later), range);
  });

  it("of a time before 1970 is read as it was written", async () => {
    const range = { from: new Date(-86_400_000), to: new Date(-1) };
    assert.deepEqual(Query.parse({ cursor: await cursorOf(range) }).cursor?.range, range);
  });

  it("cannot be given with another range, nor to a list of another kind", async () => {
    const range = readRange({}, NOW);
    const cursor = await cursorOf(range);
    assert.equal(refusal({ cursor, to: "2026-11-24T11:00:00Z" }), "to is another than the cursor's");
    assert.equal(refusal({ cursor: await cursorOf() }), "cursor is no cursor of this list");
    await assert.rejects(
      readPage(listing, Query.parse({ cursor }), ({ id }) => id),
      { errors: [{ path: "cursor", message: "is no cursor of this list" }] },
    );
  });

  it("cannot be made up: an impossible range or moment is refused", () => {
    const { id } = item(0);
    const day = 86_400_000;
    const written = (...parts: (string | number)[]) => Buffer.from(parts.join(".")).toString("base64url");
    assert.ok(Query.safeParse({ cursor: written(5, id, 0, day) }).success);
    for (const cursor of [
      written(5, id, day, 0),
      written(5, id, 0, 367 * day),
      written(5, id, 0),
      written(5, id, 0, day, 0),
      written(5, id, "00", day),
      written(5, id, "-0", day),
      written(-99_999_999_999_999, id, 0, day),
      written(5, id, -99_999_999_999_999, -99_999_999_999_998),
    ]) {
      assert.equal(refusal({ cursor }), "cursor is no cursor of this API", cursor);
    }
  });
});
