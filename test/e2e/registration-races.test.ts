import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hashSecret, parseKey } from "../../functions/src/domain/credential/key.ts";
import { type Answer, assertProblem, type Call } from "../support/client.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { newDevice, newRegistration } from "../support/rows.ts";
import { everyDocument, flatten } from "../support/stores.ts";
import { type Deps, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** The limits of a deployment; the suite's own are out of the way. */
const RATES = {
  RATE_BUSINESS: "100",
  RATE_USER: "600",
  RATE_TERMINAL: "120",
  RATE_ADDRESS: "300",
  RATE_PROXY: "3000",
  RATE_REGISTRATION: "30",
  RATE_CODE: "10",
};

const CLAIMS = 1000;
const REGISTERS = 100;
/** How many devices a sandbox organization may register. */
const DEVICES = 5;
const WINDOW_S = 600;

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** How many of each status. */
function tally(answers: readonly Answer[]): Record<number, number> {
  const count: Record<number, number> = {};
  for (const { status } of answers) count[status] = (count[status] ?? 0) + 1;
  return count;
}

/** An address that nobody else has. */
const newAddress = (): string => [198, 18, ...randomBytes(2)].join(".");

/** Where a fleet's first claims come from, which only warm it up. */
const WARM_UP = newAddress();

interface Started {
  registration_code: string;
  claim_token: string;
}

/** Two instances each of the functions that a registration meets. */
class Fleet {
  readonly #instances: readonly Instance[];

  constructor(instances: readonly Instance[]) {
    this.#instances = instances;
  }

  /** Sends to one instance or the other; what a crowded one is too busy for is sent again. */
  async #send(fn: "terminal" | "devices", nth: number, method: string, path: string, call: Call) {
    const instance = this.#instances[(fn === "terminal" ? 0 : 2) + (nth % 2)] as Instance;
    for (let tries = 0; ; tries++) {
      const answer = await instance.api(method, path, call);
      if (answer.status !== 503 || tries === 5) return answer;
      await sleep(1000);
    }
  }

  begin = (nth = 0, address = newAddress()) =>
    this.#send("terminal", nth, "POST", "/v1/terminal/registrations", {
      body: { app_version: "1.4.0", model: "PT-2" },
      headers: { "X-Forwarded-For": address },
    });

  claim = (token: string, nth = 0, address = newAddress()) =>
    this.#send("terminal", nth, "POST", "/v1/terminal/registrations/claim", {
      token,
      headers: { "X-Forwarded-For": address },
    });

  delete = (id: string, token: string, nth = 0) =>
    this.#send("devices", nth, "DELETE", `/v1/device/${id}`, { token });

  register = (registration_code: string, { project, key }: Tenant, nth = 0, token = key) =>
    this.#send("devices", nth, "POST", `/v1/project/${project.id}/devices/register`, {
      token,
      body: { registration_code, name: `Door ${nth}` },
      headers: { "Idempotency-Key": randomUUID() },
    });

  rotate = (id: string, token: string) =>
    this.#send("devices", 1, "POST", `/v1/device/${id}/rotate-key`, {
      token,
      headers: { "Idempotency-Key": randomUUID() },
    });

  /** How often an instance has said that it limits alone, since the store has not answered in time. */
  alone = (): number =>
    this.#instances.reduce((sum, { output }) => sum + output().split("by this instance alone").length - 1, 0);

  stop = () => Promise.all(this.#instances.map((instance) => instance.stop()));
}

async function startFleet(deps: Deps, env: Record<string, string> = {}): Promise<Fleet> {
  const proxied = { ...env, DIRECT_PROXIES: "1", HOSTING_PROXIES: "1" };
  const fleet = new Fleet(
    await Promise.all(
      ["terminal", "terminal", "devices", "devices"].map((target) => startInstance(target, proxied)),
    ),
  );
  // An instance that has just started is slow under a crowd.
  const { key } = await newTenant(deps, { organization: { plan: "enterprise" } });
  const waiting = times(4, () => newRegistration());
  await deps.commit(waiting.map(({ registration }) => deps.registrations.create(registration)));
  for (const crowd of [4, 16, 64, 128]) {
    await Promise.all(
      times(crowd, (i) => [
        fleet.claim(waiting[Math.floor(i / 2) % 4]?.claimToken ?? "", i, WARM_UP),
        fleet.rotate(randomUUID(), key),
      ]).flat(),
    );
  }
  return fleet;
}

