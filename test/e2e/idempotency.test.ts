import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import type { Answer } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { adding } from "../support/requests.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** A request that many send at once, how many they are, and what is there afterwards. */
interface Race {
  fn: string;
  times: number;
  token: "key" | "user";
  adds: Record<string, number>;
  ask(deps: Deps, tenant: Tenant): Promise<{ path: string; body: unknown }>;
}

const imageOf = (seed: number) => Buffer.from(encodePng(steadyPalm({ seed }))).toString("base64");
const organization = ({ organization: { id } }: Tenant) => `/v1/organization/${id}`;
const project = ({ project: { id } }: Tenant) => `/v1/project/${id}`;

const RACES: Record<string, Race> = {
  "POST /v1/project/{project_id}/members": {
    ...{ fn: "members", times: 50, token: "key", adds: { members: 1, externalids: 1, audit: 1 } },
    ask: async (_, tenant) => ({ path: `${project(tenant)}/members`, body: { external_id: "1" } }),
  },
  "POST /v1/organization/{org_id}/api-keys": {
    ...{ fn: "apikeys", times: 50, token: "user", adds: { apikeys: 1, audit: 1 } },
    ask: async (_, tenant) => ({
      path: `${organization(tenant)}/api-keys`,
      body: { name: "Door", project_ids: null },
    }),
  },
  "POST /v1/organization/{org_id}/api-keys/{key_id}/rotate": {
    ...{ fn: "apikeys", times: 50, token: "user", adds: { apikeys: 1, audit: 1 } },
    async ask(deps, tenant) {
      const owner = { organization_id: tenant.organization.id, project_ids: null };
      const { record } = await newApiKey(deps, owner);
      return { path: `${organization(tenant)}/api-keys/${record.id}/rotate`, body: {} };
    },
  },
  "POST /v1/project/{project_id}/enroll": {
    ...{ fn: "identify", times: 8, token: "key" },
    adds: { palms: 1, changes: 1, scans: 1, events: 1, audit: 1 },
    async ask(deps, tenant) {
      const { id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
      return {
        path: `${project(tenant)}/enroll`,
        body: { member_id: id, samples: [{ image: imageOf(64_000) }] },
      };
    },
  },
};

describe("One Idempotency-Key at two instances, with the built bundle", () => {
  let deps: Deps;

  before(async () => {
    deps = await openDeps();
  });

  for (const [what, { fn, times, token, adds, ask }] of Object.entries(RACES)) {
    it(`${times} times at once, ${what} takes effect once`, async () => {
      const tenant = await newTenant(deps);
      const instances = await Promise.all([startInstance(fn), startInstance(fn)]);
      try {
        const { path, body } = await ask(deps, tenant);
        const call = {
          token: token === "key" ? tenant.key : tenant.user.token,
          body,
          headers: { "Idempotency-Key": randomUUID() },
        };
        const post = (n: number) => (instances[n % 2] as Instance).api("POST", path, call);
        const { result: answers, added } = await adding(tenant, () =>
          Promise.all(Array.from({ length: times }, (_, n) => post(n))),
        );
        assert.deepEqual(added, adds);
        const isFirst = ({ status, headers }: Answer) =>
          status === 201 && !headers.has("Idempotency-Replayed");
        const firsts = answers.filter(isFirst);
        const [first] = firsts;
        assert.ok(first && firsts.length === 1, `${firsts.length} were the first`);
        const [one, other] = [await post(0), await post(1)];
        for (const answer of [...answers.filter((answer) => answer !== first), one, other]) {
          if (answer.status === 409) {
            assert.deepEqual(
              [answer.body.code, answer.headers.get("retry-after")],
              ["conflict", "1"],
              answer.text,
            );
          } else {
            const { status, text, headers } = answer;
            assert.deepEqual([status, text, headers.get("Idempotency-Replayed")], [201, first.text, "true"]);
          }
        }
        assert.deepEqual([one.status, other.status], [201, 201]);
      } finally {
        await Promise.all(instances.map((instance) => instance.stop()));
      }
    });
  }

  it("belongs to the API key that sends it: two keys of an organization have two effects, and two replays", async () => {
    const tenant = await newTenant(deps);
    const { key } = await newApiKey(deps, { organization_id: tenant.organization.id, project_ids: null });
    const instances = await Promise.all([startInstance("members"), startInstance("members")]);
    try {
      const headers = { "Idempotency-Key": randomUUID() };
      const tokens = [tenant.key, key];
      const post = (n: number) =>
        (instances[(n >> 1) % 2] as Instance).api("POST", `${project(tenant)}/members`, {
          token: tokens[n % 2] as string,
          body: { name: "Ada" },
          headers,
        });
      const { result: answers, added } = await adding(tenant, () =>
        Promise.all(Array.from({ length: 40 }, (_, n) => post(n))),
      );
      assert.deepEqual(added, { members: 2, audit: 2 });
      const ids = tokens.map((_, which) => {
        const own = answers.filter((_, n) => n % 2 === which);
        assert.deepEqual(
          own.map(({ status }) => status),
          own.map(() => 201),
        );
        assert.equal(own.filter(({ headers }) => !headers.has("Idempotency-Replayed")).length, 1);
        const [id, ...others] = new Set(own.map(({ body }) => body.id as string));
        assert.deepEqual(others, []);
        return id;
      });
      assert.notEqual(ids[0], ids[1]);
    } finally {
      await Promise.all(instances.map((instance) => instance.stop()));
    }
  });

  it("is replayed without the person's data by every instance, from the moment that the member is deleted", async () => {
    const tenant = await newTenant(deps);
    const [one, other] = await Promise.all([startInstance("members"), startInstance("members")]);
    try {
      const path = `${project(tenant)}/members`;
      const call = { token: tenant.key, body: { name: "Ada", email: "ada@example.com" } };
      for (let round = 0; round < 5; round++) {
        const headers = { "Idempotency-Key": randomUUID() };
        const post = (instance: Instance) => instance.api("POST", path, { ...call, headers });
        const first = await post(one);
        assert.equal(first.status, 201);
        // Repeated while it is deleted: each answer is the whole one or the blank one, nothing between.
        const gone = { ...first.body, name: null, email: null };
        const [deleted, ...during] = await Promise.all([
          other.api("DELETE", `${path}/${first.body.id}`, { token: tenant.key }),
          ...Array.from({ length: 6 }, (_, n) => post(n % 2 === 0 ? one : other)),
        ]);
        assert.equal(deleted.status, 204);
        for (const { status, body } of during) {
          assert.equal(status, 201);
          assert.deepEqual(body, body.name === null ? gone : first.body);
        }
        for (const instance of [one, other]) {
          const { status, body, headers } = await post(instance);
          assert.deepEqual([status, body, headers.get("Idempotency-Replayed")], [201, gone, "true"]);
        }
      }
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });

  it("is a problem like any other when its bytes are not ASCII", async () => {
    const tenant = await newTenant(deps);
    const instance = await startInstance("members");
    try {
      for (const key of ["caf\u00e9", Buffer.from("café").toString("latin1"), "", "x".repeat(256)]) {
        const answer = await instance.api("POST", `${project(tenant)}/members`, {
          token: tenant.key,
          body: {},
          headers: { "Idempotency-Key": key },
        });
        assert.deepEqual(
          [answer.status, answer.body.errors],
          [400, [{ path: "Idempotency-Key", message: "is not 1 to 255 characters of printable ASCII" }]],
          answer.text,
        );
      }
      const { size } = await db().collection(`projects/${tenant.project.id}/members`).get();
      assert.equal(size, 0);
    } finally {
      await instance.stop();
    }
  });
});
