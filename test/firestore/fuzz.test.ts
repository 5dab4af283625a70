import assert from "node:assert/strict";
import { fuzz, type Report } from "../support/fuzz/fuzz.ts";
import { NONE } from "../support/fuzz/journal.ts";
import { openDeps } from "../support/tenant.ts";

/** `npm run fuzz` sends more of them, by another seed each time. */
const REQUESTS = 1500;
const SEED = 20_260_901;

/** Codes that are not answered while all is well, and those that few requests may not meet. */
const CHANCE = ["internal", "unavailable", "conflict", "idempotency_mismatch"];
CHANCE.push("invalid_request", "unauthenticated", "not_found");

describe(`${REQUESTS} requests made of openapi.json`, () => {
  let report: Report;

  before(async () => {
    report = await fuzz(await openDeps(), { requests: REQUESTS, seed: SEED });
  });

  it("are answered as it says, each of them", () => {
    assert.deepEqual(report.faults, [], `npm run fuzz -- --requests ${REQUESTS} --seed ${SEED}`);
    assert.ok(report.requests >= REQUESTS, `there were ${report.requests}`);
  });

  it("are answered by success, of every operation, and by every refusal that takes more than chance", () => {
    const lacking = report.rows.filter(({ operation, succeeded }) => operation !== NONE && succeeded === 0);
    assert.deepEqual(lacking, []);
    const unseen = report.rows.flatMap(({ operation, unseen: codes }) =>
      codes.filter((code) => !CHANCE.includes(code)).map((code) => `${operation}: ${code}`),
    );
    assert.deepEqual(unseen, []);
  });
});
