import assert from "node:assert/strict";
import type { Budgets } from "../../../functions/src/domain/budget/budget.ts";
import { DomainError, unavailable } from "../../../functions/src/domain/errors.ts";
import { Duplicates } from "../../../functions/src/domain/palm/duplicates.ts";
import { MemoryBudgets } from "../../support/budgets.ts";
import { POLICIES } from "../../support/limits.ts";
import { testSurroundings } from "../../support/surroundings.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const HOUR_MS = 3_600_000;
const SUBJECT = "duplicate:organization:blue";
const duplicate = () => new DomainError("duplicate_palm", "No.");

describe("The limit of duplicate palms", () => {
  let surroundings: ReturnType<typeof testSurroundings>;
  let budgets: MemoryBudgets;

  beforeEach(() => {
    surroundings = testSurroundings();
    budgets = new MemoryBudgets(surroundings, () => 0);
  });

  const newLimit = (store: Budgets = budgets) =>
    new Duplicates({ ...surroundings, budgets: store, policies: POLICIES });
  /** The code of the outcome, and when to come back. */
  const outcome = (limit: Duplicates, enroll: () => Promise<unknown>, caller = "organization:blue") =>
    limit.look(caller, enroll).then(
      () => "enrolled",
      (error: DomainError) => [error.code, error.headers["Retry-After"]].filter(Boolean).join(" "),
    );
  const refused = () => Promise.reject(duplicate());

  it("allows ten in any hour, and refuses every enrollment then, until the first is an hour old", async () => {
    const limit = newLimit();
    for (let n = 0; n < 10; n++) {
      assert.equal(await outcome(limit, refused), "duplicate_palm");
      surroundings.advance(60_000);
    }
    assert.equal(await outcome(limit, () => assert.fail("it looked")), "rate_limited 3000");
    surroundings.advance(HOUR_MS - 600_000 - 5000);
    // It waits 3 s for a token that comes back soon.
    assert.equal(await outcome(limit, refused), "rate_limited 2");
    surroundings.advance(2000);
    assert.equal(await outcome(limit, async () => "palm"), "enrolled");
    assert.equal(await outcome(limit, refused), "duplicate_palm");
    assert.equal(await outcome(limit, refused), "rate_limited 57");
  });

  it("costs nothing for any other outcome, and counts each caller separately", async () => {
    const limit = newLimit();
    for (const code of ["poor_quality", "limit_reached", "not_found", "unavailable"] as const) {
      for (let n = 0; n < 12; n++) {
        const failing = () => Promise.reject(new DomainError(code, "No."));
        assert.equal(await outcome(limit, failing), code);
      }
    }
    assert.deepEqual(budgets.peek(SUBJECT), { grants: [] });
    for (let n = 0; n < 10; n++) await outcome(limit, refused);
    assert.equal(await outcome(limit, refused, "organization:red"), "duplicate_palm");
  });

  it("is exact for a crowd of duplicates at two instances", async () => {
    const clock = virtualClock();
    const store = new MemoryBudgets(clock);
    const limits = [1, 2].map(() => new Duplicates({ ...clock, budgets: store, policies: POLICIES }));
    const counts: Record<string, number> = {};
    const all = Array.from({ length: 200 }, (_, n) =>
      limits[n % 2]
        ?.look("organization:blue", async () => {
          await clock.sleep(50);
          throw duplicate();
        })
        .catch(({ code }: DomainError) => {
          counts[code] = (counts[code] ?? 0) + 1;
        }),
    );
    await clock.until(Promise.all(all));
    assert.deepEqual(counts, { duplicate_palm: 10, rate_limited: 190 });
    assert.equal(store.peek(SUBJECT)?.grants.length, 10);
  });

  it("lets forty enrollments of an import run at once at two instances: they wait for each other's tokens", async () => {
    const clock = virtualClock();
    const store = new MemoryBudgets(clock);
    const limits = [1, 2].map(() => new Duplicates({ ...clock, budgets: store, policies: POLICIES }));
    let running = 0;
    let most = 0;
    const all = Array.from({ length: 40 }, (_, n) =>
      limits[n % 2]?.look("organization:blue", async () => {
        running += 1;
        most = Math.max(most, running);
        await clock.sleep(100);
        running -= 1;
        return n;
      }),
    );
    assert.deepEqual(
      await clock.until(Promise.all(all)),
      Array.from({ length: 40 }, (_, n) => n),
    );
    assert.ok(most <= 10, `${most} ran at once`);
    assert.deepEqual(store.peek(SUBJECT), { grants: [] });
  });

  it("gives back what a process that died held, in 90 seconds", async () => {
    const dying = newLimit();
    for (let n = 0; n < 10; n++) void dying.look("organization:blue", () => new Promise(() => undefined));
    await new Promise((resolve) => setImmediate(resolve));
    const limit = newLimit();
    // It has waited 3 s for them.
    assert.match(await outcome(limit, refused), /^rate_limited 8[67]$/);
    surroundings.advance(90_000);
    assert.equal(await outcome(limit, refused), "duplicate_palm");
  });

  it("does not disclose a duplicate that it cannot count", async () => {
    let puts = 0;
    const put: MemoryBudgets["put"] = (...args) =>
      ++puts === 1 ? budgets.put(...args) : Promise.reject(unavailable());
    const failing: Budgets = { get: (...args) => budgets.get(...args), put };
    assert.equal(await outcome(newLimit(failing), refused), "unavailable 1");
  });

  it("does not fail an enrollment whose token it cannot give back", async () => {
    let puts = 0;
    const put: MemoryBudgets["put"] = (...args) =>
      ++puts === 1 ? budgets.put(...args) : Promise.reject(unavailable());
    const failing: Budgets = { get: (...args) => budgets.get(...args), put };
    assert.equal(await outcome(newLimit(failing), async () => "palm"), "enrolled");
    assert.match(surroundings.logged.join(), /^warn counting an enrollment as a duplicate for 90 s/);
  });
});
