import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { createSealer, parseKeyring } from "../../functions/src/data/keyring.ts";
import { DomainError, unavailable } from "../../functions/src/domain/errors.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import { startRegistration } from "../../functions/src/domain/registration/startRegistration.ts";
import { type Outside, runAdmin } from "../../scripts/admin/program.ts";
import { admin } from "../support/admin.ts";
import { CREATED_AT, memoryPorts, newRing, sealingOf, secretsOf } from "../support/memory.ts";
import { newWebhook } from "../support/rows.ts";

const ADA = { id: "ada", email: "ada@blue.example", email_verified: true, created_at: CREATED_AT };

/** A public demo key. */
const DEMO_KEY = JSON.parse(
  parseEnv(readFileSync(new URL("../../functions/.secret.local", import.meta.url), "utf8"))[
    "TEMPLATE_KEYS"
  ] ?? "",
)["demo-1"] as string;

const ID = "3f0c1c9e-0000-4000-8000-000000000001";

/** Runs the command in this process, on a store in memory. */
function newConsole(more: Partial<Outside> = {}, sealing = sealingOf(newRing("k1"))) {
  const ports = memoryPorts(sealing);
  let opened = 0;
  return {
    ports,
    opened: () => opened,
    async run(...args: string[]) {
      let [out, said] = ["", ""];
      const open = async () => {
        opened += 1;
        return ports as never;
      };
      const outside: Outside = {
        out: (words) => {
          out += words;
        },
        say: (words) => {
          said += words;
        },
        read: async () => "",
        operator: "olga",
        ports: open,
        keys: open,
        secretKeys: open,
        sealKeys: open,
        ...more,
      };
      return { code: await runAdmin(args, outside), out, said };
    },
  };
}

const json = (answer: { out: string }) => JSON.parse(answer.out);

