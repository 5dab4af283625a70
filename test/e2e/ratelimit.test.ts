import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { routes } from "../../functions/src/api/projects/routes.ts";
import { createBudgets } from "../../functions/src/data/budgets.ts";
import { openFirestore } from "../../functions/src/data/firestore.ts";
import type { Policy } from "../../functions/src/domain/budget/budget.ts";
import { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import { newKey } from "../../functions/src/domain/credential/key.ts";
import { createApp } from "../../functions/src/http/app.ts";
import { type Answer, assertProblem, type Call, createClient } from "../support/client.ts";
import { Gate, type Mode } from "../support/faults.ts";
import { db } from "../support/firestore.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newDeviceWithKey } from "../support/rows.ts";
import { baseUrl, newUser } from "../support/suite.ts";
import { type Deps, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const WINDOW_S = 60;
/** Sooner than the slowest gate answers. That the limiter decides in 250 ms is shown by its unit tests, on simulated time. */
const DECIDED_MS = 2000;

/** The limits of a deployment; the suite's own are out of the way. */
const RATES = {
  RATE_SANDBOX: "5",
  RATE_BUSINESS: "100",
  RATE_ENTERPRISE: "5000",
  RATE_USER: "600",
  RATE_TERMINAL: "120",
  RATE_ADDRESS: "300",
  RATE_PROXY: "3000",
};

const SANDBOX = { organization: { plan: "sandbox" } } as const;

const pathOf = ({ project }: Tenant) => `/v1/projects/${project.id}`;
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function assertRefused(answer: Answer): void {
  assertProblem(answer, 429, "rate_limited");
  const retryAfter = Number(answer.headers.get("retry-after"));
  assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= WINDOW_S, String(retryAfter));
}

/** How many of each status. */
function tally(answers: readonly Answer[]): Record<number, number> {
  const count: Record<number, number> = {};
  for (const { status } of answers) count[status] = (count[status] ?? 0) + 1;
  return count;
}

describe("The limits, on two instances with the built bundle", () => {
  let deps: Deps;
  let instances: [Instance, Instance];

  before(async () => {
    deps = await openDeps();
    const start = () => startInstance("projects", { ...RATES, RATE_USER: "3" });
    instances = await Promise.all([start(), start()]);
    // An instance that has just started is slow under a crowd, and a slow store is none: it would limit alone.
    const { key } = await newTenant(deps);
    for (let crowd = 1; crowd <= 64; crowd *= 4) {
      await Promise.all(
        times(2 * crowd, (i) => (instances[i % 2] as Instance).api("GET", "/v1/projects", { token: key })),
      );
    }
  });
  after(() => Promise.all(instances.map((instance) => instance.stop())));

  it("are told with every answer to a valid key, and with 429 when to come back", async () => {
    const tenant = await newTenant(deps, SANDBOX);
    const { api } = instances[0];
    const path = pathOf(tenant);
    const started = performance.now();
    for (const [r, [status, sent]] of Object.entries([
      [200, path],
      [404, `/v1/projects/${randomUUID()}`],
      [400, `${path}?surprise=1`],
      [403, "/v1/organizations"],
      [200, path],
      [429, path],
      [429, "/v1/organizations"],
    ] as const)) {
      const answer = await api("GET", sent, { token: tenant.key });
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers.get("ratelimit-policy"), `"sandbox";q=5;w=${WINDOW_S}`);
      const [, left, reset] = /^"sandbox";r=(\d+);t=(\d+)$/.exec(answer.headers.get("ratelimit") ?? "") ?? [];
      assert.equal(Number(left), Math.max(0, 4 - Number(r)));
      const passed = Math.ceil((performance.now() - started) / 1000);
      for (const seconds of [reset, ...(status === 429 ? [answer.headers.get("retry-after")] : [])]) {
        assert.ok(Number(seconds) >= WINDOW_S - passed && Number(seconds) <= WINDOW_S, `${seconds} s`);
      }
      assert.equal(answer.headers.has("retry-after"), status === 429);
    }
  });

  it("let exactly five of a hundred requests at once pass for a sandbox, with all its keys together", async () => {
    // Where the machine stalls, the store is late, and instances limit by themselves: that is another test's.
    const late = () =>
      instances.flatMap((instance) => instance.output().match(/by this instance alone/g) ?? []).length;
    for (let [exact, rounds] = [0, 0]; exact < 3; rounds++) {
      assert.ok(rounds < 10, "the store was late nearly always");
      const before = late();
      const { organization, key } = await newTenant(deps, SANDBOX);
      const more = await newApiKey(deps, { organization_id: organization.id, project_ids: null });
      const answers = await Promise.all(
        // Refused for their kind of credential, those that pass cost next to nothing.
        times(100, (i) =>
          (instances[i % 2] as Instance).api("GET", "/v1/organizations", {
            token: i % 3 === 0 ? more.key : key,
          }),
        ),
      );
      if (late() > before) {
        await sleep(1500);
        continue;
      }
      exact++;
      assert.deepEqual(tally(answers), { 403: 5, 429: 95 });
      for (const answer of answers) if (answer.status === 429) assertRefused(answer);
    }
  });

  it("are those of one organization: others, and the console users of the same, go on", async () => {
    const tenant = await newTenant(deps, SANDBOX);
    const other = await newTenant(deps);
    const { api } = instances[0];
    const exhausted = await Promise.all(times(6, () => api("GET", pathOf(tenant), { token: tenant.key })));
    assert.deepEqual(tally(exhausted), { 200: 5, 429: 1 });
    for (const [of, token, policy] of [
      [other, other.key, '"business";q=100;w=60'],
      [tenant, tenant.user.token, '"user";q=3;w=60'],
    ] as const) {
      const answer = await api("GET", pathOf(of), { token });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers.get("ratelimit-policy"), policy);
    }
  });

  it("are each console user's own, on both instances together", async () => {
    const colleague = await newUser(`${randomUUID()}@tenant.example`);
    const tenant = await newTenant(deps);
    const stored = await deps.organizations.get(tenant.organization.id);
    assert.ok(stored);
    const admins = [tenant.user.uid, colleague.uid];
    await deps.commit([deps.organizations.replace(stored, { ...stored.value, admins })]);
    const ask = ({ token }: { token: string }) =>
      Promise.all(times(8, (i) => (instances[i % 2] as Instance).api("GET", pathOf(tenant), { token })));
    assert.deepEqual(tally(await ask(tenant.user)), { 200: 3, 429: 5 });
    assert.deepEqual(tally(await ask(colleague)), { 200: 3, 429: 5 });
  });

  it("are a terminal's own, too, even where it has no business", async () => {
    const { project } = await newTenant(deps);
    const { device, key: token } = newDeviceWithKey({ project_id: project.id });
    await deps.commit([deps.devices.create(device)]);
    const answer = await instances[0].api("GET", `/v1/projects/${project.id}`, { token });
    assertProblem(answer, 403, "forbidden");
    assert.equal(answer.headers.get("ratelimit-policy"), '"terminal";q=120;w=60');
  });
});

