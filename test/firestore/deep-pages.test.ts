import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
import { newChance } from "../support/chance.ts";
import { db } from "../support/firestore.ts";
import { newTransaction, storeInBulk } from "../support/rows.ts";
import { type Deps, openDeps } from "../support/tenant.ts";

const ROWS = 4000;
const DAY_MS = 24 * 60 * 60_000;
const END = Date.parse("2026-03-01T00:00:00.000Z");

/** Newest first, equal times by id: the order of every list. */
const inOrder = (rows: readonly Transaction[]): Transaction[] =>
  rows.toSorted(
    (a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );

describe("A deep page of a list", () => {
  let deps: Deps;
  const skipped: number[] = [];
  let restore: () => void;

  before(async () => {
    deps = await openDeps();
    // Firestore bills what it skips.
    const queries = Object.getPrototypeOf(db().collection("any").limit(1));
    const { offset } = queries;
    queries.offset = function (rows: number) {
      skipped.push(rows);
      return offset.call(this, rows);
    };
    restore = () => {
      queries.offset = offset;
    };
  });
  after(() => restore());
  beforeEach(() => skipped.splice(0));

  for (const [name, ageOf] of [
    ["spread over a year", (chance: () => number) => chance() * 365 * DAY_MS],
    ["in bursts of equal times", (chance: () => number) => Math.floor(chance() * 40) * DAY_MS],
    [
      "nearly all of one minute",
      (chance: () => number) => (chance() < 0.99 ? chance() * 60_000 : 300 * DAY_MS),
    ],
  ] as const) {
    it(`has the rows behind all pages before it, and skips few, of rows ${name}`, async () => {
      const chance = newChance(11);
      const project_id = randomUUID();
      const rows = Array.from({ length: ROWS }, () =>
        newTransaction({ project_id, created_at: new Date(END - 1 - Math.floor(ageOf(chance))) }),
      );
      await storeInBulk(rows);
      const range = { from: new Date(END - 366 * DAY_MS), to: new Date(END) };
      const list = deps.transactions.ofProject(project_id, range);
      const expected = inOrder(rows).map(({ id }) => id);
      for (const at of [999, 1000, 1001, 1500, 2345, ROWS - 20, ROWS - 1, ROWS, ROWS + 500]) {
        const page = await list.slice({ offset: at, limit: 15 });
        assert.deepEqual(
          page.map(({ id }) => id),
          expected.slice(at, at + 15),
          `offset ${at}`,
        );
      }
      assert.ok(Math.max(...skipped) <= 1000, `${Math.max(...skipped)} rows were skipped`);
    });
  }

  it("is empty in an empty list", async () => {
    const range = { from: new Date(END - DAY_MS), to: new Date(END) };
    const list = deps.transactions.ofProject(randomUUID(), range);
    assert.deepEqual(await list.slice({ offset: 50_000, limit: 15 }), []);
  });
});
