import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Budgets } from "../../../functions/src/domain/budget/budget.ts";
import { hashSecret, parseKey } from "../../../functions/src/domain/credential/key.ts";
import { deleteDevice } from "../../../functions/src/domain/device/deleteDevice.ts";
import type { Device } from "../../../functions/src/domain/device/device.ts";
import { forgetKey } from "../../../functions/src/domain/device/forgetKey.ts";
import { registerDevice } from "../../../functions/src/domain/device/registerDevice.ts";
import { rotateDeviceKey } from "../../../functions/src/domain/device/rotateDeviceKey.ts";
import { DomainError, unavailable } from "../../../functions/src/domain/errors.ts";
import type { DeviceLimits } from "../../../functions/src/domain/organization/organization.ts";
import type { Project } from "../../../functions/src/domain/project/project.ts";
import { claimRegistration } from "../../../functions/src/domain/registration/claimRegistration.ts";
import { hashCode, newCode, normaliseCode } from "../../../functions/src/domain/registration/code.ts";
import { Guesses } from "../../../functions/src/domain/registration/guesses.ts";
import { CODE_MS } from "../../../functions/src/domain/registration/registration.ts";
import { startRegistration } from "../../../functions/src/domain/registration/startRegistration.ts";
import type { Stored } from "../../../functions/src/domain/store.ts";
import { MemoryBudgets } from "../../support/budgets.ts";
import { POLICIES } from "../../support/limits.ts";
import { memoryPorts } from "../../support/memory.ts";
import { testSurroundings } from "../../support/surroundings.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

