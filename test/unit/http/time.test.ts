import assert from "node:assert/strict";
import * as fc from "fast-check";
import { moment } from "../../../functions/src/http/time.ts";

const read = (text: string): string => {
  const result = moment.safeParse(text);
  return result.success ? result.data.toISOString() : (result.error.issues[0]?.message ?? "");
};

// Lower case: reported as danielrichman/strict-rfc3339#5 and t-unit/tonik#173.
describe("A time", () => {
  for (const [text, expected] of [
    // RFC 3339, 5.6: "T" and "Z" may be written in lower case.
    ["2026-11-24t08:00:00z", "2026-11-24T08:00:00.000Z"],
    ["2026-11-24t08:00:00.5+05:30", "2026-11-24T02:30:00.500Z"],
    // RFC 3339, 4.3: an unknown local offset.
    ["2026-11-24T08:00:00-00:00", "2026-11-24T08:00:00.000Z"],
    ["2024-02-29T23:59:59.999999999Z", "2024-03-01T00:00:00.000Z"],
    // RFC 3339, 5.8: leap seconds in UTC and at an offset.
    ["1990-12-31T23:59:60Z", "1990-12-31T23:59:59.999Z"],
    ["1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999Z"],
    ["2015-07-01T05:29:60+05:30", "2015-06-30T23:59:59.999Z"],
    ["2016-12-31t23:59:60.75z", "2016-12-31T23:59:59.999Z"],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(read(text), expected));
  }

  for (const [text, expected] of [
    // RFC 3339, 5.7: second 60 exists at the end of a month in UTC only.
    ["2016-12-31T22:59:60Z", /^must have second 60 only at 23:59:60 UTC/],
    ["2016-12-31T23:58:60Z", /^must have second 60 only/],
    ["2016-12-31T23:59:60+01:00", /^must have second 60 only/],
    ["2016-12-30T23:59:60Z", /^must have second 60 only/],
    ["2016-12-31T23:59:61Z", /^must be an RFC 3339 time/],
    ["2026-02-29T00:00:00Z", /^must be a date that the calendar has/],
    ["2026-13-01T00:00:00Z", /^must be a date that the calendar has/],
    ["2026-00-10T00:00:00Z", /^must be a date that the calendar has/],
    // RFC 3339's grammar has seconds, an offset with a colon, and hours to 23.
    ["2026-11-24T08:00Z", /^must be an RFC 3339 time with seconds/],
    ["2026-11-24T24:00:00Z", /^must be an RFC 3339 time/],
    ["2026-11-24T08:00:00+0100", /^must be an RFC 3339 time/],
    ["2026-11-24T08:00:00", /^must be an RFC 3339 time/],
    ["2026-11-24T08:00:00+24:00", /^must be an RFC 3339 time/],
    ["2026-11-24 08:00:00Z", /^must be an RFC 3339 time/],
    ["2026-11-24T08:00:00,5Z", /^must be an RFC 3339 time/],
    ["+002026-11-24T08:00:00Z", /^must be an RFC 3339 time/],
    ["٢٠٢٦-11-24T08:00:00Z", /^must be an RFC 3339 time/],
    ["2026-11-24T08:00:00Z\n", /^must be an RFC 3339 time/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} and states what is expected`, () =>
      assert.match(read(text), expected));
  }

  it("is what its message gives as examples", () => {
    const examples = [...read("").matchAll(/\d{4}-\S+(?:Z|[+-]\d\d:\d\d)/g)].map(([text]) => text);
    assert.deepEqual(examples.map(read), ["2026-11-24T08:00:00.000Z", "2026-11-24T08:00:00.000Z"]);
  });

  it("reads every millisecond as Date writes it, in any case and at any offset", () => {
    const at = fc.date({
      min: new Date("0002-01-01T00:00:00Z"),
      max: new Date("9998-12-31T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(at, fc.integer({ min: -1439, max: 1439 }), (date, minutes) => {
        const zone = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
          `${n}`.padStart(2, "0"),
        );
        const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1);
        const expected = date.toISOString();
        assert.equal(read(expected.toLowerCase()), expected);
        assert.equal(read(`${local}${minutes < 0 ? "-" : "+"}${zone.join(":")}`), expected);
      }),
    );
  });
});
