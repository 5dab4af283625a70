import assert from "node:assert/strict";
import { mock } from "node:test";
import * as z from "zod";
import { ReaderInTurn, SMALL } from "../../../functions/src/http/inputReader.ts";
import type { Route } from "../../../functions/src/http/route.ts";

describe("Large inputs, read in turn", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  const reader = new ReaderInTurn();
  const done: string[] = [];
  /** Takes its time over each body, and refuses one that is false. */
  const body = z.strictObject({ id: z.string(), good: z.boolean() }).transform(({ id, good }, context) => {
    for (const until = performance.now() + 5; performance.now() < until; );
    done.push(id);
    if (!good) context.addIssue({ code: "custom", message: "is bad" });
  });
  const route = { method: "POST", body } as unknown as Route;
  const read = (id: string, { size = SMALL + 1, good = true } = {}) =>
    reader.read(
      route,
      { search: "", key: null, raw: Buffer.from(JSON.stringify({ id, good }).padEnd(size)) },
      { owner: "a", signal: new AbortController().signal },
    );
  const settle = () => new Promise(setImmediate);

  it("wait after each other as long as the last one took, and small ones for none", async () => {
    done.length = 0;
    const all = Promise.all([read("1"), read("2"), read("3")]);
    await settle();
    mock.timers.tick(4);
    await settle();
    await read("small", { size: SMALL });
    assert.deepEqual(done, ["1", "small"]);
    for (const next of ["2", "3"]) {
      mock.timers.tick(60_000);
      await settle();
      assert.equal(done.at(-1), next);
    }
    await all;
    mock.timers.tick(60_000);
  });

  it("let the next one in when one is refused", async () => {
    done.length = 0;
    await assert.rejects(read("1", { good: false }), { code: "invalid_request" });
    mock.timers.tick(60_000);
    await read("2");
    assert.deepEqual(done, ["1", "2"]);
  });
});
