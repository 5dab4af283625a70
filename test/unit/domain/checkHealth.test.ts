import assert from "node:assert/strict";
import { mock } from "node:test";
import { type Check, Checks } from "../../../functions/src/domain/health/checkHealth.ts";

const hung = () => new Promise<void>(() => undefined);
const check = (name: string, critical: boolean, run: () => Promise<void> = async () => undefined): Check => ({
  name,
  critical,
  run,
});

describe("Health", () => {
  afterEach(() => mock.timers.reset());

  const statusOf = async (...list: Check[]) =>
    (await new Checks(list, () => performance.now()).report()).status;
  const refused = () => Promise.reject(new Error("refused"));

  it("is ok when all answer, degraded without a minor one, down without a critical one", async () => {
    assert.equal(await statusOf(check("a", true), check("b", false)), "ok");
    assert.equal(await statusOf(check("a", true), check("b", false, refused)), "degraded");
    assert.equal(await statusOf(check("a", true, refused), check("b", false, refused)), "down");
  });

  it("ends after 600 ms when everything hangs", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    let isOver = false;
    const reporting = new Checks([check("a", true, hung), check("b", false, hung)], () => 0).report();
    reporting.finally(() => {
      isOver = true;
    });
    mock.timers.tick(599);
    await new Promise(setImmediate);
    assert.equal(isOver, false);
    mock.timers.tick(1);
    const report = await reporting;
    assert.deepEqual(
      report.checks.map(({ status }) => status),
      ["timeout", "timeout"],
    );
    assert.equal(report.status, "down");
  });

  it("makes one set of checks for a hundred callers, and a new one after two seconds", async () => {
    let runs = 0;
    let at = 0;
    const checks = new Checks([check("a", true, async () => void runs++)], () => at);
    await Promise.all(Array.from({ length: 100 }, () => checks.report()));
    assert.equal(runs, 1);
    at = 1999;
    await checks.report();
    assert.equal(runs, 1);
    at = 2000;
    await checks.report();
    assert.equal(runs, 2);
  });
});
