import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DELAYS_MS,
  MAX_ATTEMPTS,
  nextAttempt,
  WINDOW_MS,
} from "../../../functions/src/domain/delivery/schedule.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const CREATED = new Date("2026-11-24T12:00:00.000Z");

/** Of `random`: the delay as it stands in the schedule. */
const MIDDLE = 0.5;
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const share = (base: number): number => (base <= 5 * HOUR ? 0.2 : 0.05);

interface Asked {
  made: number;
  now?: Date;
  retry_after?: string | null;
  random?: number;
}

/** How long after `now` the next attempt is, in ms. */
function delay({ made, now = CREATED, retry_after = null, random = MIDDLE }: Asked): number | undefined {
  const next = nextAttempt({ created_at: CREATED, made, now, retry_after, random });
  return next && next.at.getTime() - now.getTime();
}

/** When each attempt of an endpoint that always fails is made, in ms from the beginning. */
function play(chance: (made: number) => number, took_ms = 0, scale = 1): number[] {
  const times = [0];
  for (;;) {
    const now = new Date(CREATED.getTime() + (times.at(-1) ?? 0) + took_ms);
    const made = times.length;
    const next = nextAttempt({
      created_at: CREATED,
      made,
      now,
      retry_after: null,
      random: chance(made),
      scale,
    });
    if (!next) return times;
    times.push(next.at.getTime() - CREATED.getTime());
  }
}

describe("The retry schedule", () => {
  it("makes 20 attempts, the last after 315.6 hours", () => {
    const times = play(() => MIDDLE);
    assert.equal(MAX_ATTEMPTS, 20);
    assert.deepEqual(
      times.map((time) => time / SECOND),
      [
        0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105, 358505, 444905, 531305, 617705, 704105,
        790505, 876905, 963305, 1049705, 1136105,
      ],
    );
    assert.equal(((times.at(-1) ?? 0) / HOUR).toFixed(1), "315.6");
    assert.equal(WINDOW_MS, 14 * DAY);
  });

  it("moves a delay by 20 % up to 5 hours, by 5 % beyond, and reaches both ends", () => {
    const most = 1 - Number.EPSILON;
    assert.deepEqual(
      [1, 5, 6, 9].map((made) => [delay({ made, random: 0 }), delay({ made, random: most })]),
      [
        [4 * SECOND, 6 * SECOND],
        [4 * HOUR, 6 * HOUR],
        [9.5 * HOUR, 10.5 * HOUR],
        [22.8 * HOUR, 25.2 * HOUR],
      ],
    );
  });

  it("stays within the jitter and the window, and goes forward, whatever chance says", () => {
    fc.assert(
      fc.property(fc.array(random, { minLength: 20, maxLength: 20 }), (chances) => {
        const times = play((made) => chances[made] ?? 0);
        assert.equal(times.length, MAX_ATTEMPTS);
        for (const [made, base] of DELAYS_MS.entries()) {
          if (made === 0) continue;
          const waited = (times[made] ?? 0) - (times[made - 1] ?? 0);
          assert.ok(Math.abs(waited - base) <= base * share(base), `${waited} instead of ${base}`);
          assert.ok(waited > 0);
        }
        assert.ok((times.at(-1) ?? 0) <= WINDOW_MS);
      }),
    );
  });

  it("ends within the window however long each attempt takes", () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 0, max: 2 * DAY }), (chance, took_ms) => {
        const times = play(() => chance, took_ms);
        assert.ok(times.length <= MAX_ATTEMPTS);
        assert.ok((times.at(-1) ?? 0) <= WINDOW_MS);
      }),
    );
  });

  it("makes at the window's end what would come after it, and nothing then", () => {
    const end = CREATED.getTime() + WINDOW_MS;
    const before = new Date(end - 3 * HOUR);
    assert.equal(delay({ made: 12, now: before }), 3 * HOUR);
    assert.equal(delay({ made: 12, now: before, retry_after: "999999999" }), 3 * HOUR);
    assert.equal(delay({ made: 13, now: new Date(end) }), undefined);
    assert.equal(delay({ made: 13, now: new Date(end + 1) }), undefined);
  });

  it("makes none after the 20th", () => {
    assert.equal(delay({ made: 19 }), DAY);
    assert.equal(delay({ made: 20 }), undefined);
    assert.equal(delay({ made: 21 }), undefined);
  });

  it("is the same one for a test that cannot wait, but shorter", () => {
    const times = play(() => MIDDLE, 0, 1 / 1000);
    assert.deepEqual(times.slice(0, 6), [0, 5, 305, 2105, 9305, 27305]);
    assert.equal(times.length, MAX_ATTEMPTS);
    const late = new Date(CREATED.getTime() + WINDOW_MS / 1000);
    const asked = { created_at: CREATED, made: 1, retry_after: null, random: MIDDLE };
    assert.equal(nextAttempt({ ...asked, now: late, scale: 1 / 1000 }), undefined);
    assert.ok(nextAttempt({ ...asked, now: late }));
  });
});