describe("A registration code", () => {
  const fiveBytes = fc.uint8Array({ minLength: 5, maxLength: 5 });

  it("is forty bits in eight characters of Crockford's base32", () => {
    assert.equal(newCode(new Uint8Array(5)), "00000000");
    assert.equal(newCode(new Uint8Array(5).fill(255)), "ZZZZZZZZ");
    assert.equal(newCode(Buffer.from("0123456789", "hex")), "04HMASW9");
    fc.assert(
      fc.property(fiveBytes, (bytes) => {
        const code = newCode(bytes);
        assert.match(code, /^[0-9A-HJKMNP-TV-Z]{8}$/);
        const bits = [...code].reduce((sum, digit) => sum * 32n + BigInt(ALPHABET.indexOf(digit)), 0n);
        assert.equal(bits, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
      }),
    );
  });

  it("is drawn at random, each digit at each place", () => {
    const codes = Array.from({ length: 2000 }, () => newCode());
    assert.equal(new Set(codes).size, codes.length);
    for (let place = 0; place < 8; place++) {
      assert.equal(new Set(codes.map((code) => code[place])).size, ALPHABET.length);
    }
  });

  it("is the same in any case, in groups, and with letters for the digits that they look like", () => {
    const typed = fiveBytes.chain((bytes) => {
      const code = newCode(bytes);
      const spelt = [...code].map((digit) => {
        const alike = { 0: ["0", "O", "o"], 1: ["1", "I", "i", "L", "l"] }[digit];
        return fc.tuple(
          fc.constantFrom(...(alike ?? [digit, digit.toLowerCase()])),
          fc.constantFrom("", "-", " ", " - "),
        );
      });
      return fc.record({
        code: fc.constant(code),
        typed: fc.tuple(...spelt).map((all) => all.flat().join("")),
      });
    });
    fc.assert(
      fc.property(typed, ({ code, typed }) => {
        assert.equal(normaliseCode(typed), code);
        assert.equal(hashCode(typed), hashCode(code));
      }),
    );
  });

  it("is hashed by SHA-256 as the terminal shows it", () => {
    assert.equal(hashCode(" 04hm-asw9"), hashSecret("04HMASW9"));
    assert.notEqual(hashCode("U4HMASW9"), hashCode("V4HMASW9"));
  });
});

const minutes = (count: number) => count * 60_000;

describe("A terminal out of its box", () => {
  let ctx: ReturnType<typeof memoryPorts>;
  const project = { id: "project", organization_id: "blue" } as Project;
  const sister = { id: "sister", organization_id: "blue" } as Project;
  const foreign = { id: "foreign", organization_id: "red" } as Project;

  beforeEach(async () => {
    ctx = memoryPorts();
    const customer = { plan: "sandbox", admins: [], device_count: 0, created_at: ctx.now() } as const;
    await ctx.commit([
      ctx.organizations.create({ ...customer, id: "blue", name: "Blue" }),
      ctx.organizations.create({ ...customer, id: "red", name: "Red" }),
    ]);
  });

  const start = () => startRegistration(ctx, { app_version: "1.4.0", model: "PT-2" });
  const register = (code: string, where = project, limits?: DeviceLimits) =>
    registerDevice(ctx, { project: where, code, name: "Front door", ...(limits ? { limits } : {}) });
  const remove = async (device: Stored<Device>) => deleteDevice(ctx, { device, project });
  const countOf = async (organization_id: string) =>
    (await ctx.organizations.get(organization_id))?.value.device_count;
  const registrationOf = async (claim_token: string) => {
    const found = await ctx.registrations.get(parseKey("pt", claim_token)?.id ?? "");
    assert.ok(found);
    return found.value;
  };
  const claim = async (claim_token: string) =>
    claimRegistration(ctx, { registration: await registrationOf(claim_token) });
  const keyOf = async (claim_token: string) => {
    const claimed = await claim(claim_token);
    assert.equal(claimed.status, "registered");
    return claimed.device_key;
  };
  const storedOf = async ({ id }: Device) => {
    const stored = await ctx.devices.get(id);
    assert.ok(stored);
    return stored;
  };
  const gone = (says: string) => ({ code: "expired", message: says });
  const NOT_FETCHED = gone("The device's key can no longer be fetched.");
  const TOO_LATE = gone("The code was not entered in time.");
  const USED = gone("The code was used before.");

  it("gets a code and a token, of which hashes are stored", async () => {
    const { code, claim_token, expires_at } = await start();
    assert.match(code, /^[0-9A-HJKMNP-TV-Z]{8}$/);
    assert.deepEqual(expires_at, new Date(ctx.now().getTime() + minutes(15)));
    const { id, secret = "" } = parseKey("pt", claim_token) ?? { id: "" };
    assert.deepEqual(await registrationOf(claim_token), {
      id,
      code_hash: hashCode(code),
      secret_hash: hashSecret(secret),
      app_version: "1.4.0",
      model: "PT-2",
      created_at: ctx.now(),
      expires_at,
      registered: null,
    });
  });

  it("gets another code where somebody has the one that was drawn", async () => {
    const draws = ["AAAAAAAA", "AAAAAAAA", "AAAAAAAA", "BBBBBBBB"];
    const draw = () => draws.shift() ?? "CCCCCCCC";
    const codes = [
      await startRegistration(ctx, { app_version: null, model: null }, draw),
      await startRegistration(ctx, { app_version: null, model: null }, draw),
    ].map(({ code }) => code);
    assert.deepEqual(codes, ["AAAAAAAA", "BBBBBBBB"]);
    assert.equal(draws.length, 0);
    await register("AAAAAAAA");
    await register("BBBBBBBB");
  });

  it("is told that it waits, until its code has expired", async () => {
    const { claim_token } = await start();
    assert.deepEqual(await claim(claim_token), { status: "pending" });
    ctx.advance(CODE_MS - 1);
    assert.deepEqual(await claim(claim_token), { status: "pending" });
    ctx.advance(1);
    await assert.rejects(claim(claim_token), TOO_LATE);
  });

  it("becomes a device of the project, with what the terminal has said of itself", async () => {
    const { code, claim_token } = await start();
    ctx.advance(minutes(2));
    const device = await register(code.toLowerCase().replace(/^..../, "$& - "));
    assert.deepEqual(await storedOf(device).then(({ value }) => value), device);
    const { id, secret_hash, unclaimed_key } = device;
    assert.deepEqual(device, {
      id,
      project_id: "project",
      name: "Front door",
      enabled: true,
      mode: "standard",
      model: "PT-2",
      app_version: "1.4.0",
      last_seen_at: null,
      secret_hash,
      unclaimed_key,
      session: null,
      created_at: ctx.now(),
    });
    assert.deepEqual((await registrationOf(claim_token)).registered, {
      device_id: id,
      project_id: "project",
      organization_id: "blue",
      at: ctx.now(),
    });
    const device_key = await keyOf(claim_token);
    assert.deepEqual(await claim(claim_token), {
      status: "registered",
      device_id: id,
      project_id: "project",
      device_key,
    });
    assert.equal(parseKey("pd", device_key)?.id, id);
    assert.equal(hashSecret(parseKey("pd", device_key)?.secret ?? ""), secret_hash);
    assert.ok(!Buffer.from(unclaimed_key?.sealed ?? []).includes(device_key.slice(-20)));
  });

  it("fetches its key for 15 minutes from when the code was entered, the same one", async () => {
    const { code, claim_token } = await start();
    ctx.advance(CODE_MS - 1);
    await register(code);
    const key = await keyOf(claim_token);
    ctx.advance(CODE_MS - 1);
    assert.equal(await keyOf(claim_token), key);
    ctx.advance(1);
    await assert.rejects(claim(claim_token), NOT_FETCHED);
  });

  for (const [what, happens] of [
    ["was used", async (device: Device) => forgetKey(ctx, await storedOf(device))],
    ["was rotated", async (device: Device) => rotateDeviceKey(ctx, { device: await storedOf(device) })],
    ["died with its device", async (device: Device) => remove(await storedOf(device))],
  ] as const) {
    it(`no longer fetches a key that ${what}`, async () => {
      const { code, claim_token } = await start();
      const device = await register(code);
      await keyOf(claim_token);
      await happens(device);
      await assert.rejects(claim(claim_token), NOT_FETCHED);
    });
  }

  it("cannot be registered with a code that nobody has, and is nowhere for those who did not use its code", async () => {
    const { code } = await start();
    const nothing = { code: "not_found", message: "There is nothing here." };
    for (const wrong of ["", "?", "UUUUUUUU", `${code}0`, code.slice(1), "🖐".repeat(100)]) {
      await assert.rejects(register(wrong), nothing, wrong);
    }
    await register(code);
    await assert.rejects(register(code, foreign), nothing);
    ctx.advance(CODE_MS);
    await assert.rejects(register(code, foreign), nothing);
    assert.equal((await ctx.allDevices()).length, 1);
  });

  it("is told of a code that was used, to its organization, and of one that has expired, to everybody", async () => {
    const { code } = await start();
    await register(code);
    await assert.rejects(register(code), USED);
    await assert.rejects(register(code, sister), USED);
    const late = await start();
    ctx.advance(CODE_MS);
    for (const where of [project, foreign]) await assert.rejects(register(late.code, where), TOO_LATE);
    await assert.rejects(register(code), USED);
    assert.equal((await ctx.allDevices()).length, 1);
  });

  it("becomes one device, whoever enters its code at once", async () => {
    const { code, claim_token } = await start();
    const outcomes = await Promise.allSettled(
      [project, sister, project, foreign].map((where) => register(code, where)),
    );
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? "made" : outcome.reason.code)),
      ["made", "expired", "expired", "not_found"],
    );
    const [device] = await ctx.allDevices();
    assert.equal((await ctx.allDevices()).length, 1);
    assert.equal(hashSecret(parseKey("pd", await keyOf(claim_token))?.secret ?? ""), device?.secret_hash);
  });

  it("is a device that can be rotated and deleted while it changes, and once gone is not found", async () => {
    const device = await register((await start()).code);
    const stale = await storedOf(device);
    await ctx.commit([ctx.devices.replace(stale, { ...device, name: "Back door" })]);
    const { device_key } = await rotateDeviceKey(ctx, { device: stale });
    const now = (await storedOf(device)).value;
    const secret_hash = hashSecret(parseKey("pd", device_key)?.secret ?? "");
    assert.deepEqual(now, { ...device, name: "Back door", secret_hash, unclaimed_key: null });
    assert.notEqual(secret_hash, device.secret_hash);
    await remove(stale);
    assert.deepEqual(await ctx.allDevices(), []);
    await assert.rejects(remove(stale), { code: "not_found" });
    await assert.rejects(rotateDeviceKey(ctx, { device: stale }), { code: "not_found" });
  });

  describe("counts against the devices that its organization's plan allows", () => {
    const LIMITS = { sandbox: 2, business: 4, enterprise: Number.POSITIVE_INFINITY };
    const REACHED = { code: "limit_reached", message: "The organization's plan allows 2 devices." };
    const fill = async (count: number) => {
      for (let n = 0; n < count; n++) await register((await start()).code, project, LIMITS);
    };

    it("over all projects together, and each organization for itself", async () => {
      await fill(1);
      await register((await start()).code, sister, LIMITS);
      for (const where of [project, sister]) {
        await assert.rejects(register((await start()).code, where, LIMITS), REACHED);
      }
      await register((await start()).code, foreign, LIMITS);
      assert.deepEqual([await countOf("blue"), await countOf("red")], [2, 1]);
    });

    it("and keeps its code when it is refused, for when a device was deleted", async () => {
      await fill(2);
      const { code, claim_token } = await start();
      await assert.rejects(register(code, project, LIMITS), REACHED);
      assert.deepEqual(await claim(claim_token), { status: "pending" });
      const [device] = await ctx.allDevices();
      await remove(await storedOf(device as Device));
      await register(code, project, LIMITS);
      assert.equal(await countOf("blue"), 2);
    });

    it("exactly, however many are registered and deleted concurrently", async () => {
      await fill(1);
      const [first] = await ctx.allDevices();
      const codes = await Promise.all(Array.from({ length: 6 }, async () => (await start()).code));
      const outcomes = await Promise.allSettled([
        ...codes.map((code) => register(code, project, LIMITS)),
        remove(await storedOf(first as Device)),
      ]);
      const made = outcomes.filter(({ status }) => status === "fulfilled").length - 1;
      assert.ok(made === 1 || made === 2, `${made} were made`);
      assert.equal((await ctx.allDevices()).length, made);
      assert.equal(await countOf("blue"), made);
    });

    it("with the devices of before, which are counted once", async () => {
      await fill(1);
      const stored = await ctx.organizations.get("blue");
      assert.ok(stored);
      const { device_count: _, ...before } = stored.value;
      await ctx.commit([
        ctx.organizations.replace(stored, before),
        ctx.projects.create(project),
        ctx.projects.create(sister),
      ]);
      await register((await start()).code, sister, LIMITS);
      assert.equal(await countOf("blue"), 2);
      await assert.rejects(register((await start()).code, project, LIMITS), REACHED);
    });

    it("after what is wrong with its code", async () => {
      await fill(2);
      await assert.rejects(register("UUUUUUUU", project, LIMITS), { code: "not_found" });
      const { code } = await start();
      ctx.advance(CODE_MS);
      await assert.rejects(register(code, project, LIMITS), TOO_LATE);
    });

    it("but not where the operator registers it, nor where a plan has no number", async () => {
      await fill(2);
      await register((await start()).code);
      assert.equal(await countOf("blue"), 3);
      const stored = await ctx.organizations.get("blue");
      assert.ok(stored);
      await ctx.commit([ctx.organizations.replace(stored, { ...stored.value, plan: "enterprise" })]);
      await fill(3);
      assert.equal(await countOf("blue"), 6);
    });
  });
});

