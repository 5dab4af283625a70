import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { openStorage } from "../../functions/src/data/storage.ts";
import { type Deps, openDeps } from "../support/tenant.ts";

describe("The sweeper, run by the suite's clock", () => {
  let deps: Deps;

  before(async () => {
    deps = await openDeps();
  });

  const exists = async (object: string): Promise<boolean> => {
    const bucket = openStorage("demo-palmgate-test").bucket(process.env["TEMPLATE_BUCKET"] ?? "");
    const [found] = await bucket.file(object).exists();
    return found;
  };

  it("deletes a template object that nobody has committed, and leaves one whose time has not come", async () => {
    const put = async (due_at: Date): Promise<string> => {
      const object = `environments/sweeper/templates/${deps.id()}`;
      await deps.garbage.add({ id: deps.id(), object, listed_at: new Date(), due_at });
      await deps.templates.put(object, Buffer.from("sealed"));
      return object;
    };
    const early = await put(new Date(Date.now() + 600_000));
    const due = await put(new Date(Date.now() + 1000));
    for (let tries = 0; tries < 80 && (await exists(due)); tries++) await sleep(250);
    assert.equal(await exists(due), false);
    assert.equal(await exists(early), true);
  });
});
