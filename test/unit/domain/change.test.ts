import assert from "node:assert/strict";
import { AGAIN, change } from "../../../functions/src/domain/change.ts";
import { testSurroundings } from "../../support/surroundings.ts";

describe("change", () => {
  it("tries again while the commit meets conflicts", async () => {
    let tries = 0;
    assert.equal(await change(testSurroundings(), async () => (++tries < 5 ? AGAIN : tries)), 5);
  });

  it("gives up after about three seconds with unavailable and a time to come back", async () => {
    const around = testSurroundings();
    const started = around.now().getTime();
    await assert.rejects(
      change(around, async () => AGAIN),
      { code: "unavailable", headers: { "Retry-After": "1" } },
    );
    const took = around.now().getTime() - started;
    assert.ok(took > 2500 && took <= 3000, `${took} ms`);
  });

  it("passes a refusal on at once", async () => {
    await assert.rejects(
      change(testSurroundings(), () => Promise.reject(new Error("no"))),
      /no/,
    );
  });
});
