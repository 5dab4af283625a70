import assert from "node:assert/strict";
import { ScanShape, toScan } from "../../functions/src/api/analytics/schemas.ts";
import { TransactionShape, toTransaction } from "../../functions/src/api/transactions.ts";
import { searchThreshold, TARGET_FPIR } from "../../functions/src/palm/index.ts";
import { historyOf } from "../../scripts/history.ts";
import * as world from "../../scripts/world.ts";

const HOUR_MS = 60 * 60_000;

/** Starts at every hour and around midnight, on days of 23 and of 25 hours, and far from UTC. */
const STARTS = [
  { zone: "UTC", from: "2026-10-05T22:30:00.000Z", hours: 26 },
  { zone: "UTC", from: "2026-12-31T23:59:59.999Z", hours: 2 },
  { zone: "Europe/Berlin", from: "2026-03-28T20:00:00.000Z", hours: 60 },
  { zone: "Europe/Berlin", from: "2026-10-24T20:00:00.000Z", hours: 60 },
  { zone: "Pacific/Kiritimati", from: "2027-01-01T09:15:00.000Z", hours: 3 },
  { zone: "America/New_York", from: "2028-02-29T03:00:00.000Z", hours: 24 },
].flatMap(({ zone, from, hours }) =>
  Array.from({ length: hours }, (_, i) => ({ zone, now: new Date(Date.parse(from) + i * HOUR_MS) })),
);

describe("The last two days of Acme HQ", () => {
  const before = process.env["TZ"];
  afterEach(() => {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  });

  /** Looks at the history of every start. */
  const forEach = (look: (history: ReturnType<typeof historyOf>, now: Date) => void) => {
    for (const { zone, now } of STARTS) {
      process.env["TZ"] = zone;
      try {
        look(historyOf(now), now);
      } catch (error) {
        throw new Error(`${now.toISOString()} in ${zone}`, { cause: error });
      }
    }
  };

  it("are the same each time", () => {
    forEach((history, now) => assert.deepEqual(historyOf(now), history));
  });

  it("lie behind the present, and go back for two days of the clock on the wall", () => {
    forEach(({ scans, transactions }, now) => {
      for (const { created_at } of [...scans, ...transactions]) {
        assert.ok(created_at < now, created_at.toISOString());
        assert.ok(now.getTime() - created_at.getTime() <= 49 * HOUR_MS, created_at.toISOString());
      }
    });
  });

  it("are some hundred scans and payments, few enough for one commit", () => {
    forEach(({ scans, transactions }) => {
      assert.ok(scans.length > 320, `${scans.length} scans`);
      assert.ok(transactions.length > 140, `${transactions.length} transactions`);
      assert.ok(scans.length + transactions.length <= 500);
    });
  });

  it("fill the last 24 hours at whatever hour it is, and have a rush, a lunch and a night", () => {
    forEach(({ scans, transactions }, now) => {
      const isLate = ({ created_at }: { created_at: Date }) =>
        now.getTime() - created_at.getTime() <= 24 * HOUR_MS;
      const late = scans.filter(isLate);
      const between = (from: number, to: number) =>
        late.filter(({ created_at }) => created_at.getHours() >= from && created_at.getHours() < to).length;
      assert.ok(late.length > 130, `${late.length} scans`);
      assert.ok(transactions.filter(isLate).length > 55, "few transactions");
      assert.ok(between(7, 10) > 20, `${between(7, 10)} in the morning`);
      assert.ok(between(11, 14) > 30, `${between(11, 14)} at lunch`);
      assert.ok(between(16, 20) > 10, `${between(16, 20)} in the evening`);
      assert.ok(between(0, 6) < 5, `${between(0, 6)} at night`);
      assert.ok(new Set(late.map(({ outcome }) => outcome)).size === 2);
    });
  });

  it("have an id of its own for every thing, and are fit for the API", () => {
    forEach(({ scans, transactions }) => {
      const ids = [...scans, ...transactions].map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const scan of scans) ScanShape.parse(toScan(scan));
      for (const transaction of transactions) TransactionShape.parse(toTransaction(transaction));
    });
  });

  const { scans, transactions } = historyOf(new Date("2026-10-05T12:31:00.000Z"));

  it("are looks of its terminal at its own members and at strangers", () => {
    const threshold = searchThreshold({
      format: "palm-code.v1",
      probe: "single",
      target_fpir: TARGET_FPIR,
      gallery_size: world.people.flatMap(({ palms }) => palms).length,
    });
    const members = world.people.map(({ external_id }) => world.fixedIds(external_id)());
    for (const { outcome, member_id, score, pad_score, ...rest } of scans) {
      const { project_id, device_id, source, operation } = rest;
      assert.deepEqual(
        { project_id, device_id, source, operation },
        {
          project_id: world.ACME_HQ,
          device_id: world.FRONT_DOOR,
          source: "terminal",
          operation: "identify",
        },
      );
      assert.ok(pad_score !== null && pad_score >= 0.9 && pad_score <= 1);
      if (outcome === "no_match") {
        assert.deepEqual({ member_id, score }, { member_id: null, score: null });
        continue;
      }
      assert.equal(outcome, "identified");
      assert.ok(members.includes(member_id ?? ""));
      assert.ok(score !== null && score >= threshold && score <= 1, `${score}`);
      assert.equal(score, Number(score.toFixed(2)));
    }
    assert.equal(new Set(scans.map(({ member_id }) => member_id)).size, members.length + 1);
  });

  it("have a payment's scan beside it, approved where somebody was identified", () => {
    for (const { scan_id, status, currency, ...transaction } of transactions) {
      const scan = scans.find(({ id }) => id === scan_id);
      assert.ok(scan);
      for (const name of ["project_id", "device_id", "member_id", "created_at"] as const) {
        assert.deepEqual(transaction[name], scan[name]);
      }
      assert.equal(status, scan.outcome === "identified" ? "approved" : "declined");
      assert.equal(currency, "EUR");
    }
    assert.equal(new Set(transactions.map(({ status }) => status)).size, 2);
    assert.equal(new Set(transactions.map(({ scan_id }) => scan_id)).size, transactions.length);
  });

  it("have references that a CSV must take care of", () => {
    const references = new Set(transactions.map(({ reference }) => reference));
    for (const reference of ["Lunch 114", "=1+1", 'Cake, "the big one" 🍰', null]) {
      assert.ok(references.has(reference), `${reference}`);
    }
  });
});