describe("The limit of an organization's terminals, on two instances of identify", () => {
  const LIMIT = 50;
  const image = Buffer.from(encodePng(steadyPalm({ seed: 77 }))).toString("base64");
  let deps: Deps;
  let instances: [Instance, Instance];
  let poller: Instance;

  before(async () => {
    deps = await openDeps();
    const start = (target: string) => startInstance(target, RATES);
    const [one, other, terminal] = await Promise.all([
      start("identify"),
      start("identify"),
      start("terminal"),
    ]);
    instances = [one, other];
    poller = terminal;
    // An instance that has just started is slow under a crowd, and a slow store is none: it would limit alone.
    const [token] = await newTerminals(await newTenant(deps, { organization: { plan: "enterprise" } }), 1);
    for (let n = 0; n < 8; n++) await scan(n, token as string);
  });
  after(() => Promise.all([...instances, poller].map((instance) => instance.stop())));

  async function newTerminals({ project }: Tenant, count: number): Promise<string[]> {
    const made = times(count, () => newDeviceWithKey({ project_id: project.id }));
    await deps.commit(made.map(({ device }) => deps.devices.create(device)));
    return made.map(({ key }) => key);
  }
  const scan = (nth: number, token: string) =>
    (instances[nth % 2] as Instance).api("POST", "/v1/terminal/scans", { token, body: { image } });
  const late = () =>
    instances.flatMap((instance) => instance.output().match(/by this instance alone/g) ?? []).length;

  it("lets four terminals of a sandbox scan fifty times a minute together, and others go on", async () => {
    for (let tries = 1; ; tries++) {
      const before = late();
      const tenant = await newTenant(deps, SANDBOX);
      const tokens = await newTerminals(tenant, 4);
      const started = performance.now();
      const answers = await Promise.all(times(60, (n) => scan(n, tokens[n % 4] as string)));
      const early = tally(answers)[200] ?? 0;
      // A token that one instance has taken ahead is given back when it has lain unused: it lets one more through.
      for (const [nth, token] of tokens.entries()) {
        do answers.push(await scan(nth, token));
        while (answers.at(-1)?.status === 200 && answers.length <= 60 + LIMIT);
      }
      // Where the machine stalls, each instance limits by itself, or the next minute begins: that shows nothing.
      const stalled = late() > before || performance.now() - started >= 1000 * WINDOW_S;
      if (stalled && tries < 5) continue;
      const { 200: passed = 0, 429: refused = 0 } = tally(answers);
      assert.equal(passed + refused, answers.length);
      assert.ok(early >= LIMIT - 10 && passed <= LIMIT, `${early} of 60 passed, ${passed} in all`);
      for (const answer of answers) {
        assert.match(answer.headers.get("ratelimit-policy") ?? "", /^"sandbox-terminals";q=50;w=60$/);
        if (answer.status === 429) assertRefused(answer);
      }

      const poll = await poller.api("POST", "/v1/terminal/poll", { token: tokens[0] as string, body: {} });
      assert.equal(poll.status, 200, poll.text);
      assert.equal(poll.headers.get("ratelimit-policy"), '"terminal";q=120;w=60');
      const path = pathOf(tenant);
      const byKey = await instances[0].api("POST", `${path.replace("projects", "project")}/identify`, {
        ...{ token: tenant.key, body: { image } },
      });
      assert.equal(byKey.headers.get("ratelimit-policy"), '"sandbox";q=5;w=60');
      const [other] = await newTerminals(await newTenant(deps, SANDBOX), 1);
      assert.equal((await scan(0, other as string)).status, 200);
      return;
    }
  });

  it("counts samples with scans, and tells of the limit with the fewest requests left", async () => {
    const tenant = await newTenant(deps);
    const [token] = (await newTerminals(tenant, 1)) as [string];
    const path = `/v1/terminal/enrollment/${randomUUID()}/samples`;
    const sample = await instances[0].api("POST", path, { token, body: {} });
    assertProblem(sample, 404, "not_found");
    // A business organization has 1,000 left, the terminal itself 119.
    assert.match(sample.headers.get("ratelimit") ?? "", /^"terminal";r=119;/);
    const budgets = createBudgets(db());
    const shards = await Promise.all(times(4, (n) => budgets.get(`terminals:${tenant.organization.id}`, n)));
    const tokens = shards.flatMap((shard) => shard?.value.grants ?? []).map((grant) => grant.tokens);
    assert.equal(
      tokens.reduce((sum, one) => sum + one, 0),
      1,
    );
  });
});

