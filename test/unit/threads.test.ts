import assert from "node:assert/strict";
import { Threads } from "../../functions/src/threads.ts";

const ECHO = new URL("../support/workers/echo.ts", import.meta.url);

describe("Threads", () => {
  it("are unavailable when none can start, and no turn is lost by that", async () => {
    const threads = new Threads(new URL("http://palmgate.test/worker.js"), { most: 2 });
    for (let n = 0; n < 5; n++) await assert.rejects(threads.run("a", n), { code: "unavailable" });
  });

  it("are unavailable for what cannot be sent, and serve the next one", async () => {
    const threads = new Threads<unknown, unknown>(ECHO, { most: 1 });
    await assert.rejects(
      threads.run("a", () => "a function"),
      { code: "unavailable" },
    );
    assert.equal(await threads.run("a", "a text"), "a text");
    await threads.close();
  });

  it("are given to nobody who has left", async () => {
    const threads = new Threads<unknown, unknown>(ECHO, { most: 1 });
    const gone = new AbortController();
    const first = threads.run("a", 1);
    const second = threads.run("a", 2, { signal: gone.signal });
    gone.abort();
    await assert.rejects(second, { code: "invalid_request" });
    assert.equal(await first, 1);
    await threads.close();
  });

  it("end while they idle without harm", async () => {
    const threads = new Threads<unknown, unknown>(ECHO, { most: 1 });
    for (let n = 0; n < 5; n++) {
      assert.equal(await threads.run("a", n), n);
      await threads.close();
    }
  });
});
