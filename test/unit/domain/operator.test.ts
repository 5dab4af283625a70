import assert from "node:assert/strict";
import { destroyKey } from "../../../functions/src/domain/environment/destroyKey.ts";
import { listEnvironments } from "../../../functions/src/domain/environment/listEnvironments.ts";
import { provisionEnvironment } from "../../../functions/src/domain/environment/provisionEnvironment.ts";
import { rotateKeys } from "../../../functions/src/domain/environment/rotateKeys.ts";
import { createOrganization } from "../../../functions/src/domain/organization/createOrganization.ts";
import { listAllOrganizations } from "../../../functions/src/domain/organization/listAllOrganizations.ts";
import { setAdmin } from "../../../functions/src/domain/organization/setAdmin.ts";
import { createProject } from "../../../functions/src/domain/project/createProject.ts";
import { listAllProjects } from "../../../functions/src/domain/project/listAllProjects.ts";
import { createUser } from "../../../functions/src/domain/user/createUser.ts";
import type { User } from "../../../functions/src/domain/user/user.ts";
import { CREATED_AT, memoryPorts, newRing, sealingOf } from "../../support/memory.ts";

type Memory = ReturnType<typeof memoryPorts>;

const NOWHERE = "00000000-0000-4000-8000-000000000000";
const verified = { email_verified: true, created_at: CREATED_AT };
const ADA = { id: "uid-ada", email: "ada@blue.example", ...verified };
const BOB = { id: "uid-bob", email: "bob@blue.example", ...verified };
/** Signed up by whoever wanted to, with the address of a customer. */
const MALLORY = { ...BOB, id: "uid-mallory", email: "owner@blue.example", email_verified: false };

const newOrganization = (ctx: Memory, name = "Blue Gym") =>
  createOrganization(ctx, { name, plan: "business", admins: [] });
const newEnvironment = (
  ctx: Memory,
  organization_id: string,
  type: "organization" | "global" = "organization",
) =>
  provisionEnvironment(ctx, {
    organization_id,
    type,
    template_format: "palm-code.v1",
    target_fpir: 1e-3,
    server_lookup_allowed: true,
  });