/** Everybody at once, and what they leave: one device, and one key, which every claim that got one got. */
async function race(deps: Deps, fleet: Fleet, tenant: Tenant) {
  const { registration_code, claim_token } = (await fleet.begin()).body as Started;
  const address = newAddress();
  const [claims, registers] = await Promise.all([
    Promise.all(times(CLAIMS, (i) => fleet.claim(claim_token, i, address))),
    Promise.all(times(REGISTERS, (i) => fleet.register(registration_code, tenant, i))),
  ]);
  const [device, ...more] = await deps.devices.ofProject(tenant.project.id).slice({ limit: 10 });
  assert.ok(device?.unclaimed_key);
  assert.deepEqual(more, []);
  const device_key = deps.deviceKeys.open(device.id, device.unclaimed_key);
  assert.equal(hashSecret(parseKey("pd", device_key)?.secret ?? ""), device.secret_hash);
  const claimed = { status: "registered", device_id: device.id, project_id: tenant.project.id, device_key };
  const told = claims.filter(({ status }) => status === 200).map(({ text }) => text);
  const known = [JSON.stringify({ status: "pending" }), JSON.stringify(claimed)];
  assert.deepEqual(
    told.filter((text) => !known.includes(text)),
    [],
  );
  const made = registers.filter(({ status }) => status === 201).map(({ body }) => body.id);
  assert.deepEqual(made, [device.id]);
  return { claim_token, claimed, claims: tally(claims), registers: tally(registers) };
}

