import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { createCommit, openFirestore } from "../../functions/src/data/firestore.ts";
import { createWebhooks } from "../../functions/src/data/webhooks.ts";
import { signIn } from "../../scripts/api.ts";
import { admin } from "../support/admin.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { newRing, secretsOf } from "../support/memory.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newWebhook } from "../support/rows.ts";
import { baseUrl, loadParameters, signUp } from "../support/suite.ts";

const PROJECT = "demo-palmgate-test";

const picture = (sample: number) => ({
  image: Buffer.from(encodePng(steadyPalm({ seed: 8100, sample }))).toString("base64"),
});

describe("npm run admin", () => {
  let api: Client;

  before(() => {
    loadParameters();
    api = createClient(baseUrl());
  });

  const target = (project: string) =>
    `emulators at ${process.env["FIRESTORE_EMULATOR_HOST"]}, project ${project}\n`;

  /** The result of a command that is done; what it says beside it is `says`. */
  async function done(args: readonly string[], says = "", project = PROJECT, env = {}) {
    const { code, out, said } = await admin([...args, "--json", "--project", project], { env });
    assert.deepEqual({ code, said }, { code: 0, said: target(project) + says }, args.join(" "));
    return JSON.parse(out);
  }
  const refused = async (...args: string[]) => {
    const { code, out, said } = await admin([...args, "--project", PROJECT]);
    return { code, out, said: said.replace(target(PROJECT), "") };
  };

  it("provisions a second organization from nothing, and takes it away again", async () => {
    const email = `${randomUUID()}@blue.example`;
    const user = await done(["user", "create", "--email", email]);
    const { created_at } = user;
    assert.deepEqual(
      { ...user, id: "", password: "" },
      { id: "", email, email_verified: true, created_at, password: "" },
    );
    const who = `admin: ${email} (verified), user id ${user.id}, account created at ${created_at}\n`;
    const organization = await done(
      ["organization", "create", "--name", "Blue Gym", "--plan", "business", "--admin", email],
      `new ${who}`,
    );
    assert.deepEqual(organization, {
      id: organization.id,
      name: "Blue Gym",
      plan: "business",
      admins: [user.id],
      created_at: organization.created_at,
    });
    const environment = await done(["environment", "create", "--organization", organization.id]);
    const project = await done([
      ...["project", "create", "--organization", organization.id, "--environment", environment.id],
      ...["--name", "Main entrance", "--website", "https://blue.example", "--server-lookup"],
    ]);
    assert.deepEqual(project, {
      id: project.id,
      organization_id: organization.id,
      environment_id: environment.id,
      name: "Main entrance",
      phone_number: null,
      website: "https://blue.example",
      sandbox: false,
      server_lookup_enabled: true,
      created_at: project.created_at,
    });
    assert.deepEqual(await done(["project", "list", "--organization", organization.id]), [project]);
    assert.deepEqual(
      (await done(["organization", "list"])).find(({ id }: { id: string }) => id === organization.id),
      organization,
    );

    const authPort = Number(process.env["FIREBASE_AUTH_EMULATOR_HOST"]?.split(":")[1]);
    const token = (await signIn(authPort, email, user.password)).body.idToken;
    const keys = `/v1/organization/${organization.id}/api-keys`;
    const made = await api("POST", keys, { token, body: { name: "Front desk", project_ids: null } });
    assert.equal(made.status, 201, made.text);
    const call = (method: string, path: string, body?: unknown) =>
      api(method, `/v1/project/${project.id}/${path}`, { token: made.body.key, ...(body ? { body } : {}) });
    const member = await call("POST", "members", { name: "Noa Levy" });
    assert.equal(member.status, 201, member.text);
    const enrolled = await call("POST", "enroll", {
      member_id: member.body.id,
      samples: [picture(0), picture(1), picture(2)],
    });
    assert.equal(enrolled.status, 201, enrolled.text);
    const found = await call("POST", "identify", picture(3));
    assert.deepEqual(
      { status: found.status, member_id: found.body.member_id, searched: found.body.searched },
      { status: 200, member_id: member.body.id, searched: 1 },
      found.text,
    );

    const off = await done(["project", "set-server-lookup", project.id, "off"]);
    assert.deepEqual(off, { ...project, server_lookup_enabled: false });
    assertProblem(await call("POST", "identify", picture(3)), 403, "server_lookup_disabled");
    assert.deepEqual(await done(["project", "set-server-lookup", project.id, "on"]), project);

    const lists = () => api("GET", keys, { token });
    assert.equal((await lists()).status, 200);
    const nobody = { ...organization, admins: [] };
    assert.deepEqual(
      await done(["organization", "remove-admin", organization.id, email], `former ${who}`),
      nobody,
    );
    assertProblem(await lists(), 404, "not_found");
    assert.deepEqual(
      await done(["organization", "remove-admin", organization.id, email], `${email} was no admin\n`),
      nobody,
    );
    assert.deepEqual(
      await done(["organization", "add-admin", organization.id, user.id], `new ${who}`),
      organization,
    );
    assert.equal((await lists()).status, 200);

    const states = () => done(["environment", "list", "--organization", organization.id]);
    assert.deepEqual(await states(), [{ ...environment, palms: 1, kid: "demo-1" }]);
    assert.deepEqual(await refused("environment", "destroy-key", environment.id), {
      code: 1,
      out: `environment_id  ${environment.id}\norganization    Blue Gym\npalms           1\noutcome         would_destroy\n`,
      said: "nothing was done: with --yes nobody ever opens the 1 palm of Blue Gym again\n",
    });
    assert.equal((await call("POST", "identify", picture(3))).status, 200);
    const destruction = { environment_id: environment.id, organization: "Blue Gym", palms: 1 };
    assert.deepEqual(
      await done(
        ["environment", "destroy-key", environment.id, "--yes"],
        "nobody opens the 1 palm of Blue Gym any more\n",
      ),
      { ...destruction, outcome: "destroyed" },
    );
    assert.deepEqual(await states(), [{ ...environment, palms: 1, kid: null }]);
    const verify = `members/${member.body.id}/verify`;
    assertProblem(await call("POST", "identify", picture(3)), 410, "expired");
    assertProblem(await call("POST", verify, picture(3)), 410, "expired");
    const samples = [picture(4)];
    assertProblem(await call("POST", "enroll", { member_id: member.body.id, samples }), 410, "expired");
    assert.deepEqual(
      await done(["environment", "destroy-key", environment.id], "the key was destroyed before\n"),
      { ...destruction, outcome: "destroyed_before" },
    );
    // As the customer is told it, the first thing first.
    const { items } = (await api("GET", `/v1/organization/${organization.id}/audit`, { token })).body;
    const operator = { type: "operator", id: userInfo().username };
    type Entry = { actor: { type: string }; operation: string; target: { id: string } };
    assert.deepEqual(
      (items as Entry[])
        .filter(({ actor }) => actor.type === "operator")
        .map(({ actor, operation, target }) => [actor, operation, target.id])
        .reverse(),
      [
        [operator, "organization create", organization.id],
        [operator, "environment create", environment.id],
        [operator, "project create", project.id],
        [operator, "project set-server-lookup", project.id],
        [operator, "project set-server-lookup", project.id],
        [operator, "organization remove-admin", organization.id],
        [operator, "organization add-admin", organization.id],
        [operator, "environment destroy-key", environment.id],
      ],
    );
    // What is left of the people can still be deleted.
    assert.equal((await call("DELETE", `members/${member.body.id}`)).status, 204);
  });

  it("gives a stranger who signed up with a customer's address nothing to administer", async () => {
    const email = `owner-${randomUUID()}@blue.example`;
    const stranger = await signUp(email);
    const create = ["organization", "create", "--name", "Blue Gym", "--plan", "business"];
    const { id } = await done(create);
    for (const args of [
      [...create, "--admin", email],
      ["organization", "add-admin", id, email],
    ]) {
      const { code, out, said } = await refused(...args);
      assert.deepEqual({ code, out }, { code: 1, out: "" }, said);
      assert.ok(said.startsWith(`admin: The e-mail address ${email} is not verified.`), said);
      assert.ok(said.includes(`pass the user id ${stranger.uid} instead`), said);
    }
    const lists = async () => {
      const answers = [
        await api("GET", "/v1/organizations", { token: stranger.token }),
        await api("GET", "/v1/projects", { token: stranger.token }),
        await api("GET", `/v1/organization/${id}/api-keys`, { token: stranger.token }),
      ];
      return answers.map(({ status, body }) => (status === 200 ? body : status));
    };
    assert.deepEqual(await lists(), [[], [], 404]);

    // An operator who insists appoints them, and their token still administers nothing.
    const { code, said } = await refused("organization", "add-admin", id, stranger.uid);
    assert.equal(code, 0, said);
    assert.match(said, /^new admin: owner-\S+ \(not verified\), user id \S+, account created at \S+Z\n$/);
    assert.deepEqual(await lists(), [[], [], 404]);
  });

  it("registers a terminal where its customer may not, and the terminal fetches its key", async () => {
    const organization = await done(["organization", "create", "--name", "Blue Gym", "--plan", "business"]);
    const project = await done([
      "project",
      "create",
      "--organization",
      organization.id,
      "--name",
      "Entrance",
    ]);
    const begun = await api("POST", "/v1/terminal/registrations", { body: { app_version: "1.4.0" } });
    const { registration_code, claim_token: token } = begun.body;
    const register = ["device", "register", project.id, "--name", "Main entrance", "--code"];
    const device = await done([...register, registration_code.toLowerCase()]);
    assert.deepEqual(device, {
      id: device.id,
      project_id: project.id,
      name: "Main entrance",
      enabled: true,
      mode: "standard",
      model: null,
      app_version: "1.4.0",
      last_seen_at: null,
      created_at: device.created_at,
    });
    const claimed = await api("POST", "/v1/terminal/registrations/claim", { token });
    const { device_key } = claimed.body;
    assert.deepEqual(claimed.body, {
      status: "registered",
      device_id: device.id,
      project_id: project.id,
      device_key,
    });
    assertProblem(await api("GET", "/v1/projects", { token: device_key }), 403, "forbidden");
    assert.deepEqual(await refused(...register, registration_code), {
      code: 1,
      out: "",
      said: "admin: The code was used before.\n",
    });
  });

  it("rotates a keyring, in a project of its own", async () => {
    const project = "demo-palmgate-rotation";
    const demo = JSON.parse(process.env["TEMPLATE_KEYS"] ?? "");
    const { id } = await done(
      ["organization", "create", "--name", "Blue Gym", "--plan", "business"],
      "",
      project,
    );
    await done(["environment", "create", "--organization", id], "", project);
    const rotate = (kids: string[], says: string) =>
      done(["keyring", "rotate", "--ring", "TEMPLATE_KEYS"], says, project, {
        TEMPLATE_KEYS: JSON.stringify({
          ...demo,
          ...Object.fromEntries(kids.map((kid) => [kid, ring[kid]])),
        }),
      });
    const ring = newRing("next");
    const done0 = { kid: "demo-1", rewrapped: 0, current: 1, destroyed: 0, failed: [], unused: [] };
    assert.deepEqual(await rotate([], "only demo-1 is in use\n"), done0);
    const rotated = { ...done0, kid: "next", unused: ["demo-1"] };
    const says = "demo-1 may leave the keyring\n";
    assert.deepEqual(await rotate(["next"], says), { ...rotated, rewrapped: 1, current: 0 });
    assert.deepEqual(await rotate(["next"], says), rotated);

    const without = await admin(["keyring", "rotate", "--json", "--project", project]);
    assert.equal(without.code, 1);
    assert.equal(
      without.said,
      `${target(project)}1 not opened by this keyring, and left as they were: take no key out of it\n`,
    );
    const [environment] = await done(["environment", "list"], "", project);
    assert.deepEqual(JSON.parse(without.out), {
      ...done0,
      current: 0,
      failed: [{ environment_id: environment.id, kid: "next" }],
    });
  });

  it("rotates the keyring of webhooks' secrets, in a project of its own", async () => {
    const project = "demo-palmgate-secrets";
    const demo = JSON.parse(process.env["WEBHOOK_KEYS"] ?? "");
    const ring = { ...demo, ...newRing("next") };
    const organization = await done(
      ["organization", "create", "--name", "Blue Gym", "--plan", "business"],
      "",
      project,
    );
    const create = ["project", "create", "--organization", organization.id, "--name", "Main entrance"];
    const { id: project_id } = await done(create, "", project);
    const store = openFirestore(project);
    const webhooks = createWebhooks(store);
    const webhook = newWebhook({ secrets: secretsOf(demo) }, { project_id });
    await createCommit(store)([webhooks.create(webhook)]);
    const secret = secretsOf(demo).open(webhook, webhook.secret);

    const rotate = (says: string) =>
      done(["keyring", "rotate", "--ring", "WEBHOOK_KEYS"], says, project, {
        WEBHOOK_KEYS: JSON.stringify(ring),
      });
    const says = "demo-1 may leave the keyring\n";
    const rotated = { kid: "next", resealed: 0, current: 1, failed: [], unused: ["demo-1"] };
    assert.deepEqual(await rotate(says), { ...rotated, resealed: 1, current: 0 });
    assert.deepEqual(await rotate(says), rotated);
    const stored = await webhooks.get(project_id, webhook.id);
    assert.equal(stored && secretsOf({ next: ring.next }).open(stored.value, stored.value.secret), secret);
  });

  it("says what there is not, and ends with 1", async () => {
    const id = randomUUID();
    const none = (what: string) => ({ code: 1, out: "", said: `admin: There is no ${what}.\n` });
    const create = ["create", "--organization", id];
    for (const [args, what] of [
      [["organization", "add-admin", id, "ada@blue.example"], `organization ${id}`],
      [["organization", "create", "--name", "x", "--plan", "sandbox", "--admin", "eve"], "user eve"],
      [["environment", ...create], `organization ${id}`],
      [["environment", "list", "--organization", id], `organization ${id}`],
      [["environment", "destroy-key", id, "--yes"], `environment ${id}`],
      [["project", ...create, "--name", "x"], `organization ${id}`],
      [["project", "list", "--organization", id], `organization ${id}`],
      [["project", "set-server-lookup", id, "on"], `project ${id}`],
    ] as const) {
      assert.deepEqual(await refused(...args), none(what), args.join(" "));
    }
  });
});