describe("The limit of an address", () => {
  const LIMITS = { ...RATES, RATE_ADDRESS: "3", RATE_PROXY: "30" };
  const FACTOR = 10;
  let deps: Deps;
  let tenant: Tenant;
  let throughHosting: Instance;
  let gallery: Instance;
  let terminals: Instance;
  let bare: Instance;
  let addresses = 0;

  /** Each test has its own. */
  const newAddress = () => `203.0.113.${++addresses}`;
  const from = (forwarded: string): Call => ({ headers: { "X-Forwarded-For": forwarded } });
  const ask = ({ api }: Instance, call: Call) => api("GET", pathOf(tenant), call);
  const identify = ({ api }: Instance, call: Call) =>
    api("POST", `/v1/project/${tenant.project.id}/identify`, { body: {}, ...call });
  const scan = ({ api }: Instance, call: Call) => api("POST", "/v1/terminal/scans", { body: {}, ...call });

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
    [throughHosting, gallery, terminals, bare] = await Promise.all([
      startInstance("projects", { ...LIMITS, HOSTING_PROXIES: "2" }),
      startInstance("identify", { ...LIMITS, HOSTING_PROXIES: "2", DIRECT_PROXIES: "1" }),
      startInstance("terminal", {
        ...LIMITS,
        ...{ RATE_REGISTRATION: "2", HOSTING_PROXIES: "2", DIRECT_PROXIES: "1" },
      }),
      startInstance("projects", { ...LIMITS, HOSTING_PROXIES: "0" }),
    ]);
  });
  after(() => Promise.all([throughHosting, gallery, terminals, bare].map((instance) => instance.stop())));

  it("is kept through Hosting, whatever a client says of itself; its neighbours go on", async () => {
    const [client, neighbour, proxy] = [newAddress(), newAddress(), newAddress()];
    const answers = [];
    for (const spoofed of ["", "198.51.100.1, ", "me, ", `${neighbour}, `, "2001:db8::1, 198.51.100.2, "]) {
      answers.push(await ask(throughHosting, from(`${spoofed}${client}, ${proxy}`)));
    }
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 401, 401, 429, 429],
    );
    assertRefused(answers.at(-1) as Answer);
    assertProblem(await ask(throughHosting, from(`${neighbour}, ${proxy}`)), 401, "unauthenticated");
  });

  it("is kept at the URL that terminals call, whatever a client says of itself", async () => {
    const [client, neighbour] = [newAddress(), newAddress()];
    const answers = await Promise.all(
      times(12, (i) => scan(gallery, from(`198.51.100.${i}, 192.0.2.${i}, ${client}`))),
    );
    assert.deepEqual(tally(answers), { 401: 3, 429: 9 });
    assertProblem(await scan(gallery, from(neighbour)), 401, "unauthenticated");
  });

  it("is the client's on a path through Hosting, though the same function has paths that are direct", async () => {
    const [client, neighbour, edge] = [newAddress(), newAddress(), newAddress()];
    const honest = await Promise.all(times(12, () => identify(gallery, from(`${client}, ${edge}`))));
    assert.deepEqual(tally(honest), { 401: 3, 429: 9 });
    assertProblem(await identify(gallery, from(`${neighbour}, ${edge}`)), 401, "unauthenticated");
    // Who calls such a path at the function's own URL may make a client up, tenfold at most.
    const caller = newAddress();
    const madeUp = await Promise.all(
      times(100, (i) => identify(gallery, from(`198.51.100.${i}, ${caller}`))),
    );
    const passed = tally(madeUp)[401] ?? 0;
    assert.ok(passed <= 3 * FACTOR, `${passed} passed`);
  });

  it("is the client's for registrations through Hosting, not that of Hosting's edge", async () => {
    const edge = newAddress();
    const start = (client: string) =>
      terminals.api("POST", "/v1/terminal/registrations", from(`${client}, ${edge}`));
    for (const client of [newAddress(), newAddress()]) {
      const answers = [await start(client), await start(client), await start(client)];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [201, 201, 429],
      );
    }
  });

  it("grows by no more than the factor where a client calls past Hosting and makes addresses up", async () => {
    const client = newAddress();
    const honest = await Promise.all(times(12, () => ask(throughHosting, from(client))));
    assert.deepEqual(tally(honest), { 401: 3, 429: 9 });
    const madeUp = await Promise.all(
      times(100, (i) => ask(throughHosting, from(`198.51.100.${i}, ${client}`))),
    );
    const passed = tally(madeUp)[401] ?? 0;
    assert.ok(passed <= 3 * FACTOR, `${passed} passed`);
    assert.equal(passed + (tally(madeUp)[429] ?? 0), 100);
  });

  it("does not look at the header where no proxy stands before the function", async () => {
    // Other tests have asked from here without credentials, too.
    const here = createHash("sha256").update("address:127.0.0.1").digest("hex");
    await db().collection("budgets").doc(`${here}-0`).delete();
    const answers = await Promise.all(times(12, () => ask(bare, from(newAddress()))));
    assert.deepEqual(tally(answers), { 401: 3, 429: 9 });
  });

  it("counts every credential that is none, and no valid one", async () => {
    const forwarded = from(`${newAddress()}, ${newAddress()}`);
    const strangers = [
      undefined,
      "nonsense",
      "a.b.c",
      newKey("pg", randomUUID()).key,
      newKey("pd", randomUUID()).key,
    ];
    for (const token of [tenant.key, tenant.user.token]) {
      assert.equal((await ask(throughHosting, { ...forwarded, token })).status, 200);
    }
    const answers = [];
    for (const token of strangers) {
      answers.push(await ask(throughHosting, { ...forwarded, ...(token === undefined ? {} : { token }) }));
    }
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 401, 401, 429, 429],
    );
    for (const token of [tenant.key, tenant.user.token]) {
      const answer = await ask(throughHosting, { ...forwarded, token });
      assert.equal(answer.status, 200, answer.text);
    }
    // Whether a key that has not passed here lately is valid would cost a read to find out.
    const { key } = await newApiKey(deps, { organization_id: tenant.organization.id, project_ids: null });
    assertRefused(await ask(throughHosting, { ...forwarded, token: key }));
    const neighbour = from(`${newAddress()}, ${newAddress()}`);
    assert.equal((await ask(throughHosting, { ...neighbour, token: key })).status, 200);
  });
});