describe("An operator", () => {
  let ctx: Memory;

  beforeEach(() => {
    ctx = memoryPorts();
    ctx.known.push(ADA, BOB);
  });

  describe("who makes an organization", () => {
    it("names admins by e-mail or id, each once", async () => {
      const admins = [BOB.id, ADA.email, ADA.id];
      const made = await createOrganization(ctx, { name: "Blue Gym", plan: "sandbox", admins });
      assert.deepEqual(made, {
        id: made.id,
        name: "Blue Gym",
        plan: "sandbox",
        admins: [BOB.id, ADA.id],
        created_at: ctx.now(),
      });
      assert.deepEqual(await listAllOrganizations(ctx), [made]);
    });

    it("is told of a user who is nobody, and nothing is made", async () => {
      const admins = [ADA.email, "eve@blue.example"];
      await assert.rejects(createOrganization(ctx, { name: "Blue Gym", plan: "sandbox", admins }), {
        code: "not_found",
        message: "There is no user eve@blue.example.",
      });
      assert.equal(ctx.commits(), 0);
    });
  });

  describe("who sets admins", () => {
    const set = (organization_id: string, user: string, admin: boolean) =>
      setAdmin(ctx, { organization_id, user, admin });

    it("adds and removes, and is told when that was so already", async () => {
      const made = await newOrganization(ctx);
      const added = { ...made, admins: [ADA.id] };
      assert.deepEqual(await set(made.id, ADA.email, true), { organization: added, changed: true });
      assert.deepEqual(await set(made.id, ADA.id, true), { organization: added, changed: false });
      assert.deepEqual(await set(made.id, ADA.email, false), { organization: made, changed: true });
      assert.deepEqual(await set(made.id, ADA.id, false), { organization: made, changed: false });
      assert.equal(ctx.commits(), 3);
    });

    it("removes by id an admin whom Auth has forgotten", async () => {
      const made = await createOrganization(ctx, {
        name: "Blue Gym",
        plan: "business",
        admins: [ADA.id, BOB.id],
      });
      ctx.known.splice(0);
      const { organization } = await set(made.id, ADA.id, false);
      assert.deepEqual(organization.admins, [BOB.id]);
    });

    it("loses neither of two who are added at once", async () => {
      const { id } = await newOrganization(ctx);
      await Promise.all([set(id, ADA.id, true), set(id, BOB.id, true)]);
      assert.deepEqual(new Set((await ctx.organizations.get(id))?.value.admins), new Set([ADA.id, BOB.id]));
    });

    it("is told what there is not", async () => {
      await assert.rejects(set(NOWHERE, ADA.id, true), { message: `There is no organization ${NOWHERE}.` });
      const { id } = await newOrganization(ctx);
      await assert.rejects(set(id, "eve", true), { message: "There is no user eve." });
    });
  });

  describe("who names an admin by an address that is not verified", () => {
    const message =
      `The e-mail address ${MALLORY.email} is not verified. Its account was created at 2026-01-01T00:00:00.000Z, ` +
      "maybe by somebody who does not own the address. Check with the owner, then pass the user id uid-mallory instead.";
    const refusal = { code: "conflict", message };
    let announced: User[];
    const announce = (user: User) => {
      // Before anything is written.
      announced.push(user);
      assert.equal(ctx.commits(), before);
    };
    let before: number;

    beforeEach(() => {
      ctx.known.push(MALLORY);
      announced = [];
      before = 0;
    });

    it("makes no organization, unless by the user's id", async () => {
      const make = (admins: string[]) =>
        createOrganization(ctx, { name: "Blue Gym", plan: "sandbox", admins, announce });
      await assert.rejects(make([ADA.email, MALLORY.email]), refusal);
      assert.deepEqual([ctx.commits(), announced], [0, []]);
      assert.deepEqual((await make([ADA.email, MALLORY.id])).admins, [ADA.id, MALLORY.id]);
      assert.deepEqual(announced, [ADA, MALLORY]);
    });

    it("adds nobody, unless by the user's id, and removes by either", async () => {
      const { id: organization_id } = await newOrganization(ctx);
      before = ctx.commits();
      const set = (user: string, admin: boolean) => setAdmin(ctx, { organization_id, user, admin, announce });
      await assert.rejects(set(MALLORY.email, true), refusal);
      assert.deepEqual([ctx.commits(), announced], [before, []]);
      for (const who of [MALLORY.id, MALLORY.email]) {
        before = ctx.commits();
        const added = await set(MALLORY.id, true);
        assert.deepEqual([added.changed, added.organization.admins], [true, [MALLORY.id]]);
        // Again changes nothing, and announces nobody.
        assert.equal((await set(MALLORY.id, true)).changed, false);
        before = ctx.commits();
        assert.deepEqual((await set(who, false)).organization.admins, []);
        assert.deepEqual(announced.splice(0), [MALLORY, MALLORY]);
      }
    });
  });

  describe("who makes a user", () => {
    it("gets a password that was made, and never one that was given", async () => {
      const { password, ...eve } = await createUser(ctx, { email: "eve@blue.example" });
      assert.deepEqual(eve, { id: "uid-of-eve@blue.example", email: "eve@blue.example", ...verified });
      assert.match(password ?? "", /^[\w-]{24}$/);
      const given = await createUser(ctx, { email: "sue@blue.example", password: "chosen by sue" });
      assert.deepEqual(given, { id: "uid-of-sue@blue.example", email: "sue@blue.example", ...verified });
    });

    it("is told when the address is somebody's", async () => {
      await assert.rejects(createUser(ctx, { email: ADA.email }), {
        code: "conflict",
        message: `There is a user ${ADA.email} already.`,
      });
    });
  });

  describe("who makes an environment", () => {
    it("gets one with a key, and sees it in the list", async () => {
      const { id: organization_id } = await newOrganization(ctx);
      const made = await newEnvironment(ctx, organization_id);
      const state = { ...made, palms: 24, kid: "k1" };
      assert.deepEqual(await listEnvironments(ctx, {}), [state]);
      assert.deepEqual(await listEnvironments(ctx, { organization_id }), [state]);
      const other = await newOrganization(ctx, "Red Gym");
      assert.deepEqual(await listEnvironments(ctx, { organization_id: other.id }), []);
    });

    it("is told when the organization is none", async () => {
      const refusal = { code: "not_found", message: `There is no organization ${NOWHERE}.` };
      await assert.rejects(newEnvironment(ctx, NOWHERE), refusal);
      await assert.rejects(listEnvironments(ctx, { organization_id: NOWHERE }), refusal);
      assert.equal(ctx.commits(), 0);
    });
  });

  describe("who makes a project", () => {
    const project = (organization_id: string, environment_id: string | null, server_lookup_enabled = false) =>
      createProject(ctx, {
        organization_id,
        environment_id,
        name: "Main entrance",
        phone_number: null,
        website: null,
        sandbox: false,
        server_lookup_enabled,
      });

    it("puts it into the organization's own environment, a global one, or none", async () => {
      const [blue, red] = [await newOrganization(ctx), await newOrganization(ctx, "Red Gym")];
      const own = await newEnvironment(ctx, blue.id);
      const global = await newEnvironment(ctx, red.id, "global");
      const made = [
        await project(blue.id, own.id, true),
        await project(blue.id, global.id),
        await project(blue.id, null),
      ];
      const byId = new Map((await listAllProjects(ctx, {})).map((one) => [one.id, one]));
      assert.deepEqual(
        made,
        made.map(({ id }) => byId.get(id)),
      );
      assert.equal((await listAllProjects(ctx, { organization_id: blue.id })).length, 3);
      assert.deepEqual(await listAllProjects(ctx, { organization_id: red.id }), []);
    });

    it("is refused what is another organization's, is not there, or cannot be looked up in", async () => {
      const [blue, red] = [await newOrganization(ctx), await newOrganization(ctx, "Red Gym")];
      const foreign = await newEnvironment(ctx, red.id);
      const before = ctx.commits();
      await assert.rejects(project(blue.id, foreign.id), {
        code: "conflict",
        message: "The environment is another organization's own.",
      });
      await assert.rejects(project(blue.id, NOWHERE), { message: `There is no environment ${NOWHERE}.` });
      await assert.rejects(project(NOWHERE, null), { message: `There is no organization ${NOWHERE}.` });
      await assert.rejects(listAllProjects(ctx, { organization_id: NOWHERE }), {
        message: `There is no organization ${NOWHERE}.`,
      });
      await assert.rejects(project(blue.id, null, true), { code: "conflict" });
      assert.equal(ctx.commits(), before);
    });
  });
});

