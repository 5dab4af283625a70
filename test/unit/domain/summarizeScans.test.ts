import assert from "node:assert/strict";
import type { Ctx } from "../../../functions/src/domain/context.ts";
import type { Range } from "../../../functions/src/domain/list.ts";
import type { Project } from "../../../functions/src/domain/project/project.ts";
import { type Bucket, summarizeScans } from "../../../functions/src/domain/scan/summarizeScans.ts";
import { testSurroundings } from "../../support/surroundings.ts";

const project = { id: "p" } as Project;

/** Scans of these moments: each identified one stands for two that found nobody. */
function summaryOf(moments: string[], from: string, to: string, bucket: Bucket, time_zone = "UTC") {
  const within = (range: Range) =>
    moments.filter((at) => new Date(at) >= range.from && new Date(at) < range.to).length;
  const ctx = {
    ...testSurroundings(),
    scans: {
      async countIdentify(project_id: string, outcome: string, range: Range) {
        assert.equal(project_id, "p");
        return within(range) * (outcome === "identified" ? 1 : 2);
      },
    },
  } as unknown as Ctx<"scans">;
  return summarizeScans(ctx, {
    project,
    range: { from: new Date(from), to: new Date(to) },
    bucket,
    time_zone,
  });
}

// Days of a time zone: reported as dubinc/dub#535.
describe("A summary of scans", () => {
  it("has every hour that the range touches, and counts only what lies in it", async () => {
    const moments = ["10:00", "10:29", "10:30", "10:59", "12:14", "12:15"].map(
      (at) => `2026-11-24T${at}:00Z`,
    );
    const buckets = await summaryOf(moments, "2026-11-24T10:30:00Z", "2026-11-24T12:15:00Z", "hour");
    assert.deepEqual(
      buckets,
      [
        ["10", 2],
        ["11", 0],
        ["12", 1],
      ].map(([hour, n]) => ({
        start: new Date(`2026-11-24T${hour}:00:00Z`),
        identified: Number(n),
        no_match: 2 * Number(n),
        total: 3 * Number(n),
      })),
    );
  });

  it("has days of UTC, before 1970 too, and none that begins where the range ends", async () => {
    const starts = async (from: string, to: string) =>
      (await summaryOf([], from, to, "day")).map(({ start }) => start.toISOString());
    assert.deepEqual(await starts("2026-10-25T00:00:00Z", "2026-10-27T00:00:00Z"), [
      "2026-10-25T00:00:00.000Z",
      "2026-10-26T00:00:00.000Z",
    ]);
    assert.deepEqual(await starts("1969-12-30T23:59:59Z", "1970-01-01T00:00:00.001Z"), [
      "1969-12-30T00:00:00.000Z",
      "1969-12-31T00:00:00.000Z",
      "1970-01-01T00:00:00.000Z",
    ]);
  });

  it("counts by the days of a zone, and only what lies in the range", async () => {
    const moments = [
      "2026-10-24T21:59:59Z",
      "2026-10-24T22:00:00Z",
      "2026-10-25T22:59:59Z",
      "2026-10-25T23:00:00Z",
    ];
    const buckets = await summaryOf(
      moments,
      "2026-10-24T21:00:00Z",
      "2026-10-25T23:00:01Z",
      "day",
      "Europe/Berlin",
    );
    assert.deepEqual(
      buckets.map(({ start, identified }) => [start.toISOString(), identified]),
      [
        ["2026-10-23T22:00:00.000Z", 1],
        ["2026-10-24T22:00:00.000Z", 2],
        ["2026-10-25T23:00:00.000Z", 1],
      ],
    );
  });

  it("takes 31 days and 48 hours by the zone's clock, too: a whole October, and two days with 49 hours", async () => {
    const october = ["2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"] as const;
    assert.equal((await summaryOf([], ...october, "day", "Europe/Berlin")).length, 31);
    await assert.rejects(summaryOf([], ...october, "day"), { code: "invalid_request" });
    const twoDays = ["2026-10-23T22:00:00Z", "2026-10-25T23:00:00Z"] as const;
    assert.equal((await summaryOf([], ...twoDays, "hour", "Europe/Berlin")).length, 49);
    await assert.rejects(summaryOf([], ...twoDays, "hour"), { code: "invalid_request" });
    const overMarch = ["2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z"] as const;
    assert.equal((await summaryOf([], ...overMarch, "day", "Europe/Berlin")).length, 32);
  });

  it("refuses an unknown zone, and says what is expected", async () => {
    for (const zone of ["Mars/Olympus", "+01:00", "CEST"]) {
      await assert.rejects(summaryOf([], "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", "day", zone), {
        code: "invalid_request",
        errors: [
          { path: "time_zone", message: "must be the IANA name of a time zone, such as Europe/Berlin" },
        ],
      });
    }
  });

  for (const [bucket, most, over, buckets] of [
    ["hour", "2026-11-03T00:00:00Z", "2026-11-03T00:00:00.001Z", 48],
    ["day", "2026-12-02T00:00:00Z", "2026-12-02T00:00:00.001Z", 31],
  ] as const) {
    it(`by ${bucket} has at most ${buckets} whole buckets`, async () => {
      const from = "2026-11-01T00:00:00Z";
      assert.equal((await summaryOf([], from, most, bucket)).length, buckets);
      await assert.rejects(summaryOf([], from, over, bucket), { code: "invalid_request" });
    });
  }
});
