import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import * as z from "zod";
import type { Listing, Position } from "../../../functions/src/domain/list.ts";
import { streamCsv, toRecord } from "../../../functions/src/http/csv.ts";

const Shape = z.strictObject({ text: z.string().nullable(), number: z.int(), more: z.string().nullable() });
type Item = Position & z.infer<typeof Shape>;

async function csvOf(rows: z.infer<typeof Shape>[]): Promise<string> {
  const listing: Listing<Item> = {
    slice: () => assert.fail("not asked for"),
    count: () => assert.fail("not asked for"),
    async *stream() {
      for (const row of rows) yield [{ ...row, id: "", created_at: new Date(0) }];
    },
  };
  const toWire = ({ text, number, more }: Item) => ({ text, number, more });
  const streamed = streamCsv(Shape, listing, toWire, "rows.csv");
  assert.deepEqual(streamed.headers, { "Content-Disposition": 'attachment; filename="rows.csv"' });
  return new Response(await streamed.open(() => assert.fail("it failed"))).text();
}

/** The rule in steps, for comparison: the first character that is neither white space nor a format character. */
function isFormula(value: string): boolean {
  const first = [...value].find((character) => !/^(\p{White_Space}|\p{Cf})$/u.test(character)) ?? "";
  return "=+-@＝＋－＠".includes(first || "x") || value.startsWith("\t") || value.startsWith("\r");
}

describe("CSV", () => {
  it("is a header row, then a row an item, each ended by CRLF, without a byte order mark", async () => {
    assert.equal(await csvOf([]), "text,number,more\r\n");
    assert.equal(
      await csvOf([
        { text: "a", number: 1, more: null },
        { text: null, number: -2, more: "b" },
      ]),
      "text,number,more\r\na,1,\r\n,-2,b\r\n",
    );
  });

  for (const [what, text, written] of [
    ["a comma", "a,b", '"a,b"'],
    ["a quote", 'a"b', '"a""b"'],
    ["LF", "a\nb", '"a\nb"'],
    ["CR", "a\rb", '"a\rb"'],
    ["CRLF", "a\r\nb", '"a\r\nb"'],
    ["emoji", "🖐🏽", "🖐🏽"],
    ["right-to-left text", "مُحَمَّد", "مُحَمَّد"],
    ["a space at both ends", " a ", " a "],
    ["=", "=1+1", "'=1+1"],
    ["+", "+49", "'+49"],
    ["-", "-1", "'-1"],
    ["@", "@SUM(A1)", "'@SUM(A1)"],
    ["a tab", "\t=1", "'\t=1"],
    // Reported as JSONbored/loopover#7468 (white space) and Asymmetric-al/core#518 (that of Unicode).
    // OWASP's list of CSV injection, and what spreadsheets skip before they look for a formula.
    ["a tab before text", "\tx", "'\tx"],
    ["a space before a formula", " =1+1", "' =1+1"],
    ["a no-break space before a formula", "\u00a0=1", "'\u00a0=1"],
    ["an ideographic space before a formula", "\u3000@SUM(A1)", "'\u3000@SUM(A1)"],
    ["a byte order mark before a formula", "\ufeff=1", "'\ufeff=1"],
    ["invisible characters and spaces before a formula", "\u200b \u2060\u00ad+1", "'\u200b \u2060\u00ad+1"],
    ["a bidirectional control before a formula", "\u202e-1", "'\u202e-1"],
    ["a line break before a formula", "\n=1", '"\'\n=1"'],
    ["a full-width =", "＝1+1", "'＝1+1"],
    ["a full-width +", "＋1", "'＋1"],
    ["a full-width -", "－1", "'－1"],
    ["a full-width @", " ＠SUM(A1)", "' ＠SUM(A1)"],
    ["white space before plain text", " \u00a0a=1", " \u00a0a=1"],
    ["CR at its beginning", "\r=1", '"\'\r=1"'],
    ["a formula with quotes", '=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
    ["a formula later on", "a=1", "a=1"],
    ["a quote of its own", "'=1", "'=1"],
    ["what a number begins with", "1-1", "1-1"],
  ] as const) {
    it(`writes ${what} so that it stays text`, () => assert.equal(toRecord([text]), written));
  }

  it("is read back as it was, whatever the text", async () => {
    // Half a surrogate pair is refused where text comes in.
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({
        unit: fc.constantFrom(
          "=",
          "+",
          "-",
          "@",
          "\t",
          "\r",
          "\n",
          '"',
          "'",
          ",",
          " ",
          "a",
          "é",
          "＝",
          "\u200b",
        ),
      }),
    );
    const row = fc.record({ text, number: fc.integer(), more: fc.option(text) });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
        const guarded = (value: string | null) =>
          value === null ? "" : isFormula(value) ? `'${value}` : value;
        const back = parse(await csvOf(rows), { record_delimiter: "\r\n" });
        assert.deepEqual(back, [
          ["text", "number", "more"],
          ...rows.map(({ text, number, more }) => [guarded(text), String(number), guarded(more)]),
        ]);
      }),
      { numRuns: 300 },
    );
  });
});