describe("A rotation of the keyring", () => {
  const ring = newRing("a", "b", "c");
  const { a = "", b = "", c = "" } = ring;
  const done = { kid: "b", rewrapped: 0, current: 0, destroyed: 0, failed: [], unused: [] };
  let ctx: Memory;
  let ids: string[];

  /** Three environments, sealed by the key a. */
  beforeEach(async () => {
    ctx = memoryPorts(sealingOf({ a }));
    const organization = await newOrganization(ctx);
    ids = [];
    for (let i = 0; i < 3; i++) ids.push((await newEnvironment(ctx, organization.id)).id);
  });

  const wrapped = async (id: string) => (await ctx.changes.manifest(id))?.value.wrapped_key ?? null;
  const kids = () => Promise.all(ids.map(async (id) => (await wrapped(id))?.kid ?? null));
  /** What an environment's key derives with a keyring: the same only for the same key. */
  const opened = async (id: string, keys: Record<string, string>) => {
    const key = await wrapped(id);
    return key && Buffer.from(sealingOf(keys).unwrap(id, key).derive("test")).toString("hex");
  };

  it("keeps every data key, seals it by the last key alone, and may be run again", async () => {
    const before = await Promise.all(ids.map((id) => opened(id, { a })));
    const rotating = { ...ctx, sealing: sealingOf({ a, b }) };
    assert.deepEqual(await rotateKeys(rotating), { ...done, rewrapped: 3, unused: ["a"] });
    assert.deepEqual(await Promise.all(ids.map((id) => opened(id, { b }))), before);
    const commits = ctx.commits();
    assert.deepEqual(await rotateKeys(rotating), { ...done, current: 3, unused: ["a"] });
    assert.equal(ctx.commits(), commits);
  });

  it("is finished by the next one where it was stopped", async () => {
    const rotating = { ...ctx, sealing: sealingOf({ a, b }) };
    let writes = 0;
    const dying = {
      ...rotating,
      commit: async (...args: Parameters<typeof ctx.commit>) => {
        if (++writes === 2) throw new Error("died");
        return ctx.commit(...args);
      },
    };
    await assert.rejects(rotateKeys(dying), /died/);
    assert.deepEqual(await kids(), ["b", "a", "a"]);
    assert.deepEqual(await rotateKeys(rotating), { ...done, rewrapped: 2, current: 1, unused: ["a"] });
    assert.deepEqual(await kids(), ["b", "b", "b"]);
  });

  it("leaves alone what the keyring does not open, and says so", async () => {
    const [first = "", second = ""] = ids;
    const rotate = (keys: Record<string, string>) => rotateKeys({ ...ctx, sealing: sealingOf(keys) });
    await rotateKeys({ ...ctx, sealing: sealingOf({ a, b }), environments: only(first) });
    assert.deepEqual(await rotate({ b, c }), {
      ...done,
      kid: "c",
      rewrapped: 1,
      failed: [second, ids[2]].map((environment_id) => ({ environment_id, kid: "a" })),
      unused: ["b"],
    });
    assert.deepEqual(await kids(), ["c", "a", "a"]);
    // Another key by the name of the current one, and by the name of an old one, which is still in use.
    const { failed, unused } = await rotate({ a: b, c: a });
    assert.deepEqual({ failed: failed.length, unused }, { failed: 3, unused: [] });
    assert.deepEqual(await kids(), ["c", "a", "a"]);
  });

  it("does not bring back a key that is destroyed while it runs", async () => {
    const [first = ""] = ids;
    let destroyed = false;
    const racing = {
      ...ctx,
      sealing: sealingOf({ a, b }),
      commit: async (...args: Parameters<typeof ctx.commit>) => {
        if (!destroyed) {
          destroyed = true;
          await destroyKey(ctx, { environment_id: first, confirmed: true });
        }
        return ctx.commit(...args);
      },
    };
    assert.deepEqual(await rotateKeys(racing), { ...done, rewrapped: 2, destroyed: 1, unused: ["a"] });
    assert.deepEqual(await kids(), [null, "b", "b"]);
  });

  const only = (id: string) => ({
    ...ctx.environments,
    all: async () => (await ctx.environments.all()).filter((environment) => environment.id === id),
  });
});

describe("The destruction of a key", () => {
  it("is told first, done once it is confirmed, and true for ever", async () => {
    const ctx = memoryPorts();
    const { id: organization_id } = await newOrganization(ctx);
    const { id: environment_id } = await newEnvironment(ctx, organization_id);
    const told = { environment_id, organization: "Blue Gym", palms: 24 };
    const commits = ctx.commits();
    const destroy = (confirmed: boolean) => destroyKey(ctx, { environment_id, confirmed });
    assert.deepEqual(await destroy(false), { ...told, outcome: "would_destroy" });
    assert.equal(ctx.commits(), commits);
    assert.deepEqual(await destroy(true), { ...told, outcome: "destroyed" });
    assert.deepEqual((await ctx.changes.manifest(environment_id))?.value, { wrapped_key: null });
    for (const confirmed of [true, false]) {
      assert.deepEqual(await destroy(confirmed), { ...told, outcome: "destroyed_before" });
    }
    assert.equal(ctx.commits(), commits + 1);
    assert.equal((await listEnvironments(ctx, {}))[0]?.kid, null);
    await assert.rejects(destroyKey(ctx, { environment_id: NOWHERE, confirmed: true }), {
      message: `There is no environment ${NOWHERE}.`,
    });
  });
});