describe("The limits while their store fails", () => {
  let deps: Deps;
  let gate: Gate;

  before(async () => {
    deps = await openDeps();
    gate = await Gate.before(process.env["FIRESTORE_EMULATOR_HOST"] ?? "");
  });
  after(() => gate.stop());

  /** What the machine itself stalls does not count, as it does not for the limiter. */
  async function undecided(): Promise<never> {
    for (let turns = 0; turns < 10; ) {
      const since = performance.now();
      await sleep(DECIDED_MS / 10);
      if (performance.now() - since < 1.5 * (DECIDED_MS / 10)) turns++;
    }
    return assert.fail(`undecided after ${DECIDED_MS} ms`);
  }

  /** An application whose budgets alone lie behind the gate. */
  function behindGate() {
    const said: string[] = [];
    const warn = (...what: unknown[]) => void said.push(JSON.stringify(what));
    const limiter = new Limiter({
      ...deps,
      log: { ...deps.log, warn },
      budgets: createBudgets(gatedFirestore()),
    });
    const admit: Deps["limiter"]["admit"] = (...asked) => {
      const verdict = limiter.admit(...asked);
      return Promise.race([verdict, undecided()]);
    };
    const sandbox: Policy = { ...deps.policies.sandbox, limit: 5 };
    const peek: Deps["limiter"]["peek"] = (subject) => limiter.peek(subject);
    const policies = { ...deps.policies, sandbox };
    const app = createApp(routes, { ...deps, limiter: { admit, peek }, policies });
    return { api: createClient((request) => app.fetch(request)), said };
  }

  function gatedFirestore() {
    const { FIRESTORE_EMULATOR_HOST = "", GCLOUD_PROJECT = "" } = process.env;
    try {
      process.env["FIRESTORE_EMULATOR_HOST"] = gate.host;
      return openFirestore(GCLOUD_PROJECT);
    } finally {
      process.env["FIRESTORE_EMULATOR_HOST"] = FIRESTORE_EMULATOR_HOST;
    }
  }

  for (const [what, mode] of [
    ["hangs", "hang"],
    ["refuses connections", "refuse"],
    ["answers in 3 s", "late3000"],
  ] satisfies [string, Mode][]) {
    it(`are decided without it and kept by each instance, which says so once, when it ${what}`, async () => {
      await gate.turn("pass");
      const { api, said } = behindGate();
      const tenant = await newTenant(deps, SANDBOX);
      const ask = () => api("GET", pathOf(tenant), { token: tenant.key });
      assert.equal((await ask()).status, 200);
      assert.deepEqual(said, []);

      await gate.turn(mode);
      assert.deepEqual(tally(await Promise.all(times(10, ask))), { 200: 4, 429: 6 });
      assertRefused(await ask());
      const stranger = await newTenant(deps, SANDBOX);
      assert.equal((await api("GET", pathOf(stranger), { token: stranger.key })).status, 200);

      assert.equal(said.length, 1, said.join("\n"));
      assert.match(said[0] ?? "", /rate limits are kept by this instance alone/);
      for (const { organization } of [tenant, stranger]) assert.ok(!said.join().includes(organization.id));
    });
  }
});

describe("The limits in the emulator suite", () => {
  it("are told through Hosting, and no header makes an address up", async () => {
    const deps = await openDeps();
    const tenant = await newTenant(deps);
    const api = createClient(baseUrl());
    const answer = await api("GET", pathOf(tenant), { token: tenant.key });
    assert.equal(answer.headers.get("ratelimit-policy"), '"business";q=1000000;w=60');
    assert.match(answer.headers.get("ratelimit") ?? "", /^"business";r=\d+;t=\d+$/);

    const madeUp = "203.0.113.250";
    for (let n = 0; n < 3; n++) {
      const refused = await api("GET", pathOf(tenant), { headers: { "X-Forwarded-For": madeUp } });
      assertProblem(refused, 401, "unauthenticated");
      // Should the store have been late, it is asked again.
      await sleep(1000);
    }
    // Of a limit of one, another request is refused: this tells whom the first ones were counted for.
    const isCounted = async (address: string) =>
      !(await deps.limiter.admit(`address:${address}`, { ...deps.policies.address, limit: 1 })).admitted;
    assert.equal(await isCounted(madeUp), false);
    assert.equal(await isCounted("127.0.0.1"), true);
  });
});