describe("Registrations, on two instances each of terminal and devices, with the built bundle", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  describe("with limits out of the way", () => {
    let fleet: Fleet;
    before(async () => {
      fleet = await startFleet(deps);
    });
    after(() => fleet.stop());

    it(`make one device and one key of ${CLAIMS} claims and ${REGISTERS} registers of a code at once`, async () => {
      const { claim_token, claimed, claims, registers } = await race(deps, fleet, tenant);
      assert.deepEqual([claims, registers], [{ 200: CLAIMS }, { 201: 1, 410: REGISTERS - 1 }]);
      for (const nth of [0, 1]) assert.deepEqual((await fleet.claim(claim_token, nth)).body, claimed);
    });

    for (const counted of [true, false]) {
      const which = counted ? "whose devices are counted" : "from before devices were counted";
      it(`make as many devices as a plan allows, exactly, for an organization ${which}`, async () => {
        const organization = { plan: "sandbox", ...(counted ? { device_count: 0 } : {}) } as const;
        const sandbox = await newTenant(deps, { organization });
        const there = counted ? [] : times(2, () => newDevice({ project_id: sandbox.project.id }));
        await deps.commit(there.map((device) => deps.devices.create(device)));
        const codes = await Promise.all(
          times(8, async (nth) => ((await fleet.begin(nth)).body as Started).registration_code),
        );
        const answers = await Promise.all(codes.map((code, nth) => fleet.register(code, sandbox, nth)));
        assert.deepEqual(tally(answers), { 201: DEVICES - there.length, 409: 8 - DEVICES + there.length });
        const refused = answers.findIndex(({ status }) => status === 409);
        assertProblem(answers[refused] as Answer, 409, "limit_reached");
        assert.equal(await deps.devices.ofProject(sandbox.project.id).count(), DEVICES);

        // A refused registration has not used up its code: once there is room, it works.
        const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
        const deleted = await Promise.all(made.map((id, nth) => fleet.delete(id, sandbox.key, nth)));
        assert.deepEqual(tally(deleted), { 204: made.length });
        const again = await Promise.all(
          answers.flatMap(({ status }, nth) =>
            status === 409 ? [fleet.register(codes[nth] as string, sandbox, nth)] : [],
          ),
        );
        const [waiting, room] = [8 - DEVICES + there.length, DEVICES - there.length];
        const refusedAgain = waiting - Math.min(waiting, room);
        assert.deepEqual(tally(again), {
          201: Math.min(waiting, room),
          ...(refusedAgain > 0 ? { 409: refusedAgain } : {}),
        });
        const stored = await deps.organizations.get(sandbox.organization.id);
        const devices = await deps.devices.ofProject(sandbox.project.id).count();
        assert.equal(stored?.value.device_count, devices);
      });
    }

    it("store no code, no token and no key that anybody could read", async () => {
      const { registration_code, claim_token } = (await fleet.begin()).body as Started;
      const words = [registration_code, claim_token, parseKey("pt", claim_token)?.secret ?? ""];
      const readable = async () => {
        const documents = await everyDocument();
        assert.ok(documents.some(({ path }) => path.startsWith("registrationcodes/")));
        return documents.flatMap(({ path, fields }) => {
          const bytes = flatten(fields);
          return words.filter((word) => path.includes(word) || bytes.includes(word));
        });
      };
      assert.deepEqual(await readable(), []);
      const { id } = (await fleet.register(registration_code, tenant)).body;
      const { device_key } = (await fleet.claim(claim_token)).body;
      const rotated = (await fleet.rotate(id, tenant.key)).body.device_key;
      for (const key of [device_key, rotated]) words.push(key, parseKey("pd", key)?.secret ?? "");
      assert.ok(words.every((word) => word.length >= 8));
      assert.deepEqual(await readable(), []);
    });
  });

  describe("with the limits of a deployment", () => {
    let fleet: Fleet;
    before(async () => {
      fleet = await startFleet(deps, RATES);
    });
    after(() => fleet.stop());

    const assertLimited = (answer: Answer): void => {
      assertProblem(answer, 429, "rate_limited");
      const retryAfter = Number(answer.headers.get("retry-after"));
      assert.ok(Number.isInteger(retryAfter) && retryAfter > WINDOW_S - 60 && retryAfter <= WINDOW_S);
    };

    it("are limited first, and make one device and one key all the same", async () => {
      const { claims, registers } = await race(deps, fleet, tenant);
      const { 200: told = 0, 429: refused = 0 } = claims;
      const { 201: made, 410: used = 0, 429: limited = 0 } = registers;
      assert.deepEqual([told + refused, made, used + limited], [CLAIMS, 1, REGISTERS - 1]);
      // Where the machine stalls, each instance limits by itself.
      assert.ok(
        told <= 2 * Number(RATES.RATE_TERMINAL) && limited > 0,
        JSON.stringify({ claims, registers }),
      );
    });

    it("let a caller be wrong ten times, on both instances together, and then not even be right", async () => {
      const { registration_code, claim_token } = (await fleet.begin()).body as Started;
      const { organization, user } = tenant;
      const { key } = await newApiKey(deps, { organization_id: organization.id, project_ids: null });
      for (let nth = 0; nth < 10; nth++) {
        const token = nth % 3 === 0 ? key : tenant.key;
        assertProblem(await fleet.register(`wrong ${nth}`, tenant, nth, token), 404, "not_found");
      }
      for (const nth of [0, 1]) {
        for (const code of ["wrong", registration_code]) {
          for (const token of [tenant.key, key])
            assertLimited(await fleet.register(code, tenant, nth, token));
        }
      }
      assert.deepEqual((await fleet.claim(claim_token)).body, { status: "pending" });

      const other = await newTenant(deps);
      for (const nth of [0, 1]) {
        assertProblem(await fleet.register("wrong", other, nth), 404, "not_found");
        assertProblem(await fleet.register("wrong", tenant, nth, user.token), 404, "not_found");
      }
      const right = await fleet.register(registration_code, tenant, 0, user.token);
      assert.equal(right.status, 201, right.text);
    });

    it("let no more than ten of ninety wrong codes at once be looked up", async () => {
      const answers = await Promise.all(times(90, (nth) => fleet.register(`wrong ${nth}`, tenant, nth)));
      assert.deepEqual(tally(answers), { 404: 10, 429: 80 });
    });

    it("let thirty begin at one address in ten minutes, on both instances together, and others go on", async () => {
      // Where the store pauses, each instance limits by itself for a second: that shows nothing of both together.
      for (let tries = 1; ; tries++) {
        const address = newAddress();
        const before = fleet.alone();
        const begun: Answer[] = [];
        for (let nth = 0; nth < 30; nth++) begun.push(await fleet.begin(nth, address));
        const more = [await fleet.begin(0, address), await fleet.begin(1, address)];
        if (fleet.alone() > before && tries < 5) continue;
        assert.deepEqual(tally(begun), { 201: 30 });
        for (const answer of more) assertLimited(answer);
        break;
      }
      for (const nth of [0, 1]) assert.equal((await fleet.begin(nth)).status, 201);
    });
  });
});
