import assert from "node:assert/strict";
import * as fc from "fast-check";
import { findTimeZone, startsOf, type TimeZone } from "../../../functions/src/domain/scan/timeZone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const zoneOf = (name: string): TimeZone => findTimeZone(name) ?? assert.fail(`no zone ${name}`);

const starts = (name: string, unit: "hour" | "day", from: string, to: string): string[] =>
  startsOf(zoneOf(name), unit, Date.parse(from), Date.parse(to)).map((start) =>
    new Date(start).toISOString().replace(".000Z", "Z"),
  );

const lengthsOf = (list: readonly string[]): number[] =>
  list.slice(1).map((start, i) => (Date.parse(start) - Date.parse(list[i] ?? "")) / HOUR);

describe("The days of a time zone", () => {
  for (const [what, name, from, to, expected] of [
    [
      "have 23 hours when clocks go forward",
      ...["Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:00:00Z"],
      ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
    ],
    [
      "have 25 hours when clocks go back",
      ...["Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T00:00:00Z"],
      ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    ],
    [
      "begin at the first moment there is where there is no midnight",
      ...["America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z"],
      ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    ],
    [
      "begin once where clocks go back from midnight",
      ...["Asia/Beirut", "2022-10-29T00:00:00Z", "2022-10-31T00:00:00Z"],
      ["2022-10-28T21:00:00Z", "2022-10-29T22:00:00Z", "2022-10-30T22:00:00Z"],
    ],
    [
      "begin once where clocks go back behind midnight",
      ...["America/St_Johns", "2010-11-06T12:00:00Z", "2010-11-08T12:00:00Z"],
      ["2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"],
    ],
    [
      "leave out a day that the zone has left out",
      ...["Pacific/Apia", "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z"],
      ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
    ],
    [
      "begin at half an hour of UTC",
      ...["Asia/Kolkata", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"],
      ["2026-11-23T18:30:00Z", "2026-11-24T18:30:00Z"],
    ],
    [
      "had seconds before standard time",
      ...["Africa/Monrovia", "1950-01-01T12:00:00Z", "1950-01-02T12:00:00Z"],
      ["1950-01-01T00:44:30Z", "1950-01-02T00:44:30Z"],
    ],
    [
      "of UTC in the first year of all",
      ...["UTC", "0001-01-01T00:00:00Z", "0001-01-02T00:00:01Z"],
      ["0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"],
    ],
  ] as [string, string, string, string, string[]][]) {
    it(`${what} (${name})`, () => assert.deepEqual(starts(name, "day", from, to), expected));
  }
});

describe("The hours of a time zone", () => {
  it("come twice, each with its own beginning, when clocks go back", () => {
    const hours = starts("Europe/Berlin", "hour", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert.equal(hours.length, 25);
    assert.deepEqual(new Set(lengthsOf(hours)), new Set([1]));
  });

  it("are missing when clocks go forward", () => {
    assert.equal(starts("Europe/Berlin", "hour", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z").length, 23);
  });

  it("begin at a quarter of UTC's in Kathmandu", () => {
    assert.deepEqual(starts("Asia/Kathmandu", "hour", "2026-11-24T10:00:00Z", "2026-11-24T11:20:00Z"), [
      "2026-11-24T09:15:00Z",
      "2026-11-24T10:15:00Z",
      "2026-11-24T11:15:00Z",
    ]);
  });

  it("are halved where clocks change by half an hour", () => {
    // Lord Howe: on 5 April 2026 02:00 became 01:30, on 4 October 2026 02:00 becomes 02:30.
    const back = starts("Australia/Lord_Howe", "hour", "2026-04-04T14:00:00Z", "2026-04-04T17:00:00Z");
    assert.deepEqual(back, [
      "2026-04-04T14:00:00Z",
      "2026-04-04T15:00:00Z",
      "2026-04-04T15:30:00Z",
      "2026-04-04T16:30:00Z",
    ]);
    const forward = starts("Australia/Lord_Howe", "hour", "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z");
    assert.deepEqual(forward, ["2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"]);
  });
});

describe("A time zone", () => {
  for (const name of [
    "europe/berlin",
    "UTC",
    "US/Pacific",
    "Etc/GMT+5",
    "America/Argentina/Ushuaia",
    "Africa/El_Aaiun",
  ]) {
    it(`may be named ${name}`, () => assert.ok(findTimeZone(name)));
  }
  for (const name of [
    "Mars/Olympus",
    "Europe/",
    "CEST",
    "GMT+1",
    "UTC+1",
    "+05:30",
    "-03:00",
    "+0530",
    "05:30",
    " UTC",
    "UTC ",
    "",
    "Europe/Berlin\0",
  ]) {
    it(`is not named ${JSON.stringify(name)}`, () => assert.equal(findTimeZone(name), undefined));
  }
});

/** Zones whose clocks change in every way that clocks do, and some that never change. */
const ZONES = [
  ...["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/Santiago"],
  ...[
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Asia/Gaza",
    "Africa/Cairo",
    "Africa/Casablanca",
  ],
  ...["Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati"],
  ...[
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Havana",
    "Atlantic/Azores",
    "Antarctica/Troll",
    "Asia/Pyongyang",
  ],
];

/** Those of them whose clocks change in 2026, one of each way. */
const CHANGING = ZONES.filter((name) =>
  /Berlin|Cairo|Casablanca|Lord_Howe|Chatham|Nuuk|Havana|Azores|Troll/.test(name),
);

const formats = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric" },
      ...{ hour: "numeric", minute: "numeric", second: "numeric" },
    } as Intl.DateTimeFormatOptions),
  ]),
);