describe("A guess at a registration code", () => {
  let surroundings: ReturnType<typeof testSurroundings>;
  let budgets: MemoryBudgets;
  let guesses: Guesses;

  beforeEach(() => {
    surroundings = testSurroundings();
    budgets = new MemoryBudgets(surroundings, () => 0);
    guesses = new Guesses({ ...surroundings, budgets, policies: POLICIES });
  });

  const failing = (code: ConstructorParameters<typeof DomainError>[0]) => () =>
    Promise.reject(new DomainError(code, "No."));
  /** What came of it, and when to come back. */
  const outcome = (look: () => Promise<unknown>, caller = "user:ada"): Promise<unknown> =>
    guesses.look(caller, look).then(
      () => "right",
      (error: DomainError) => [error.code, error.headers["Retry-After"]].filter(Boolean).join(" "),
    );
  const wrong = failing("not_found");
  const right = async () => "device";

  it("may be wrong ten times in ten minutes; then even a right one is refused, until the first is forgotten", async () => {
    for (let n = 0; n < 10; n++) {
      assert.equal(await outcome(wrong), "not_found");
      surroundings.advance(minutes(0.5));
    }
    assert.equal(await outcome(right), "rate_limited 300");
    surroundings.advance(minutes(5) - 1);
    assert.equal(await outcome(right), "rate_limited 1");
    surroundings.advance(1);
    assert.equal(await outcome(wrong), "not_found");
    assert.equal(await outcome(wrong), "rate_limited 30");
    surroundings.advance(minutes(0.5));
    assert.equal(await outcome(right), "right");
    assert.equal(await outcome(wrong), "not_found");
    assert.equal(await outcome(wrong), "rate_limited 30");
  });

  for (const [what, look, wanted] of [
    ["ten times where it is wrong", "not_found", { looks: 10, not_found: 10, rate_limited: 190 }],
    ["always where it is right, with tokens enough", "expired", { looks: 200, expired: 200 }],
  ] as const) {
    it(`is looked at ${what}, however many come at once to two instances`, async () => {
      const clock = virtualClock();
      const store = new MemoryBudgets(clock);
      const policies = { ...POLICIES, code: { ...POLICIES.code, limit: look === "expired" ? 1000 : 10 } };
      const instances = [1, 2].map(() => new Guesses({ ...clock, budgets: store, policies }));
      const counts: Record<string, number> = { looks: 0 };
      const count = (what: string) => {
        counts[what] = (counts[what] ?? 0) + 1;
      };
      const all = Array.from({ length: 200 }, (_, n) =>
        instances[n % 2]
          ?.look("user:ada", async () => {
            count("looks");
            await clock.sleep(20);
            throw new DomainError(look, "No.");
          })
          .catch(({ code }: DomainError) => count(code)),
      );
      await clock.until(Promise.all(all));
      assert.deepEqual(counts, wanted);
      assert.equal(store.peek("code:user:ada")?.grants.length, look === "expired" ? 0 : 10);
      assert.ok(store.operations < 60, `${store.operations} operations`);
    });
  }

  it("looks at nothing where none is left", async () => {
    for (let n = 0; n < 10; n++) await outcome(wrong);
    const refused = await outcome(() => assert.fail("it looked"));
    assert.equal(refused, "rate_limited 600");
  });

  it("costs nothing unless it was wrong: right, expired, failed", async () => {
    for (const [look, says] of [
      [right, "right"],
      [failing("expired"), "expired"],
      [failing("unavailable"), "unavailable"],
    ] as const) {
      for (let n = 0; n < 15; n++) assert.equal(await outcome(look), says);
    }
    assert.deepEqual(budgets.peek("code:user:ada"), { grants: [] });
    assert.deepEqual(surroundings.logged, []);
  });

  it("is counted for each caller by itself, apart from their requests", async () => {
    for (let n = 0; n < 10; n++) await outcome(wrong);
    assert.equal(await outcome(wrong, "organization:blue"), "not_found");
    assert.equal(budgets.peek("user:ada"), undefined);
  });

  it("is not looked at while the store does not answer", async () => {
    const down = { get: () => Promise.reject(unavailable()), put: () => assert.fail() };
    guesses = new Guesses({ ...surroundings, budgets: down, policies: POLICIES });
    assert.equal(await outcome(() => assert.fail("it looked")), "unavailable 1");
  });

  it("is not worth less for a token that could not be given back", async () => {
    let puts = 0;
    const put: MemoryBudgets["put"] = (...args) =>
      ++puts === 1 ? budgets.put(...args) : Promise.reject(unavailable());
    const failing: Budgets = { get: (...args) => budgets.get(...args), put };
    guesses = new Guesses({ ...surroundings, budgets: failing, policies: POLICIES });
    assert.equal(await outcome(right), "right");
    assert.equal(budgets.peek("code:user:ada")?.grants.length, 1);
    assert.match(surroundings.logged.join(), /^warn a right code is counted as a wrong one/);
  });
});
