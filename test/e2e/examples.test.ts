import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Play } from "../../scripts/openapi/play.ts";
import { TOUR } from "../../scripts/openapi/tour.ts";
import { profileConfig, ROOT } from "../../scripts/profiles.ts";
import { startReceiver } from "../../scripts/webhooks/receiver.ts";
import { makeWorld } from "../../scripts/world-make.ts";
import { document, exampleOf, operations } from "../support/examples.ts";
import { baseUrl } from "../support/suite.ts";
import { openDeps } from "../support/tenant.ts";

describe("Every example of openapi.json", function () {
  // A call stands on those before it.
  this.bail(true);
  let play: Play;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;

  before(async () => {
    const { project, ports } = profileConfig("test");
    await makeWorld(await openDeps(), { project }, (file) =>
      readFileSync(join(ROOT, "emulator-data", "palms", file)),
    );
    receiver = await startReceiver();
    play = await Play.begin({ baseUrl: baseUrl(), ports }, receiver.url);
  });
  after(() => receiver?.close());

  const counts = new Map<string, number>();
  for (const call of TOUR) {
    const { operationId, summary } = call;
    const nth = (counts.get(operationId) ?? 0) + 1;
    counts.set(operationId, nth);
    it(`${operationId}, example ${nth}: ${summary}`, async () => {
      const operation = operations.find((one) => one.operationId === operationId);
      assert.ok(operation, "there is no such operation");
      const { request, answered } = exampleOf(operation, `example${nth}`);
      assert.deepEqual(await play.send(call, operation, request), answered);
    });
  }

  it("GET /v1/openapi.json answers the document itself", async () => {
    const response = await fetch(`${baseUrl()}/v1/openapi.json`);
    assert.deepEqual(await response.json(), document);
  });
});
