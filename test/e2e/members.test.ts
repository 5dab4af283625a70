import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

describe("Members", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let path: string;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
    tenant = await newTenant(deps);
    path = `/v1/project/${tenant.project.id}/members`;
  });

  const create = (body: unknown) => api("POST", path, { token: tenant.key, body });

  it("POST /v1/project/{project_id}/members makes a member that GET answers alike", async () => {
    const fields = {
      name: "Ada Lovelace 👋🏽",
      external_id: "staff/0001 ÄÖ",
      email: "ada@acme.example",
      phone_number: "+4915112345678",
      metadata: { floor: "3", "a.b/c": "", __dunder__: "kept" },
    };
    const made = await create(fields);
    assert.equal(made.status, 201, made.text);
    const { id, created_at } = made.body;
    assert.deepEqual(made.body, {
      id,
      project_id: tenant.project.id,
      ...fields,
      palms: 0,
      created_at,
      updated_at: created_at,
    });
    for (const token of [tenant.user.token, tenant.key]) {
      assert.deepEqual((await api("GET", `${path}/${id}`, { token })).body, made.body);
    }
  });

  it("makes a member of nothing at all, and of nulls", async () => {
    const empty = { name: null, external_id: null, email: null, phone_number: null };
    for (const body of [{}, { ...empty, metadata: null }, undefined]) {
      const made = await create(body);
      assert.equal(made.status, 201, made.text);
      const { id, created_at } = made.body;
      assert.deepEqual(made.body, {
        id,
        project_id: tenant.project.id,
        ...empty,
        metadata: {},
        palms: 0,
        created_at,
        updated_at: created_at,
      });
    }
  });

  it("holds an external_id unique in the project, case-sensitively", async () => {
    assert.equal((await create({ external_id: "Twin" })).status, 201);
    assertProblem(await create({ external_id: "Twin" }), 409, "conflict");
    assert.equal((await create({ external_id: "twin" })).status, 201);
    const other = await newTenant(deps);
    const elsewhere = await api("POST", `/v1/project/${other.project.id}/members`, {
      token: other.key,
      body: { external_id: "Twin" },
    });
    assert.equal(elsewhere.status, 201);
  });

  const E_ACUTE = { composed: "caf\u00e9", decomposed: "cafe\u0301" };
  const found = async (external_id: string, more = "") =>
    api("GET", `${path}?external_id=${encodeURIComponent(external_id)}${more}`, { token: tenant.key });

  it("compares external_id in Unicode's NFC, and keeps it so", async () => {
    const made = await create({ external_id: E_ACUTE.decomposed });
    assert.deepEqual([made.status, made.body.external_id], [201, E_ACUTE.composed]);
    const taken = await create({ external_id: E_ACUTE.composed });
    assertProblem(taken, 409, "conflict");
    assert.match(taken.body.detail, /GET \/v1\/project\/\{project_id\}\/members\?external_id=/);
    const other = await create({});
    assertProblem(await patch(other.body.id, { external_id: E_ACUTE.decomposed }), 409, "conflict");
    assert.equal((await patch(made.body.id, { external_id: E_ACUTE.decomposed })).status, 200, "its own");
    for (const form of Object.values(E_ACUTE)) {
      assert.deepEqual((await found(form)).body.items, [(await get(made.body.id)).body]);
    }
    await api("DELETE", memberPath(made.body.id), { token: tenant.key });
    assert.equal((await create({ external_id: E_ACUTE.composed })).status, 201, "it is free again");
  });

  it("finds a member by its external_id, on a page of one or none", async () => {
    const made = await create({ external_id: "find/me & more+1%" });
    const page = { page: 1, per_page: 50, next_cursor: null };
    const answer = await found("find/me & more+1%");
    assert.deepEqual(answer.body, { items: [made.body], ...page, total_count: 1 });
    for (const absent of ["find/me", "FIND/ME & more+1%", "find/me & more+1% ", "%", "nobody"]) {
      assert.deepEqual((await found(absent)).body, { items: [], ...page, total_count: 0 }, absent);
    }
    const second = await found("find/me & more+1%", "&page=2&per_page=10");
    assert.deepEqual(second.body, { items: [], page: 2, per_page: 10, total_count: 1, next_cursor: null });
    await patch(made.body.id, { external_id: "moved" });
    assert.deepEqual((await found("find/me & more+1%")).body.items, []);
    assert.deepEqual((await found("moved")).body.items.length, 1);
    await api("DELETE", memberPath(made.body.id), { token: tenant.key });
    assert.deepEqual((await found("moved")).body.items, []);
    const elsewhere = await newTenant(deps);
    const foreign = `/v1/project/${elsewhere.project.id}/members?external_id=Twin`;
    assert.deepEqual((await api("GET", foreign, { token: elsewhere.key })).body.items, []);
  });

  it("refuses a look-up that is empty, too long, has a control character or a cursor", async () => {
    for (let n = 0; n < 11; n++) await create({});
    const { next_cursor } = (await api("GET", `${path}?per_page=10`, { token: tenant.key })).body;
    for (const [query, where] of [
      ["external_id=", "external_id"],
      [`external_id=${"x".repeat(201)}`, "external_id"],
      ["external_id=a%00", "external_id"],
      ["external_id=a&external_id=b", "external_id"],
      [`external_id=a&cursor=${next_cursor}`, "cursor"],
    ]) {
      const answer = await api("GET", `${path}?${query}`, { token: tenant.key });
      assertProblem(answer, 400, "invalid_request");
      assert.equal(answer.body.errors[0].path, where, query);
    }
  });

  /** A member as it was stored before external ids were normalized. */
  async function older(external_id: string): Promise<string> {
    const id = randomUUID();
    const at = new Date();
    const member = {
      ...{ ...NOBODY, id, project_id: tenant.project.id, external_id, palm_ids: [], last_session_id: null },
      ...{ created_at: at, updated_at: at },
    };
    await deps.commit([deps.members.create(member), deps.members.claimExternalId(member, external_id)]);
    return id;
  }

  for (const [what, external_id, same] of [
    ["a decomposed", "o\u0301ld-1", "\u00f3ld-1"],
    ["a padded", " old-2 ", " old-2 "],
    ["an invisible", "old\u200b-3", "old\u200b-3"],
  ] as const) {
    it(`still reads, changes, finds and frees ${what} external_id of before`, async () => {
      const id = await older(external_id);
      assert.equal((await get(id)).body.external_id, external_id);
      assert.deepEqual((await patch(id, { name: "Ada" })).body.external_id, external_id);
      for (const form of [external_id, same]) {
        assert.deepEqual(
          (await found(form)).body.items.map((one: { id: string }) => one.id),
          [id],
          form,
        );
      }
      if (same !== external_id) {
        assertProblem(await create({ external_id: same }), 409, "conflict");
        assertProblem(await patch((await create({})).body.id, { external_id: same }), 409, "conflict");
        const moved = await patch(id, { external_id: same });
        assert.deepEqual([moved.status, moved.body.external_id], [200, same], moved.text);
      }
      await api("DELETE", memberPath(id), { token: tenant.key });
      for (const form of [external_id, same]) assert.deepEqual((await found(form)).body.items, [], form);
    });
  }

  it("lets one of four members at once have an external_id in any form", async () => {
    const forms = ["\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "\u212bngstr\u00f6m", "\u00c5ngstro\u0308m"];
    const answers = await Promise.all(forms.map((external_id) => create({ external_id })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409]);
  });

  it("lets one of four members at once have an external_id", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => create({ external_id: "race" })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409]);
  });

  const get = (id: string) => api("GET", memberPath(id), { token: tenant.key });
  const memberPath = (id: string) => `${path}/${id}`;
  const patch = (id: string, body: unknown, method = "PATCH") =>
    api(method, memberPath(id), { token: tenant.key, body });
  const long = (length: number) => "ü".repeat(length);
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
  /** The longest address: 64 characters before the @, labels of at most 63 after it, 254 in all. */
  const address = (length: number) =>
    `${"a".repeat(64)}@${`${"b".repeat(60)}.`.repeat(3)}${"c".repeat(length - 64 - 1 - 183)}`;

  /** What each field of a member takes, and what it refuses and where. */
  const FIELDS: Record<
    string,
    { absent: unknown; takes: [what: string, value: unknown][]; refuses: [string, unknown, where?: string][] }
  > = {
    name: {
      absent: null,
      takes: [
        ["the longest", long(200)],
        ["200 emoji of two code units", "🖐".repeat(200)],
        ["a family of one grapheme", "👩‍👩‍👧‍👦"],
        ["right-to-left text", "مُحَمَّد"],
        ["one character", "a"],
        ["what looks like markup or a formula", "=<b>{{x}}</b>'\"\\"],
      ],
      refuses: [
        ["one over", long(201)],
        ["nothing", ""],
        ["a NUL", "a\u0000"],
        ["a bell", "a\u0007b"],
        ["a line break", "a\nb"],
        // UAX 9: text that reads as something else than it is.
        ["a bidirectional override", "a\u202eb"],
        ["a bidirectional isolate", "\u2066a\u2069"],
        ["a right-to-left mark", "a\u200f"],
        ["an Arabic letter mark", "\u061ca"],
        ["a C1 control", "a\u0085b"],
        ["DEL", "a\u007f"],
        ["half a surrogate pair", "a\ud83d"],
        ["a number", 7],
        ["a list", ["a"]],
      ],
    },
    external_id: {
      absent: null,
      takes: [
        ["the longest", long(200)],
        ["slashes and dots", "../a/b/.."],
        ["what Firestore reserves", "__x__"],
        ["one character", "."],
        ["white space inside", "a b"],
      ],
      refuses: [
        ["white space before it", " a"],
        ["a no-break space behind it", "a\u00a0"],
        ["a zero width space", "a\u200bb"],
        ["a byte order mark", "\ufeffa"],
        ["a joiner", "a\u200db"],
        ["one over", long(201)],
        ["nothing", ""],
        ["a control character", "a\tb"],
        ["half a surrogate pair", "\udc00"],
        ["a number", 1],
      ],
    },
    email: {
      absent: null,
      takes: [
        ["the longest", address(254)],
        ["a plus and a quote", "o'neil+x@acme.example"],
        ["a domain in punycode", "ada@xn--e1afmkfd.xn--p1ai"],
        ["a domain in Unicode", "ada@münchen.example"],
        ["a local part in Unicode", "用户@例子.中国"],
      ],
      refuses: [
        ["one over", address(255)],
        ["no address", "ada at acme"],
        ["a quoted local part", '"ada l"@acme.example'],
        ["an IP address", "ada@[127.0.0.1]"],
        ["a comment", "ada(work)@acme.example"],
        ["broken punycode", "ada@xn--a.example"],
        ["a bidirectional control", "ada\u202e@acme.example"],
        ["nothing", ""],
        ["a control character", "ada@acme.example\n"],
        ["a number", 7],
      ],
    },
    phone_number: {
      absent: null,
      takes: [
        ["the longest", "+123456789012345"],
        ["a usual one", "+4915112345678"],
      ],
      refuses: [
        ["one over", "+1234567890123456"],
        ["no E.164", "0151 123"],
        ["a leading zero", "+0151123456"],
        ["nothing", ""],
        ["a control character", "+49151123456\n"],
        ["other digits", "+٤٩١٥١١٢٣٤٥٦٧٨"],
        ["a number", 4915112345678],
      ],
    },
    metadata: {
      absent: {},
      takes: [
        ["fifty keys", keys(50)],
        ["the longest key and value", { [long(40)]: long(500) }],
        ["an empty value", { a: "" }],
        ["none", {}],
        [
          "names that stores and objects reserve",
          { __x__: "1", "a.b/c`": "2", constructor: "3", toString: "4" },
        ],
      ],
      refuses: [
        ["one key over", keys(51)],
        ["a key one over", { [long(41)]: "" }, `metadata.${long(41)}`],
        ["a value one over", { a: long(501) }, "metadata.a"],
        ["an empty key", { "": "a" }, "metadata."],
        ["a control character in a key", { "a\u0001": "a" }, "metadata.a\u0001"],
        ["a control character in a value", { a: "b\r" }, "metadata.a"],
        ["half a surrogate pair", { a: "\ud800" }, "metadata.a"],
        ["a number", { a: 1 }, "metadata.a"],
        ["null", { a: null }, "metadata.a"],
        ["what is not flat", { a: { b: "c" } }, "metadata.a"],
        ["a list", ["a"]],
        ["text", "a"],
      ],
    },
  };

  describe("A member's field", () => {
    const other = {
      name: "kept",
      external_id: null,
      email: null,
      phone_number: null,
      metadata: { kept: "1" },
    };
    let id: string;
    beforeEach(async () => {
      id = (await create({ name: "kept", metadata: { kept: "1" } })).body.id;
    });

    for (const [field, { absent, takes, refuses }] of Object.entries(FIELDS)) {
      for (const [what, value] of takes) {
        it(`${field} takes ${what}, when it is made and when it is changed`, async () => {
          const made = await create({ [field]: value });
          assert.equal(made.status, 201, made.text);
          assert.deepEqual(made.body[field], value);
          await api("DELETE", memberPath(made.body.id), { token: tenant.key });
          const changed = await patch(id, { [field]: value });
          const { created_at, updated_at } = changed.body;
          assert.deepEqual(changed.body, {
            id,
            project_id: tenant.project.id,
            ...other,
            [field]: value,
            palms: 0,
            created_at,
            updated_at,
          });
          assert.ok(updated_at >= created_at);
          assert.deepEqual((await api("GET", memberPath(id), { token: tenant.key })).body, changed.body);
          await api("DELETE", memberPath(id), { token: tenant.key });
        });
      }

      for (const [what, value, where = field] of refuses) {
        it(`${field} refuses ${what}, and changes nothing`, async () => {
          for (const answer of [await create({ [field]: value }), await patch(id, { [field]: value })]) {
            assertProblem(answer, 400, "invalid_request");
            const paths = answer.body.errors.map((error: { path: string }) => error.path);
            assert.deepEqual([...new Set(paths)], [where], answer.text);
          }
          assert.deepEqual((await api("GET", memberPath(id), { token: tenant.key })).body.name, "kept");
        });
      }

      it(`${field} is cleared by null, and left alone when it is not named`, async () => {
        const value = takes[0]?.[1];
        const made = await create({ [field]: null });
        assert.deepEqual([made.status, made.body[field]], [201, absent]);
        await patch(made.body.id, { [field]: value });
        const another = field === "name" ? { email: "ada@acme.example" } : { name: "Ada" };
        assert.deepEqual((await patch(made.body.id, another)).body[field], value);
        assert.deepEqual((await patch(made.body.id, { [field]: null })).body[field], absent);
        assert.equal((await patch(made.body.id, { [field]: value })).status, 200);
        await api("DELETE", memberPath(made.body.id), { token: tenant.key });
      });
    }

    for (const [where, what, body] of [
      ["", "nothing to change", {}],
      ["nickname", "an unknown field", { nickname: "Ada" }],
      ["palms", "a field that we write", { palms: 3 }],
      ["", "an array", []],
    ] as const) {
      it(`is not changed by ${what}`, async () => {
        const answer = await patch(id, body);
        assertProblem(answer, 400, "invalid_request");
        assert.equal(answer.body.errors[0].path, where);
      });
    }

    it("metadata is replaced whole", async () => {
      await patch(id, { metadata: { a: "1", b: "2" } });
      assert.deepEqual((await patch(id, { metadata: { c: "3" } })).body.metadata, { c: "3" });
    });

    it("is changed by PUT as by PATCH", async () => {
      const changed = await patch(id, { email: "ada@acme.example" }, "PUT");
      assert.deepEqual(
        [changed.status, changed.body.name, changed.body.email],
        [200, "kept", "ada@acme.example"],
      );
      assertProblem(await patch(id, {}, "PUT"), 400, "invalid_request");
    });
  });

  it("moves an external_id: the old one is free, another member's is refused", async () => {
    const [one, other] = [await create({ external_id: "one" }), await create({ external_id: "other" })];
    assertProblem(await patch(one.body.id, { external_id: "other" }), 409, "conflict");
    assert.equal((await patch(one.body.id, { external_id: "one" })).status, 200, "its own");
    assert.equal((await patch(one.body.id, { external_id: "ONE" })).status, 200);
    assert.equal((await patch(other.body.id, { external_id: "one" })).status, 200);
    assert.equal((await patch(other.body.id, { external_id: null })).status, 200);
    assert.equal((await create({ external_id: "one" })).status, 201);
    assertProblem(await create({ external_id: "ONE" }), 409, "conflict");
  });

  it("gives an external_id to one of four who want it at once", async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(async () => (await create({})).body.id));
    const answers = await Promise.all(ids.map((id) => patch(id, { external_id: "wanted" })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  });

  it("loses none of four changes at once", async () => {
    const { id } = (await create({})).body;
    const changes = [
      { name: "Ada" },
      { email: "ada@acme.example" },
      { phone_number: "+4915112345678" },
      { metadata: { a: "1" } },
    ];
    const answers = await Promise.all(changes.map((change) => patch(id, change)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const { name, email, phone_number, metadata } = (await api("GET", memberPath(id), { token: tenant.key }))
      .body;
    assert.deepEqual({ name, email, phone_number, metadata }, Object.assign({}, ...changes));
  });

  it("GET /v1/project/{project_id}/members lists all, newest first, as an array or in pages", async () => {
    tenant = await newTenant(deps);
    path = `/v1/project/${tenant.project.id}/members`;
    const list = async (query = "", token = tenant.key) => api("GET", `${path}${query}`, { token });
    assert.equal((await list()).text, "[]");
    const made: unknown[] = [];
    for (let n = 0; n < 23; n++) made.unshift((await create({ external_id: `n${n}` })).body);
    const all = await list();
    assert.equal(all.headers.get("content-type"), "application/json; charset=utf-8");
    assert.deepEqual(all.body, made);
    assert.deepEqual((await list("", tenant.user.token)).body, made);
    const first = await list("?per_page=10");
    assert.deepEqual(first.body, {
      items: made.slice(0, 10),
      page: 1,
      per_page: 10,
      total_count: 23,
      next_cursor: first.body.next_cursor,
    });
    const second = await list(`?per_page=10&cursor=${first.body.next_cursor}`);
    assert.deepEqual(second.body.items, made.slice(10, 20));
    const third = await list("?page=3&per_page=10");
    assert.deepEqual([third.body.items, third.body.next_cursor], [made.slice(20), null]);
    assert.deepEqual((await list("?page=4&per_page=10")).body.items, []);
    const head = await fetch(baseUrl() + path, {
      method: "HEAD",
      headers: { Authorization: `Bearer ${tenant.key}` },
    });
    assert.equal(head.status, 200);
  });

  it("refuses a key that is none of an object's own", async () => {
    const answer = await api("POST", path, {
      token: tenant.key,
      headers: { "Content-Type": "application/json" },
    });
    assert.equal(answer.status, 201);
    const response = await fetch(baseUrl() + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" },
      body: '{"metadata": {"__proto__": "x"}}',
    });
    assert.equal(response.status, 400);
  });

  it("answers 404 for a member of another project", async () => {
    const other = await newTenant(deps);
    const made = await api("POST", `/v1/project/${other.project.id}/members`, { token: other.key });
    assertProblem(await api("GET", `${path}/${made.body.id}`, { token: tenant.key }), 404, "not_found");
  });
});
