import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { installMeter, Meter } from "../../bench/cost/meter.ts";
import type { AllDeps } from "../../bench/cost/requests.ts";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { createBudgets } from "../../functions/src/data/budgets.ts";
import { healthDeps } from "../../functions/src/deps.ts";
import { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import { createApp } from "../../functions/src/http/app.ts";
import { type Client, createClient } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { POLICIES } from "../support/limits.ts";
import { newDeviceWithKey, newRegistration } from "../support/rows.ts";
import { newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const LIMIT = 3;
const UNKNOWN = randomUUID();

/** A request without a valid credential, and what its look-up may read besides the budget. */
interface Stranger {
  what: string;
  method: string;
  path: string;
  lookUps: number;
}

const STRANGERS: Stranger[] = [
  { what: "an unknown API key", method: "GET", path: `/v1/projects/${UNKNOWN}`, lookUps: 1 },
  { what: "an unknown device key", method: "POST", path: "/v1/terminal/poll", lookUps: 1 },
  { what: "an unknown claim token", method: "POST", path: "/v1/terminal/registrations/claim", lookUps: 1 },
  { what: "a malformed credential", method: "GET", path: `/v1/projects/${UNKNOWN}`, lookUps: 0 },
  { what: "no credential", method: "POST", path: `/v1/project/${UNKNOWN}/identify`, lookUps: 0 },
  { what: "an ID token of nobody", method: "GET", path: `/v1/projects/${UNKNOWN}`, lookUps: 0 },
];

const TOKENS: Record<string, string> = {
  "an unknown API key": newKey("pg", randomUUID()).key,
  "an unknown device key": newKey("pd", randomUUID()).key,
  "an unknown claim token": newKey("pt", randomUUID()).key,
  "a malformed credential": "pg_nonsense",
  "an ID token of nobody": "a.b.c",
};

describe("What refused requests without a valid credential cost", () => {
  let deps: AllDeps;
  let tenant: Tenant;
  let addresses = 0;

  /** One instance of every function; the store is in time, however slow this machine is. */
  function newInstance(limits: Partial<Record<keyof typeof POLICIES, number>> = {}): Client {
    const surroundings = { ...deps, sleep: (ms: number) => deps.sleep(100 * ms) };
    const limiter = new Limiter({ ...surroundings, budgets: createBudgets(db()) });
    const of = (name: "address" | "proxy" | "registration") => ({
      ...POLICIES[name],
      limit: limits[name] ?? POLICIES[name].limit,
    });
    const policies = {
      ...POLICIES,
      address: of("address"),
      proxy: of("proxy"),
      registration: of("registration"),
    };
    const app = createApp(allRoutes, { ...deps, limiter, policies }, { proxies: { hosting: 2, direct: 1 } });
    return createClient((request) => app.fetch(request));
  }

  /** A client's address and the proxy that passes it on, as both kinds of paths see them. */
  const newAddress = () => `203.0.113.${++addresses}`;
  const through = (client: string, nearest = client) => ({ "X-Forwarded-For": `${client}, ${nearest}` });

  async function counted(ask: () => ReturnType<Client>) {
    const meter = new Meter();
    const { status } = await meter.run(ask);
    const total = (of: "reads" | "writes") => meter.operations.reduce((sum, one) => sum + one[of], 0);
    return { status, reads: total("reads"), writes: total("writes") };
  }

  before(async () => {
    installMeter();
    deps = { ...(await openDeps()), checks: (await healthDeps()).checks };
    tenant = await newTenant(deps);
  });

  for (const { what, method, path, lookUps } of STRANGERS) {
    it(`is a look-up and the budget within the limit, and nothing beyond it: ${what}`, async () => {
      const headers = through(newAddress());
      const call = { headers, ...(TOKENS[what] === undefined ? {} : { token: TOKENS[what] }) };
      const [one, other] = [newInstance({ address: LIMIT }), newInstance({ address: LIMIT })];
      const ask = (instance: Client) => counted(() => instance(method, path, call));
      // What the path names is prefetched for an address that nothing is known of.
      assert.equal((await ask(one)).status, 401);
      for (let n = 1; n < LIMIT; n++) {
        const { status, reads, writes } = await ask(one);
        assert.equal(status, 401);
        assert.ok(reads <= lookUps + 1 && writes <= 1, `${reads} reads, ${writes} writes`);
      }
      const nothing = { status: 429, reads: 0, writes: 0 };
      for (let n = 0; n < 3; n++) assert.deepEqual(await ask(one), nothing);

      // An instance that knows nothing yet learns it by one look-up, one budget and what it prefetches.
      const first = await ask(other);
      assert.deepEqual([first.status, first.writes], [429, 0]);
      for (let n = 0; n < 3; n++) assert.deepEqual(await ask(other), nothing);
    });
  }

  it("is nothing where the nearest address is over its limit, whatever the header makes up", async () => {
    const nearest = newAddress();
    const instance = newInstance({ proxy: LIMIT });
    const token = newKey("pg", randomUUID()).key;
    const statuses = [];
    let costs = { reads: 0, writes: 0 };
    for (let n = 0; n < 10; n++) {
      const headers = through(`198.51.100.${n}`, nearest);
      const { status, ...cost } = await counted(() =>
        instance("GET", `/v1/projects/${tenant.project.id}`, { token, headers }),
      );
      statuses.push(status);
      if (n > LIMIT) costs = { reads: costs.reads + cost.reads, writes: costs.writes + cost.writes };
    }
    // One shard of ten holds few of them, so the limit may be met a little early, never late.
    assert.equal(statuses.at(-1), 429);
    assert.deepEqual(costs, { reads: 0, writes: 0 });
  });

  it("is nothing for registrations and for the document beyond their limits", async () => {
    const headers = through(newAddress());
    const instance = newInstance({ registration: 1, address: LIMIT });
    const start = () => counted(() => instance("POST", "/v1/terminal/registrations", { headers }));
    assert.equal((await start()).status, 201);
    for (let n = 0; n < 3; n++) assert.deepEqual(await start(), { status: 429, reads: 0, writes: 0 });
    const document = () => counted(() => instance("GET", "/v1/openapi.json", { headers }));
    for (let n = 1; n < LIMIT; n++) assert.equal((await document()).status, 200);
    assert.deepEqual(await document(), { status: 429, reads: 0, writes: 0 });
  });

  it("does not lock out a terminal that works behind the same address", async () => {
    const headers = through(newAddress());
    const instance = newInstance({ address: LIMIT });
    const { device, key } = newDeviceWithKey({ project_id: tenant.project.id, last_seen_at: new Date() });
    await deps.commit([deps.devices.create(device)]);
    const poll = (token: string) =>
      counted(() => instance("POST", "/v1/terminal/poll", { token, headers, body: { wait: 0 } }));
    assert.equal((await poll(key)).status, 200);
    const broken = newKey("pd", randomUUID()).key;
    for (let n = 0; n < LIMIT; n++) assert.equal((await poll(broken)).status, 401);
    assert.deepEqual(await poll(broken), { status: 429, reads: 0, writes: 0 });
    assert.equal((await poll(key)).status, 200);
  });

  it("is that of an address for claim tokens, too, valid ones included", async () => {
    const headers = through(newAddress());
    const instance = newInstance({ address: LIMIT });
    const started = await Promise.all(
      Array.from({ length: LIMIT + 1 }, async () => {
        const { registration, claimToken } = newRegistration();
        await deps.commit([deps.registrations.create(registration)]);
        return claimToken;
      }),
    );
    const claim = (token: string) =>
      counted(() => instance("POST", "/v1/terminal/registrations/claim", { token, headers }));
    for (const token of started.slice(0, LIMIT)) assert.equal((await claim(token)).status, 200);
    for (const token of started) {
      assert.deepEqual(await claim(token), { status: 429, reads: 0, writes: 0 });
    }
  });
});