/** Takes the keyrings out of the environment for each test of a suite, and puts them back. */
function withoutKeyrings(): void {
  const names = ["TEMPLATE_KEYS", "WEBHOOK_KEYS", "SEAL_KEYS"];
  let before: (readonly [string, string | undefined])[];
  beforeEach(() => {
    before = names.map((name) => [name, process.env[name]]);
    for (const name of names) delete process.env[name];
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

describe("npm run admin", () => {
  it("helps everywhere, and that is no failure", async () => {
    const { run, opened } = newConsole();
    const nouns = ["organization", "user", "environment", "project", "device", "palm", "keyring"];
    for (const noun of nouns) assert.match((await run("--help")).out, new RegExp(`^ {2}${noun} `, "m"));
    for (const noun of nouns) {
      const { code, out } = await run(noun, "--help");
      assert.equal(code, 0);
      const verbs = [...out.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, verb]) => verb as string);
      assert.ok(verbs.length >= 2, out);
      for (const verb of verbs.filter((one) => one !== "help")) {
        const help = await run(noun, verb, "--help");
        assert.equal(help.code, 0, help.out);
        assert.match(help.out, new RegExp(`^Usage: npm run admin -- ${noun} ${verb} `));
        assert.match(help.out, /--json/);
      }
    }
    assert.equal(opened(), 0);
  });

  describe("called wrongly says so in words, opens nothing, and ends with 2", () => {
    const of = ["--organization", ID];
    const control = "a\u0007b";
    for (const [what, args, says] of [
      ["nothing", [], /Usage/],
      ["a noun alone", ["project"], /Usage/],
      ["a noun that is none", ["door", "open"], /unknown command 'door'/],
      ["a verb that is none", ["project", "open"], /unknown command 'open'/],
      ["an option that is none", ["project", "list", "--all"], /unknown option '--all'/],
      ["too many words", ["organization", "list", "all"], /too many arguments/],
      ["no name", ["organization", "create", "--plan", "business"], /'--name <name>' not specified/],
      ["no plan", ["organization", "create", "--name", "x"], /'--plan <plan>' not specified/],
      ["an empty name", ["organization", "create", "--plan", "business", "--name", ""], /It is empty/],
      [
        "a long name",
        ["organization", "create", "--plan", "business", "--name", "x".repeat(201)],
        /It is longer than 200/,
      ],
      [
        "a control character",
        ["organization", "create", "--plan", "business", "--name", control],
        /It contains a control character/,
      ],
      ["a plan that is none", ["organization", "create", "--name", "x", "--plan", "gold"], /Allowed choices/],
      ["no id", ["organization", "add-admin", "acme", "ada"], /It is no lower-case UUID/],
      ["an upper-case id", ["environment", "destroy-key", ID.toUpperCase()], /It is no lower-case UUID/],
      ["no user", ["organization", "remove-admin", ID], /missing required argument 'user'/],
      ["no picture", ["palm", "erase", "--environment", ID], /give --image or --photo/],
      ["no e-mail", ["user", "create", "--email", "ada"], /It must be an e-mail address/],
      [
        "a FPIR of 0",
        ["environment", "create", ...of, "--target-fpir", "0"],
        /It is no number from 0\.000001/,
      ],
      ["a FPIR of 1", ["environment", "create", ...of, "--target-fpir", "1"], /It is no number/],
      ["a FPIR in words", ["environment", "create", ...of, "--target-fpir", "low"], /It is no number/],
      ["a format that is none", ["environment", "create", ...of, "--format", "jpeg"], /Allowed choices/],
      ["a type that is none", ["environment", "create", ...of, "--type", "local"], /Allowed choices/],
      [
        "a phone number that is none",
        ["project", "create", ...of, "--name", "x", "--phone-number", "1"],
        /It is no E\.164/,
      ],
      [
        "a website that is none",
        ["project", "create", ...of, "--name", "x", "--website", "javascript:x"],
        /It is no http/,
      ],
      ["neither on nor off", ["project", "set-server-lookup", ID, "maybe"], /Allowed choices/],
      [
        "no id of a project",
        ["device", "register", "acme", "--code", "x", "--name", "x"],
        /It is no lower-case UUID/,
      ],
      ["no code", ["device", "register", ID, "--name", "x"], /'--code <code>' not specified/],
      ["no name of a device", ["device", "register", ID, "--code", "x"], /'--name <name>' not specified/],
      ["a ring that is none", ["keyring", "rotate", "--ring", "KEYS"], /Allowed choices/],
      ["a ring of nothing that lasts", ["keyring", "rotate", "--ring", "SEAL_KEYS"], /Allowed choices/],
      ["a key id that is none", ["keyring", "new", "--id", "2"], /It is no id of a key/],
      ["a project that is none", ["organization", "list", "--project", "Acme!"], /It is no id of a Firebase/],
    ] as [string, string[], RegExp][]) {
      it(what, async () => {
        const { run, opened } = newConsole();
        const { code, out, said } = await run(...args);
        assert.deepEqual({ code, out, opened: opened() }, { code: 2, out: "", opened: 0 });
        assert.match(said, says);
      });
    }
  });

  it("prints one JSON document, and nothing beside it on standard output", async () => {
    const { run } = newConsole();
    const made = await run("organization", "create", "--name", "Blue Gym", "--plan", "business", "--json");
    assert.deepEqual({ code: made.code, said: made.said }, { code: 0, said: "" });
    const { id } = json(made);
    const organization = {
      id,
      name: "Blue Gym",
      plan: "business",
      admins: [],
      created_at: "2026-01-02T03:04:05.678Z",
    };
    assert.deepEqual(json(made), organization);
    assert.deepEqual(json(await run("--json", "organization", "list")), [organization]);
  });

  it("prints a table of a list, and a line for each field of one thing", async () => {
    const { run } = newConsole();
    const made = await run("organization", "create", "--name", "Blue Gym", "--plan", "business");
    const id = /^id {10}(\S+)$/m.exec(made.out)?.[1];
    assert.equal(
      made.out,
      `id          ${id}\nname        Blue Gym\nplan        business\nadmins      –\ncreated_at  2026-01-02T03:04:05.678Z\n`,
    );
    assert.deepEqual((await run("organization", "list")).out.split("\n"), [
      `${"id".padEnd(36)}  name      plan      admins  created_at`,
      `${"─".repeat(36)}  ────────  ────────  ──────  ${"─".repeat(24)}`,
      `${id}  Blue Gym  business  –       2026-01-02T03:04:05.678Z`,
      "",
    ]);
  });

  it("takes an environment's options, and fills in what is not said", async () => {
    const { run } = newConsole();
    const organization = json(
      await run("organization", "create", "--name", "x", "--plan", "sandbox", "--json"),
    ).id;
    const create = async (...args: string[]) =>
      json(await run("environment", "create", "--organization", organization, "--json", ...args));
    const plain = await create();
    assert.deepEqual(plain, {
      id: plain.id,
      organization_id: organization,
      type: "organization",
      template_format: "palm-code.v1",
      target_fpir: 0.001,
      server_lookup_allowed: true,
      calibration: null,
      created_at: "2026-01-02T03:04:05.678Z",
    });
    const other = await create("--format", "vector-512.v1", "--target-fpir", "1e-5", "--no-server-lookup");
    assert.deepEqual(other, {
      ...plain,
      id: other.id,
      template_format: "vector-512.v1",
      target_fpir: 0.00001,
      server_lookup_allowed: false,
    });
    const global = await create("--type", "global");
    assert.deepEqual(global, { ...plain, id: global.id, type: "global" });
    const args = ["--organization", organization, "--type", "global", "--format", "vector-512.v1"];
    assert.deepEqual(await run("environment", "create", ...args), {
      code: 1,
      out: "",
      said:
        "admin: A global environment cannot have the format vector-512.v1: its samples are templates, which callers can " +
        "make up, and a global environment accepts only images.\n",
    });
  });

  it("seals an environment from before and checks it, and says what to do next", async () => {
    const ring = newRing("k1");
    const { run, ports } = newConsole({}, sealingOf(ring));
    const organization = json(
      await run("organization", "create", "--name", "x", "--plan", "sandbox", "--json"),
    ).id;
    const { id } = json(await run("environment", "create", "--organization", organization, "--json"));
    const sealer = createSealer(parseKeyring("TEMPLATE_KEYS", JSON.stringify(ring)));
    ports.manifests.put(id, { wrapped_key: sealer.seal(randomBytes(32), `datakey:${id}`) });
    const checked = (links_sealed: boolean) => ({
      ...{ environment_id: id, links_sealed, changes: 0, palms: 0 },
      ...{ skipped: 0, skipped_changes: [], refused_palms: [], hidden_palms: [], orphans: 0 },
    });
    const check = async () => {
      const { code, out, said } = await run("environment", "check", id, "--json");
      return { code, result: JSON.parse(out), said };
    };
    assert.deepEqual(await check(), {
      code: 0,
      result: checked(false),
      said: "nothing is left out; not sealed: see environment seal\n",
    });
    const seal = async () => {
      const { code, out, said } = await run("environment", "seal", id, "--json");
      return { code, outcome: JSON.parse(out).outcome, said: said.split(";")[0] };
    };
    const said = "documents that are not bound are refused from now on";
    assert.deepEqual(await seal(), { code: 0, outcome: "sealed", said });
    assert.deepEqual(await seal(), {
      ...{ code: 0, outcome: "sealed_before", said: "the environment was sealed before\n" },
    });
    assert.deepEqual(await check(), { code: 0, result: checked(true), said: "nothing is left out\n" });
    assert.deepEqual(await run("environment", "seal", ID), {
      ...{ code: 1, out: "", said: `admin: There is no environment ${ID}.\n` },
    });
  });

  it("says that a user was an admin already, and ends with 0", async () => {
    const { run, ports } = newConsole();
    ports.known.push(ADA);
    const { id } = json(await run("organization", "create", "--name", "x", "--plan", "sandbox", "--json"));
    const set = async (verb: string) => {
      const { code, out, said } = await run("organization", verb, id, "ada@blue.example", "--json");
      return { code, admins: JSON.parse(out).admins, said };
    };
    const who =
      "admin: ada@blue.example (verified), user id ada, account created at 2026-01-01T00:00:00.000Z\n";
    assert.deepEqual(await set("add-admin"), { code: 0, admins: ["ada"], said: `new ${who}` });
    const again = "ada@blue.example was an admin already\n";
    assert.deepEqual(await set("add-admin"), { code: 0, admins: ["ada"], said: again });
    assert.deepEqual(await set("remove-admin"), { code: 0, admins: [], said: `former ${who}` });
    const gone = "ada@blue.example was no admin\n";
    assert.deepEqual(await set("remove-admin"), { code: 0, admins: [], said: gone });
  });

  it("reads a password, and does not print it", async () => {
    const given = newConsole({ read: async () => "a good password\n" });
    const made = await given.run(
      "user",
      "create",
      "--email",
      "ada@blue.example",
      "--password-from-stdin",
      "--json",
    );
    assert.deepEqual(json(made), {
      id: "uid-of-ada@blue.example",
      email: "ada@blue.example",
      email_verified: true,
      created_at: "2026-01-01T00:00:00.000Z",
    });
    const short = newConsole({ read: async () => "short\n" });
    assert.deepEqual(
      await short.run("user", "create", "--email", "ada@blue.example", "--password-from-stdin"),
      {
        code: 1,
        out: "",
        said: "admin: the password has less than 8 characters\n",
      },
    );
  });

  it("destroys no key without --yes: says what that would do, and ends with 1", async () => {
    const { run, ports } = newConsole();
    const organization = json(
      await run("organization", "create", "--name", "Blue Gym", "--plan", "sandbox", "--json"),
    ).id;
    const { id } = json(await run("environment", "create", "--organization", organization, "--json"));
    const commits = ports.commits();
    const result = { environment_id: id, organization: "Blue Gym", palms: 24 };
    const destroy = async (...args: string[]) => {
      const { code, out, said } = await run("environment", "destroy-key", id, "--json", ...args);
      return { code, result: JSON.parse(out), said };
    };
    assert.deepEqual(await destroy(), {
      code: 1,
      result: { ...result, outcome: "would_destroy" },
      said: "nothing was done: with --yes nobody ever opens the 24 palms of Blue Gym again\n",
    });
    assert.equal(ports.commits(), commits);
    assert.deepEqual(await destroy("--yes"), {
      code: 0,
      result: { ...result, outcome: "destroyed" },
      said: "nobody opens the 24 palms of Blue Gym any more\n",
    });
    assert.deepEqual(await destroy("--yes"), {
      code: 0,
      result: { ...result, outcome: "destroyed_before" },
      said: "the key was destroyed before\n",
    });
  });

  it("leaves one entry in the audit log of each change, and none of what was refused or so already", async () => {
    const { run, ports } = newConsole();
    const ring = newRing("k1", "k2");
    ports.sealing = sealingOf({ k1: ring["k1"] as string });
    ports.known.push(ADA);
    const requests: string[] = [];
    /** Runs the command. What it prints, and what is new in the log, but for ids and times. */
    const act = async (...args: string[]) => {
      const known = await ports.entries();
      const { code, out } = await run(...args, "--json");
      const added = (await ports.entries()).slice(known.length);
      requests.push(...new Set(added.map(({ request_id }) => request_id)));
      const entries = added.map(({ id: _, request_id: __, created_at, ...entry }) => {
        assert.deepEqual(created_at, ports.now());
        return entry;
      });
      return { code, id: out === "" ? "" : json({ out }).id, entries };
    };
    const nothing = async (code: number, ...args: string[]) => {
      const ran = await act(...args);
      assert.deepEqual({ code: ran.code, entries: ran.entries }, { code, entries: [] }, args.join(" "));
    };
    const entry = (operation: string, type: string, id: string, project_id: string | null = null) => ({
      organization_id: organization.id,
      project_id,
      actor: { type: "operator", id: "olga" },
      operation,
      target: { type, id },
      client_request_id: null,
    });

    const create = ["organization", "create", "--name", "Blue Gym", "--plan", "business"];
    await nothing(1, ...create, "--admin", "eve");
    const organization = await act(...create);
    const { id } = organization;
    assert.deepEqual(organization.entries, [entry("organization create", "organization", id)]);

    await nothing(1, "organization", "add-admin", id, "eve");
    await nothing(0, "organization", "remove-admin", id, "ada");
    for (const verb of ["add-admin", "remove-admin"]) {
      const { entries } = await act("organization", verb, id, "ada");
      assert.deepEqual(entries, [entry(`organization ${verb}`, "organization", id)]);
      await nothing(0, "organization", verb, id, "ada");
    }

    await nothing(1, "environment", "create", "--organization", ID);
    const environment = await act("environment", "create", "--organization", id);
    const other = await act("environment", "create", "--organization", id, "--no-server-lookup");
    for (const made of [environment, other]) {
      assert.deepEqual(made.entries, [entry("environment create", "environment", made.id)]);
    }

    const inside = ["project", "create", "--organization", id, "--name", "Door", "--environment"];
    await nothing(1, ...inside, other.id, "--server-lookup");
    const project = await act(...inside, environment.id);
    assert.deepEqual(project.entries, [entry("project create", "project", project.id, project.id)]);
    await nothing(0, "project", "set-server-lookup", project.id, "off");
    await nothing(1, "project", "set-server-lookup", ID, "on");
    const set = await act("project", "set-server-lookup", project.id, "on");
    assert.deepEqual(set.entries, [entry("project set-server-lookup", "project", project.id, project.id)]);

    await nothing(0, "keyring", "rotate");
    ports.sealing = sealingOf(ring);
    const rotated = await act("keyring", "rotate");
    assert.deepEqual(rotated.entries, [
      entry("keyring rotate", "environment", environment.id),
      entry("keyring rotate", "environment", other.id),
    ]);
    await nothing(0, "keyring", "rotate");

    await nothing(1, "environment", "destroy-key", other.id);
    const destroyed = await act("environment", "destroy-key", other.id, "--yes");
    assert.deepEqual(destroyed.entries, [entry("environment destroy-key", "environment", other.id)]);
    await nothing(0, "environment", "destroy-key", other.id, "--yes");

    const { code } = await startRegistration(ports, { app_version: null, model: null });
    const register = (where: string, what: string) => [
      ...["device", "register", where, "--name", "Door", "--code", what],
    ];
    await nothing(1, ...register(project.id, "wrong"));
    await nothing(1, ...register(ID, code));
    const device = await act(...register(project.id, code));
    assert.deepEqual(device.entries, [entry("device register", "device", device.id, project.id)]);
    await nothing(1, ...register(project.id, code));

    // A user belongs to no organization, whose log it would be.
    await nothing(0, "user", "create", "--email", "bob@blue.example");
    for (const noun of ["organization", "environment", "project"]) await nothing(0, noun, "list");
    // One of each command that changed something.
    assert.deepEqual([requests.length, new Set(requests).size], [10, 10]);
  });

  it("rotates the keyring of webhooks' secrets, which stay, and says which keys may leave it", async () => {
    const { run, ports } = newConsole();
    const ring = newRing("k1", "k2");
    const [one, both] = [secretsOf({ k1: ring["k1"] as string }), secretsOf(ring)];
    const organization_id = ID;
    const project_id = "project";
    await ports.commit([
      ports.projects.create({ id: project_id, organization_id } as Project),
      ports.webhooks.create(newWebhook({ secrets: one }, { id: "a", project_id })),
      ports.webhooks.create(newWebhook({ secrets: one }, { id: "b", project_id })),
    ]);
    const kept = { a: "whsec_a", b: "whsec_b" };
    for (const [id, secret] of Object.entries(kept)) {
      const was = await ports.webhooks.get(project_id, id);
      assert.ok(was);
      const sealed = one.seal(was.value, secret);
      await ports.commit([ports.webhooks.replace(was, { ...was.value, secret: sealed })]);
    }
    const rotate = () => run("keyring", "rotate", "--ring", "WEBHOOK_KEYS", "--json");

    ports.secrets = both;
    const first = await rotate();
    assert.deepEqual([first.code, first.said], [0, "k1 may leave the keyring\n"]);
    assert.deepEqual(json(first), { kid: "k2", resealed: 2, current: 0, failed: [], unused: ["k1"] });
    const second = json(await rotate());
    assert.deepEqual(second, { kid: "k2", resealed: 0, current: 2, failed: [], unused: ["k1"] });
    for (const [id, secret] of Object.entries(kept)) {
      const found = await ports.webhooks.get(project_id, id);
      assert.ok(found);
      assert.equal(both.open(found.value, found.value.secret), secret);
    }
    const entries = await ports.entries();
    assert.deepEqual(
      entries.map(({ operation, target, organization_id, project_id }) => [
        ...[operation, target.type, target.id],
        ...[organization_id, project_id],
      ]),
      ["a", "b"].map((id) => ["keyring rotate", "webhook", id, organization_id, project_id]),
    );

    ports.secrets = secretsOf(newRing("k3"));
    const lost = await rotate();
    assert.equal(lost.code, 1);
    assert.equal(lost.said, "2 not opened by this keyring, and left as they were: take no key out of it\n");
    assert.deepEqual(
      json(lost).failed,
      ["a", "b"].map((webhook_id) => ({ webhook_id, kids: ["k2"] })),
    );
  });

  describe("prints a keyring with a new key at its end", () => {
    withoutKeyrings();

    it("given to standard input or in the environment, and opens no project", async () => {
      const first = await newConsole({ read: async () => "{}" }).run("keyring", "new");
      const one = json(first);
      assert.deepEqual(Object.keys(one), ["k1"]);
      process.env["TEMPLATE_KEYS"] = first.out;
      const { run, opened } = newConsole();
      const second = await run("keyring", "new");
      const two = json(second);
      assert.deepEqual({ ...two, k2: "" }, { ...one, k2: "" });
      assert.deepEqual(parseKeyring("RING", second.out).kids, ["k1", "k2"]);
      assert.notEqual(two.k1, two.k2);
      assert.deepEqual(Object.keys(json(await run("keyring", "new", "--id", "spring"))), ["k1", "spring"]);
      assert.deepEqual(await run("keyring", "new", "--id", "k1"), {
        code: 1,
        out: "",
        said: "admin: TEMPLATE_KEYS has a key k1 already\n",
      });
      assert.equal(opened(), 0);
    });

    for (const name of ["WEBHOOK_KEYS", "SEAL_KEYS"]) {
      it(`of ${name}, too`, async () => {
        const read = async () => "{}";
        const { run, opened } = newConsole({ read });
        const { code, out } = await run("keyring", "new", "--ring", name);
        assert.deepEqual([code, parseKeyring(name, out).kids, opened()], [0, ["k1"], 0]);
        const broken = await newConsole({ read: async () => "[]" }).run("keyring", "new", "--ring", name);
        assert.match(broken.said, RegExp(`^admin: ${name} is no keyring: `));
      });
    }

    it("and repeats nothing of one that is broken", async () => {
      for (const [given, says] of [
        ["", "the present keyring is missing: set TEMPLATE_KEYS, or give it to standard input"],
        ['{"k1": "secret"}', 'TEMPLATE_KEYS is no keyring: {"<kid>": "<base64 of 32 bytes>"} is expected'],
      ]) {
        const answer = await newConsole({ read: async () => given as string }).run("keyring", "new");
        assert.deepEqual(answer, { code: 1, out: "", said: `admin: ${says}\n` });
      }
    });
  });

  describe("checks keyrings", () => {
    withoutKeyrings();
    const set = (rings: Record<string, Record<string, string>>) => {
      for (const [name, keys] of Object.entries(rings)) process.env[name] = JSON.stringify(keys);
    };
    const refused = async (args: string[], says: string, read = "") => {
      const { run, opened } = newConsole({ read: async () => read });
      assert.deepEqual(await run(...args), { code: 1, out: "", said: `admin: ${says}\n` });
      assert.equal(opened(), 0);
    };

    it("and names each with its keys, and those that are not set", async () => {
      set({ TEMPLATE_KEYS: newRing("k1", "k2"), WEBHOOK_KEYS: newRing("w1"), SEAL_KEYS: newRing("s1") });
      const { run, opened } = newConsole();
      const all = await run("keyring", "check", "--json");
      assert.deepEqual(
        { ...all, out: json(all) },
        {
          code: 0,
          out: [
            { ring: "TEMPLATE_KEYS", kids: ["k1", "k2"] },
            { ring: "WEBHOOK_KEYS", kids: ["w1"] },
            { ring: "SEAL_KEYS", kids: ["s1"] },
          ],
          said: "",
        },
      );
      delete process.env["WEBHOOK_KEYS"];
      const some = await run("keyring", "check");
      assert.deepEqual([some.code, some.said], [0, "not set, so not checked: WEBHOOK_KEYS\n"]);
      assert.equal(opened(), 0);
    });

    it("and refuses none at all, a demo key, and a key of two keyrings that no function has together", async () => {
      await refused(["keyring", "check"], "set TEMPLATE_KEYS, WEBHOOK_KEYS, SEAL_KEYS to their keyrings");
      set({ SEAL_KEYS: { own: DEMO_KEY } });
      await refused(
        ["keyring", "check"],
        "own of SEAL_KEYS: this is a public demo key; make a key of your own (docs/deploy.md)",
      );
      const same = newRing("k1");
      set({ TEMPLATE_KEYS: same, WEBHOOK_KEYS: { w1: same["k1"] as string }, SEAL_KEYS: newRing("s1") });
      await refused(
        ["keyring", "check"],
        "k1 of TEMPLATE_KEYS and w1 of WEBHOOK_KEYS are the same key; every key of every keyring must be different",
      );
    });

    it("before it adds a key", async () => {
      await refused(
        ["keyring", "new"],
        "k1 of TEMPLATE_KEYS: this is a public demo key; make a key of your own (docs/deploy.md)",
        JSON.stringify({ k1: DEMO_KEY }),
      );
      const same = newRing("k1");
      set({ WEBHOOK_KEYS: same });
      await refused(
        ["keyring", "new"],
        "k1 of WEBHOOK_KEYS and k1 of TEMPLATE_KEYS are the same key; every key of every keyring must be different",
        JSON.stringify(same),
      );
    });
  });

  it("says in one line why it failed, with 1 and without a stack", async () => {
    for (const [error, says] of [
      [new Error("one\n  two"), "one two"],
      [new DomainError("conflict", "No."), "No."],
      [unavailable(new Error("down")), "The service is busy or a dependency is down; try again. (down)"],
    ] as const) {
      const ports = () => Promise.reject(error);
      const answer = await newConsole({ ports }).run("organization", "list");
      assert.deepEqual(answer, { code: 1, out: "", said: `admin: ${says}\n` });
    }
  });

  it("registers the terminal that shows a code, in a project that is no sandbox, and shows no key", async () => {
    const { run, ports } = newConsole();
    const project = { id: ID, organization_id: "blue", sandbox: false } as Project;
    const blue = { id: "blue", name: "Blue", plan: "sandbox", admins: [], device_count: 4 } as const;
    await ports.commit([
      ports.projects.create(project),
      ports.organizations.create({ ...blue, created_at: ports.now() }),
    ]);
    const { code } = await startRegistration(ports, { app_version: "1.4.0", model: "PT-2" });
    const register = (what: string, where = ID) =>
      run("device", "register", where, "--code", what, "--name", "Front door", "--json");
    const typed = `${code.slice(0, 4)}-${code.slice(4).toLowerCase()}`;
    const made = await register(typed);
    const { id } = json(made);
    assert.deepEqual(
      [made.code, made.said, json(made)],
      [
        0,
        "",
        {
          id,
          project_id: ID,
          name: "Front door",
          enabled: true,
          mode: "standard",
          model: "PT-2",
          app_version: "1.4.0",
          last_seen_at: null,
          created_at: "2026-01-02T03:04:05.678Z",
        },
      ],
    );
    assert.deepEqual(
      (await ports.allDevices()).map((device) => [device.id, device.project_id]),
      [[id, ID]],
    );
    const other = ID.replace("1", "2");
    for (const [refused, says] of [
      [await register(code), "The code was used before."],
      [await register("wrong"), "There is no terminal that shows this code."],
      [await register(code, other), `There is no project ${other}.`],
    ] as const) {
      assert.deepEqual(refused, { code: 1, out: "", said: `admin: ${says}\n` });
    }

    const beyond = await startRegistration(ports, { app_version: null, model: null });
    const sixth = await register(beyond.code);
    assert.equal(sixth.code, 0);
    assert.equal(
      sixth.said,
      "the organization now has 6 devices; plan sandbox allows 5, so its own registrations are refused\n",
    );
  });

  it("names the project that is missing", async () => {
    assert.deepEqual(await newConsole().run("project", "set-server-lookup", ID, "on"), {
      code: 1,
      out: "",
      said: `admin: There is no project ${ID}.\n`,
    });
  });
});

describe("npm run admin, in a process of its own", () => {
  const nowhere = "127.0.0.1:1";
  const none = {
    FIRESTORE_EMULATOR_HOST: undefined,
    FIREBASE_AUTH_EMULATOR_HOST: undefined,
    FIREBASE_STORAGE_EMULATOR_HOST: undefined,
    STORAGE_EMULATOR_HOST: undefined,
    CLOUD_TASKS_EMULATOR_HOST: undefined,
    TEMPLATE_KEYS: undefined,
    SEAL_KEYS: undefined,
  };
  const create = ["environment", "create", "--organization", ID];
  const real = "production project acme-live\n";

  for (const [what, args, env, code, said] of [
    [
      "fails at once where no emulators run",
      ["organization", "list"],
      { ...none, FIRESTORE_EMULATOR_HOST: nowhere },
      1,
      `admin: the emulators are not running (nobody answers at ${nowhere}): npm start starts them\n`,
    ],
    [
      "refuses a real project while emulators are named",
      ["organization", "list", "--project", "acme-live"],
      { ...none, FIRESTORE_EMULATOR_HOST: nowhere },
      1,
      `${real}admin: FIRESTORE_EMULATOR_HOST is set in the production project acme-live\n`,
    ],
    [
      "wants the keyring of a real project, and says where it is",
      [...create, "--project", "acme-live"],
      none,
      1,
      `${real}admin: TEMPLATE_KEYS is not set: TEMPLATE_KEYS="$(npx firebase functions:secrets:access TEMPLATE_KEYS --project acme-live)"\n`,
    ],
    [
      "wants the keyring that seals the keys of devices, too",
      ["device", "register", ID, "--code", "x", "--name", "x", "--project", "acme-live"],
      none,
      1,
      `${real}admin: SEAL_KEYS is not set: SEAL_KEYS="$(npx firebase functions:secrets:access SEAL_KEYS --project acme-live)"\n`,
    ],
    [
      "refuses a demo key for a real project, whatever it is called",
      [...create, "--project", "acme-live"],
      { ...none, TEMPLATE_KEYS: JSON.stringify({ k1: DEMO_KEY }) },
      1,
      `${real}admin: k1 of TEMPLATE_KEYS: this is a public demo key; make a key of your own (docs/deploy.md)\n`,
    ],
    [
      "fails in one line where the credentials are missing",
      ["organization", "list", "--project", "acme-live"],
      { ...none, GOOGLE_APPLICATION_CREDENTIALS: "/nowhere" },
      1,
      /^production project acme-live\nadmin: [^\n]*The file at \/nowhere does not exist[^\n]*\n$/,
    ],
    [
      "fails in one line where Auth has no credentials",
      ["user", "create", "--email", "ada@blue.example", "--project", "acme-live"],
      { ...none, GOOGLE_APPLICATION_CREDENTIALS: "/nowhere" },
      1,
      /^production project acme-live\nadmin: [^\n]*The file at \/nowhere does not exist[^\n]*\n$/,
    ],
    [
      "tells wrong usage by its exit code",
      ["organization", "list", "all"],
      none,
      2,
      "error: too many arguments for 'list'. Expected 0 arguments but got 1.\n(--help tells more)\n",
    ],
  ] as const) {
    it(what, async () => {
      // Ends by itself: where it waited or tried again, the test would run out of time.
      const ran = await admin(args, { env });
      if (typeof said === "string") assert.equal(ran.said, said);
      else assert.match(ran.said, said);
      assert.deepEqual({ code: ran.code, out: ran.out }, { code, out: "" });
    });
  }
});