/** What the clock on the wall shows, as if it were UTC; independent of how offsets are read. */
function wallOf(name: string, ms: number): number {
  const parts = Object.fromEntries(
    (formats.get(name)?.formatToParts(ms) ?? []).map(({ type, value }) => [type, Number(value)]),
  ) as Record<"year" | "month" | "day" | "hour" | "minute" | "second", number>;
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
}

/** Whether the clock on the wall jumps at a moment. */
const jumpsAt = (name: string, ms: number): boolean => wallOf(name, ms) - wallOf(name, ms - 1) !== 1;

/** Checks buckets against the clock on the wall, minute by minute. */
function checkAgainstWall(name: string, unit: "hour" | "day", from: number, to: number, step: number): void {
  const length = unit === "hour" ? HOUR : DAY;
  const label = (ms: number) => Math.floor(wallOf(name, ms) / length);
  const found = startsOf(zoneOf(name), unit, from, to);
  const where = (ms: number) => `${name} by ${unit} at ${new Date(ms).toISOString()}`;
  assert.ok((found[0] ?? to) <= from && (found[1] ?? to) > from, where(from));
  for (const [i, start] of found.entries()) {
    const end = found[i + 1] ?? to;
    const isBoundary = label(start) !== label(start - 1) || (unit === "hour" && jumpsAt(name, start));
    assert.ok(start < to && isBoundary, `${where(start)}: nothing begins here`);
    for (let at = start; at < end; at += step) {
      assert.equal(label(at), label(start), `${where(at)}: another ${unit}`);
      if (unit === "hour")
        assert.equal(wallOf(name, at) - wallOf(name, start), at - start, `${where(at)}: the clock jumped`);
    }
    assert.equal(label(end - 1), label(start), where(end - 1));
  }
}

describe("Days and hours of a time zone, compared with the clock on the wall", () => {
  for (const name of CHANGING) {
    it(`agree in every hour of 2026 in ${name}`, () => {
      for (let from = Date.UTC(2026, 0, 1, 0, 17); from < Date.UTC(2027, 0, 1); from += 31 * DAY) {
        checkAgainstWall(name, "day", from, from + 31 * DAY, 4 * HOUR);
      }
      for (let from = Date.UTC(2026, 0, 1, 0, 17); from < Date.UTC(2027, 0, 1); from += 2 * DAY) {
        checkAgainstWall(name, "hour", from, from + 2 * DAY, 30 * MINUTE);
      }
    });
  }

  it("agree in any zone, in any range since 1970", () => {
    const moment = fc.integer({ min: Date.UTC(1970, 0, 5), max: Date.UTC(2037, 0, 1) });
    const hours = fc.integer({ min: 1, max: 31 * 24 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), moment, hours, fc.boolean(), (name, from, length, byHour) => {
        const to = from + (byHour ? Math.min(length, 48) : length) * HOUR;
        checkAgainstWall(name, byHour ? "hour" : "day", from, to, byHour ? 10 * MINUTE : 2 * HOUR);
      }),
      { numRuns: 100 },
    );
  });
});
