import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { brokenGuards, type Guard, measureGuards } from "../../bench/cost/guards.ts";
import { broken, type Cost, measureAll, summary } from "../../bench/cost/measure.ts";
import { installMeter, Meter } from "../../bench/cost/meter.ts";
import { renderPage } from "../../bench/cost/page.ts";
import { type AllDeps, EXAMPLES } from "../../bench/cost/requests.ts";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { healthDeps } from "../../functions/src/deps.ts";
import { createApp } from "../../functions/src/http/app.ts";
import { createClient } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { UNLIMITED } from "../support/limits.ts";
import { newApiKey, newTenant, openDeps } from "../support/tenant.ts";

const COMMAND = "npm run bench:cost -- --write";

describe("What a request costs", () => {
  let deps: AllDeps;
  let costs: Cost[];
  let guards: Guard[];

  before(async () => {
    deps = { ...(await openDeps()), checks: (await healthDeps()).checks };
    costs = await measureAll(deps);
    guards = await measureGuards(deps);
  });

  it("is measured of every route, and of nothing else", () => {
    const operations = allRoutes.map(({ operationId }) => operationId);
    assert.deepEqual(Object.keys(EXAMPLES).sort(), operations.sort());
  });

  it("keeps to the rounds that are allowed", () => assert.deepEqual(broken(costs), []));

  it("tells which route takes more", () => {
    const few = {
      ...(costs[0] as Cost),
      operation: "identify",
      which: undefined,
      credential: "apiKey",
    } as const;
    const names = (pipeline: number, handler: number) =>
      broken([{ ...few, pipeline, handler }]).map(
        (fault) => /^identify \(apiKey\): (.*) rounds of/.exec(fault)?.[1],
      );
    assert.deepEqual(names(2, 1), []);
    assert.deepEqual(names(2, 2), ["it takes 4"]);
    assert.deepEqual(names(3, 0), ["the pipeline takes 3"]);
    assert.deepEqual(names(0, 3), ["the handler adds 3"]);
  });

  it("grows by the rounds that guard rails may add, and no more", () => {
    assert.deepEqual(brokenGuards(guards), []);
    const [first] = guards as [Guard];
    const more = { ...first.more, rounds: 3 };
    assert.match(brokenGuards([{ ...first, more }])[0] ?? "", /^limit, .* adds 3 rounds, 2 at most$/);
  });

  it("does not grow within a lease, by a refusal, or without an Idempotency-Key; by an audit entry it is a write more", () => {
    const nothing = { reads: 0, writes: 0, deletes: 0, classA: 0, classB: 0, rounds: 0 };
    const more = (what: RegExp) => guards.filter((guard) => what.test(guard.what)).map((guard) => guard.more);
    assert.deepEqual(more(/within a lease|a refusal|no `Idempotency-Key`/), [nothing, nothing, nothing]);
    assert.deepEqual(more(/its entry/), [{ ...nothing, writes: 1 }]);
  });

  it("is what docs/costs.md says", () => {
    const page = readFileSync(new URL("../../docs/costs.md", import.meta.url), "utf8");
    assert.equal(page, renderPage(costs, guards), `it is not what is measured: ${COMMAND}`);
  });

  it("is a write more for a key that was not used for a minute", async () => {
    const tenant = await newTenant(deps);
    const used = (last_used_at: Date) =>
      newApiKey(deps, { organization_id: tenant.organization.id, project_ids: null, last_used_at });
    const app = createApp(allRoutes, { ...deps, limiter: UNLIMITED });
    const client = createClient((request) => app.fetch(request));
    const cost = async ({ key: token }: { key: string }) => {
      const meter = new Meter();
      await meter.run(() => client("GET", `/v1/projects/${tenant.project.id}`, { token }));
      return summary(meter.operations);
    };
    const fresh = await cost(await used(new Date()));
    const stale = await cost(await used(new Date(Date.now() - 61_000)));
    assert.deepEqual({ reads: fresh.reads, writes: fresh.writes }, { reads: 2, writes: 0 });
    assert.deepEqual({ reads: stale.reads, writes: stale.writes }, { reads: 2, writes: 1 });
  });
});

describe("The meter", () => {
  const collection = () => db().collection(`meter-${randomUUID()}`);
  const counted = async (work: () => Promise<unknown>) => {
    installMeter();
    const meter = new Meter();
    await meter.run(work);
    return meter.operations.map(({ name, round, reads, writes, deletes }) => [
      name,
      round,
      reads,
      writes,
      deletes,
    ]);
  };

  it("counts what is paid, and nothing outside of what it is asked to", async () => {
    const some = collection();
    const write = async () => {
      const batch = db().batch();
      for (const id of ["a", "b", "c"]) batch.set(some.doc(id), { id });
      await batch.delete(some.doc("d")).commit();
    };
    assert.deepEqual(await counted(write), [["commit", 1, 0, 3, 1]]);
    await write();
    assert.deepEqual(await counted(() => some.doc("a").get()), [["batchGetDocuments", 1, 1, 0, 0]]);
    const both = () => db().getAll(some.doc("a"), some.doc("nobody"));
    assert.deepEqual(await counted(both), [["batchGetDocuments", 1, 2, 0, 0]]);
    assert.deepEqual(await counted(() => some.get()), [["runQuery", 1, 3, 0, 0]]);
    assert.deepEqual(await counted(() => some.where("id", "==", "x").get()), [["runQuery", 1, 1, 0, 0]]);
    assert.deepEqual(await counted(() => some.count().get()), [["runAggregationQuery", 1, 1, 0, 0]]);
    const streamed = async () => {
      for await (const _ of some.stream());
    };
    assert.deepEqual(await counted(streamed), [["runQuery", 1, 3, 0, 0]]);
  });

  it("counts what a listener tells: the document as it is, and after each change", async () => {
    const doc = collection().doc("a");
    await doc.set({ n: 0 });
    let told = Promise.withResolvers<void>();
    const listened = async () => {
      const stop = doc.onSnapshot(() => told.resolve());
      await told.promise;
      told = Promise.withResolvers();
      await doc.update({ n: 1 });
      await told.promise;
      stop();
    };
    assert.deepEqual(await counted(listened), [
      ["listen", 1, 2, 0, 0],
      ["commit", 2, 0, 1, 0],
    ]);
  });

  it("tells rounds by what waits for what", async () => {
    const some = collection();
    const chain = async (...steps: (() => Promise<unknown>)[]) => {
      for (const step of steps) await step();
    };
    const get = () => some.doc("a").get();
    const query = () => some.get();
    const write = () => some.doc("a").set({});
    const rounds = async (work: () => Promise<unknown>) =>
      (await counted(work)).map(([name, round]) => `${round} ${name}`).sort();
    assert.deepEqual(await rounds(() => Promise.all([get(), get(), query()])), [
      "1 batchGetDocuments",
      "1 batchGetDocuments",
      "1 runQuery",
    ]);
    assert.deepEqual(
      await rounds(() => Promise.all([chain(get, query, write), chain(query, get), query()])),
      ["1 batchGetDocuments", "1 runQuery", "1 runQuery", "2 batchGetDocuments", "2 runQuery", "3 commit"],
    );
  });
});