describe("Retry-After", () => {
  it("stretches a delay up to twice as long, and to 24 hours at most", () => {
    for (const [made, retry_after, expected] of [
      [2, "301", 301 * SECOND],
      [2, "600", 600 * SECOND],
      [2, "601", 600 * SECOND],
      [2, "0600", 600 * SECOND],
      [1, "86400", 10 * SECOND],
      [7, "86400", DAY],
      [8, "86400", DAY],
      [8, "86401", DAY],
      [9, "172800", DAY],
    ] as const) {
      assert.equal(delay({ made, retry_after }), expected, `${retry_after} after attempt ${made}`);
    }
  });

  it("takes an HTTP date in each of its three forms, and that moment whatever chance says", () => {
    const now = new Date("2026-11-29T10:59:00.400Z");
    const asked = { made: 2, now };
    for (const retry_after of [
      "Sun, 29 Nov 2026 11:07:00 GMT",
      "Sunday, 29-Nov-26 11:07:00 GMT",
      "Sun Nov 29 11:07:00 2026",
    ]) {
      for (const random of [0, MIDDLE, 0.99]) {
        assert.equal(delay({ ...asked, retry_after, random }), 8 * MINUTE - 400, retry_after);
      }
    }
    const soon = new Date("2026-11-30T23:55:00.000Z");
    assert.equal(delay({ made: 2, now: soon, retry_after: "Tue Dec  1 00:03:00 2026" }), 8 * MINUTE);
  });

  it("takes a year of two digits for one of the past where it seems to be over 50 years ahead", () => {
    assert.equal(delay({ made: 2, retry_after: "Tuesday, 24-Nov-76 11:07:00 GMT" }), 10 * MINUTE);
    assert.equal(delay({ made: 2, retry_after: "Wednesday, 24-Nov-77 11:07:00 GMT" }), 5 * MINUTE);
  });

  for (const [what, retry_after] of [
    ["too small", "239"],
    ["zero", "0"],
    ["negative", "-600"],
    ["a fraction", "599.5"],
    ["in a notation of programs", "6e2"],
    ["hexadecimal", "0x258"],
    ["with a unit", "600s"],
    ["two values", "600, 600"],
    ["empty", ""],
    ["blank", "  "],
    ["a word", "soon"],
    ["of other digits", "٦٠٠"],
    ["a past date", "Tue, 24 Nov 2026 11:59:59 GMT"],
    ["this very moment", "Tue, 24 Nov 2026 12:00:00 GMT"],
    ["an ISO date", "2026-11-24T12:08:00Z"],
    ["a date of another zone", "Tue, 24 Nov 2026 12:08:00 +0000"],
    ["a date without a zone", "Tue, 24 Nov 2026 12:08:00"],
    ["no day", "Tue, 32 Nov 2026 12:08:00 GMT"],
    ["no month", "Tue, 24 Nox 2026 12:08:00 GMT"],
    ["no time", "Tue, 24 Nov 2026 25:08:00 GMT"],
  ] as const) {
    it(`changes nothing when it is ${what}`, () => {
      for (const random of [0, MIDDLE, 0.99]) {
        assert.equal(delay({ made: 2, retry_after, random }), delay({ made: 2, random }));
      }
    });
  }

  it("takes what is huge for the most that is allowed", () => {
    for (const retry_after of [
      "9".repeat(400),
      `${Number.MAX_SAFE_INTEGER}0`,
      "Fri, 31 Dec 9999 23:59:59 GMT",
    ]) {
      assert.equal(delay({ made: 2, retry_after }), 10 * MINUTE);
    }
  });

  it("never makes an attempt come sooner than without it, nor later than the most that is allowed", () => {
    const made = fc.integer({ min: 1, max: MAX_ATTEMPTS - 1 });
    const value = fc.oneof(
      fc.string(),
      fc.nat(200_000).map(String),
      fc
        .date({ min: CREATED, max: new Date(CREATED.getTime() + 2 * DAY), noInvalidDate: true })
        .map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(made, value, random, (made, retry_after, chance) => {
        const base = DELAYS_MS[made] ?? 0;
        const waited = delay({ made, retry_after, random: chance }) ?? -1;
        const plain = delay({ made, random: chance }) ?? -1;
        assert.ok(waited >= plain);
        assert.ok(waited <= Math.max(plain, Math.min(2 * base, DAY)));
      }),
    );
  });
});
