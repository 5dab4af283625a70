import assert from "node:assert/strict";
import { breakOff, download, FORMATS, type Format, manyTransactions } from "../support/exports.ts";
import { Gate } from "../support/faults.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { storeInBulk } from "../support/rows.ts";
import { newTenant, openDeps } from "../support/tenant.ts";

const ROWS = 20_000;

/** The function as the platform runs it; `npm run bench:export` does the same with ten times as many, and its times. */
describe("An export of 20,000 transactions", () => {
  let gate: Gate;
  let instance: Instance;
  let of: Parameters<typeof download>[1];

  before(async () => {
    const deps = await openDeps();
    const { project, key: token } = await newTenant(deps);
    const to = new Date();
    const range = { from: new Date(to.getTime() - 60 * 60_000), to };
    await storeInBulk(manyTransactions(project.id, ROWS, range));
    gate = await Gate.before(process.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    instance = await startInstance("analytics", {
      FIRESTORE_EMULATOR_HOST: gate.host,
      // By the memory of this machine V8 would give garbage more room than the function has; a leak it would not hide.
      NODE_OPTIONS: "--max-semi-space-size=4",
    });
    of = { baseUrl: instance.baseUrl, project_id: project.id, range, token };
  });
  after(async () => {
    await instance.stop();
    await gate.stop();
  });

  it("comes whole in either form, in constant memory", async () => {
    for (const format of Object.keys(FORMATS) as Format[]) await download(format, of);
    const before = instance.resident();
    for (const format of ["csv", "array", "csv"] as const) {
      const { status, rows, ended, whole } = await download(format, of);
      assert.deepEqual({ status, rows, ended, whole }, { status: 200, rows: ROWS, ended: true, whole: true });
    }
    const grown = instance.resident() - before;
    assert.ok(grown < 80, `${grown} MiB more after three exports`);
  });

  for (const format of Object.keys(FORMATS) as Format[]) {
    it(`as ${format} is cut, and lacks its end, when Firestore fails in the middle`, async () => {
      const { status, ended, whole, rows } = await breakOff("failure", format, gate, of);
      assert.deepEqual({ status, ended, whole }, { status: 200, ended: false, whole: false });
      assert.ok(rows > 0 && rows < ROWS, `${rows} rows`);
      assert.match(instance.output(), /stream failed/);
    });

    it(`as ${format} is read no further when the client goes away`, async () => {
      const { status, share } = await breakOff("leaving", format, gate, of);
      assert.equal(status, 200);
      assert.ok(share < 0.6, `${share} of it was read`);
    });
  }
});
