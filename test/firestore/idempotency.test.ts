import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { type AllDeps, newPlaces } from "../../bench/cost/requests.ts";
import { createMember } from "../../functions/src/api/members/createMember.ts";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { healthDeps } from "../../functions/src/deps.ts";
import { unavailable } from "../../functions/src/domain/errors.ts";
import type { Commit } from "../../functions/src/domain/store.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import { type Answer, assertProblem, type Call, type Client } from "../support/client.ts";
import { type Calls, changes, dying } from "../support/dying.ts";
import { db } from "../support/firestore.ts";
import { UNLIMITED } from "../support/limits.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { adding, clientOf, examplesOf, prepare, send } from "../support/requests.ts";
import { newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const DAY = 24 * 60 * 60_000;

const imageOf = (seed: number) => Buffer.from(encodePng(steadyPalm({ seed }))).toString("base64");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const keyed = (key: string = randomUUID()) => ({ "Idempotency-Key": key });
const replayed = ({ headers }: Answer) => headers.get("Idempotency-Replayed");

function assertReplay(answer: Answer, of: Answer): void {
  const { status, text } = of;
  assert.deepEqual(
    { status: answer.status, text: answer.text, replayed: replayed(answer) },
    { status, text, replayed: "true" },
  );
  assert.equal(answer.headers.get("content-type"), of.headers.get("content-type"));
}

function assertFirst(answer: Answer, status = 201): void {
  assert.deepEqual({ status: answer.status, replayed: replayed(answer) }, { status, replayed: null });
}

describe("A POST with an Idempotency-Key", () => {
  let deps: AllDeps;
  let api: Client;

  before(async () => {
    deps = { ...(await openDeps()), checks: (await healthDeps()).checks };
    api = clientOf(allRoutes, deps);
  });

  describe("takes effect once, whenever the process dies:", () => {
    /** Nobody's budget is asked, and nothing is logged: what is left are calls that come the same every time. */
    const quiet = (): AllDeps => ({
      ...deps,
      limiter: UNLIMITED,
      log: { warn: () => undefined, error: () => undefined },
    });
    const instance = (learnt: Calls = new Map(), nth?: number, when?: "before" | "after") => {
      const { ctx, fate } = dying(quiet(), learnt, nth, when);
      return { client: clientOf(allRoutes, { ...ctx, checks: deps.checks }), calls: fate.calls };
    };

    for (const route of allRoutes.filter(({ idempotent }) => idempotent)) {
      it(`${route.method} ${route.path}`, async () => {
        const places = await newPlaces(deps, examplesOf(route));
        // Its use has been noted: that goes on beside the request, and may outlive it.
        await deps.apiKeys.touch(places.busy.ids["key_id"] as string, deps.now());
        const credential = route.auth[0] as Credential;
        for (const example of examplesOf(route)) {
          const learnt: Calls = new Map();
          const run = async (nth?: number, when?: "before" | "after") => {
            const request = await prepare(places, route, example, credential);
            const headers = keyed();
            const { client, calls } = instance(learnt, nth, when);
            const { result, added } = await adding(places.busy, async () => [
              await send(client, request, { headers }),
              await send(instance().client, request, { headers }),
              await send(instance().client, request, { headers }),
            ]);
            const [first, second, third] = result as [Answer, Answer, Answer];
            return { calls, first, second, third, added };
          };

          const living = await run();
          assertFirst(living.first, route.status);
          assertReplay(living.second, living.first);
          assertReplay(living.third, living.first);
          assert.equal(living.added["audit"], route.audits ? 1 : undefined);
          assert.ok(living.calls.includes("commit"), `no commit among ${living.calls}`);

          for (const nth of changes(living.calls)) {
            for (const when of ["before", "after"] as const) {
              const where = `${example.which ?? ""} ${when} call ${nth} of ${living.calls}`;
              const { first, second, third, added } = await run(nth, when);
              // What comes after the commit, an event on its way, fails no request: whoever is answered has it.
              if (first.status === 500) assert.equal(second.status, route.status, `${where}: ${second.text}`);
              else assertReplay(second, first);
              assertReplay(third, second);
              assert.deepEqual(added, living.added, where);
            }
          }
        }
      });
    }
  });

  describe("is not replayed to another API key of the organization:", () => {
    for (const route of allRoutes.filter(({ idempotent, auth }) => idempotent && auth.includes("apiKey"))) {
      it(`${route.method} ${route.path}`, async () => {
        const places = await newPlaces(deps, examplesOf(route));
        const { organization } = places.busy;
        for (const example of examplesOf(route)) {
          const request = await prepare(places, route, example, "apiKey");
          const other = await newApiKey(deps, { organization_id: organization.id, project_ids: null });
          const by = (token: string) => ({ ...request, call: { ...request.call, token } });
          const headers = keyed();
          const first = await send(api, request, { headers });
          assertFirst(first, route.status);
          // It may be refused for what the first request did, but never for that request's Idempotency-Key.
          const second = await send(api, by(other.key), { headers });
          assert.equal(replayed(second), null);
          assert.notEqual(second.body.code, "idempotency_mismatch");
          for (const name of ["secret", "device_key", "key"]) {
            if (name in first.body) assert.ok(!second.text.includes(first.body[name]), `${name} was shown`);
          }
          assertReplay(await send(api, request, { headers }), first);
        }
      });
    }
  });

  describe("on record", () => {
    let tenant: Tenant;
    let path: string;
    const post = (body: unknown, headers: Record<string, string>, more: Call & { path?: string } = {}) =>
      api("POST", more.path ?? path, { token: tenant.key, body, headers, ...more });
    const enroll = (body: unknown, headers: Record<string, string>) =>
      post(body, headers, { path: `/v1/project/${tenant.project.id}/enroll` });

    beforeEach(async () => {
      tenant = await newTenant(deps);
      path = `/v1/project/${tenant.project.id}/members`;
    });

    it("is sealed: neither the key, nor the answer, nor a name can be read, and under another id it does not open", async () => {
      const ids: string[] = [];
      const get = (id: string) => {
        ids.push(id);
        return deps.idempotency.get(id);
      };
      const client = clientOf(allRoutes, { ...deps, idempotency: { ...deps.idempotency, get } });
      const headers = keyed("the key of the caller");
      const made = await client("POST", `/v1/organization/${tenant.organization.id}/api-keys`, {
        token: tenant.user.token,
        body: { name: "Turnstiles", project_ids: null },
        headers,
      });
      assertFirst(made);
      const [id = ""] = ids;
      assert.match(id, /^[0-9a-f]{64}$/);
      const stored = (await db().doc(`idempotency/${id}`).get()).data() ?? {};
      assert.deepEqual(Object.keys(stored).sort(), ["expires_at", "kid", "sealed"]);
      const bytes = Buffer.concat([stored["sealed"], Buffer.from(JSON.stringify(stored))]);
      const secret = made.body.key.split(".")[1];
      for (const word of [secret, made.body.id, "Turnstiles", "project_ids", headers["Idempotency-Key"]]) {
        for (const spelt of [
          word,
          Buffer.from(word)
            .toString("base64")
            .replace(/..?=*$/, ""),
        ]) {
          assert.ok(!bytes.includes(spelt), `${spelt} can be read`);
        }
      }
      const other = id.replaceAll(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16));
      await db().doc(`idempotency/${other}`).create(stored);
      assert.equal((await deps.idempotency.get(id))?.value.text, made.text);
      await assert.rejects(deps.idempotency.get(other), /unable to authenticate/);
    });

    it("is answered for 24 hours, and then replaced", async () => {
      const start = Date.now();
      let passed = 0;
      const client = clientOf(allRoutes, { ...deps, now: () => new Date(start + passed) });
      const headers = keyed();
      const create = () => client("POST", path, { token: tenant.key, body: { name: "Ada" }, headers });
      const first = await create();
      assertFirst(first);
      passed = DAY - 1;
      assertReplay(await create(), first);
      passed = DAY;
      const second = await create();
      assertFirst(second);
      assert.notEqual(second.body.id, first.body.id);
      passed = 2 * DAY - 1;
      assertReplay(await create(), second);
    });

    it("takes effect all the same when its expired record is deleted just then", async () => {
      const headers = keyed();
      const body = { external_id: "1" };
      const long = { ...deps, now: () => new Date(Date.now() - DAY) };
      assertFirst(
        await clientOf(allRoutes, long)("POST", path, { token: tenant.key, body: { name: "Ada" }, headers }),
      );
      const get = async (id: string) => {
        const found = await deps.idempotency.get(id);
        if (found) await db().doc(`idempotency/${id}`).delete();
        return found;
      };
      const client = clientOf(allRoutes, { ...deps, idempotency: { ...deps.idempotency, get } });
      const made = await client("POST", path, { token: tenant.key, body, headers });
      assertFirst(made);
      assertReplay(await post(body, headers), made);
    });

    it("refuses another body, to the byte, and does nothing", async () => {
      const headers = keyed();
      const raw = (body: string) => post(Buffer.from(body), headers);
      const first = await raw('{"name":"Ada"}');
      assertFirst(first);
      const { result, added } = await adding(tenant, async () => [
        await raw('{"name":"Eve"}'),
        await raw('{"name": "Ada"}'),
        await raw(""),
      ]);
      for (const answer of result) assertProblem(answer, 409, "idempotency_mismatch");
      assert.deepEqual(added, {});
      assertReplay(await raw('{"name":"Ada"}'), first);
    });

    it("is asked after the input is found valid, and before what the body names is looked up", async () => {
      const headers = keyed();
      const { id: member_id } = (await post({}, {})).body;
      assertFirst(await enroll({ member_id, samples: [{ image: imageOf(61_000) }] }, headers));
      assertProblem(await enroll({ member_id }, headers), 400, "invalid_request");
      const nobody = { member_id: randomUUID(), samples: [{ image: imageOf(61_000) }] };
      assertProblem(await enroll(nobody, headers), 409, "idempotency_mismatch");
      assertProblem(await enroll(nobody, keyed()), 404, "not_found");
    });

    it("is not there of a request that was refused: put right, it takes the same key", async () => {
      const [first, second, third] = [keyed(), keyed(), keyed()];
      assertProblem(await post({ name: "" }, first), 400, "invalid_request");
      const ada = await post({ name: "Ada", external_id: "1" }, first);
      assertFirst(ada);

      assertProblem(await post({ external_id: "1" }, second), 409, "conflict");
      assertFirst(await post({ external_id: "2" }, second));

      const samples = [{ image: imageOf(62_000) }];
      assertProblem(await enroll({ member_id: randomUUID(), samples }, third), 404, "not_found");
      assertFirst(await enroll({ member_id: ada.body.id, samples }, third));
    });

    it("is another one of another owner, path or method", async () => {
      const headers = keyed();
      const body = { name: "Ada" };
      const put: Route = { ...(createMember as Route), method: "PUT", operationId: "put" };
      const client = clientOf([createMember as Route, put], deps);
      const beside = { ...tenant.project, id: randomUUID() };
      await deps.commit([deps.projects.create(beside)]);
      const { added } = await adding(tenant, async () => {
        assertFirst(await client("POST", path, { token: tenant.key, body, headers }));
        assertFirst(await client("POST", path, { token: tenant.user.token, body, headers }));
        assertFirst(await client("PUT", path, { token: tenant.key, body, headers }));
        const there = `/v1/project/${beside.id}/members`;
        assertFirst(await client("POST", there, { token: tenant.key, body, headers }));
      });
      assert.deepEqual(added, { members: 3, audit: 4 });
    });

    it("is another one of another API key of the same organization", async () => {
      const headers = keyed();
      const { key } = await newApiKey(deps, { organization_id: tenant.organization.id, project_ids: null });
      const { result, added } = await adding(tenant, async () => {
        const first = await post({ name: "Ada" }, headers);
        // Neither a replay nor a 409: one key does not take an Idempotency-Key from another.
        const second = await post({ name: "Eve" }, headers, { token: key });
        return [first, second] as const;
      });
      const [first, second] = result;
      assertFirst(first);
      assertFirst(second);
      assert.deepEqual([first.body.name, second.body.name], ["Ada", "Eve"]);
      assert.deepEqual(added, { members: 2, audit: 2 });
      assertReplay(await post({ name: "Ada" }, headers), first);
      assertReplay(await post({ name: "Eve" }, headers, { token: key }), second);
    });

    it("is another one of the key that a rotation made, and the old key keeps its own", async () => {
      const organization_id = tenant.organization.id;
      const old = await newApiKey(deps, { organization_id, project_ids: null });
      const headers = keyed();
      const first = await post({ name: "Ada" }, headers, { token: old.key });
      assertFirst(first);
      const rotated = await api(
        "POST",
        `/v1/organization/${organization_id}/api-keys/${old.record.id}/rotate`,
        {
          token: tenant.user.token,
          body: {},
        },
      );
      const second = await post({ name: "Ada" }, headers, { token: rotated.body.key });
      assertFirst(second);
      assert.notEqual(second.body.id, first.body.id);
      assertReplay(await post({ name: "Ada" }, headers, { token: old.key }), first);
      assertReplay(await post({ name: "Ada" }, headers, { token: rotated.body.key }), second);
    });

    it("of the time when an organization owned it is left to expire: no key replays it or trips over it", async () => {
      const headers = keyed();
      const owner = `organization:${tenant.organization.id}`;
      const id = sha256([owner, "POST", path, headers["Idempotency-Key"]].join("\n"));
      await deps.commit([
        deps.idempotency.create({
          id,
          body_hash: sha256(JSON.stringify({ name: "Ada" })),
          status: 201,
          text: '{"secret":"of the former owner"}',
          expires_at: new Date(Date.now() + DAY),
        }),
      ]);
      const { key } = await newApiKey(deps, { organization_id: tenant.organization.id, project_ids: null });
      for (const [token, name] of [
        [tenant.key, "Ada"],
        [key, "Eve"],
      ] as const) {
        const made = await post({ name }, headers, { token });
        assertFirst(made);
        assertReplay(await post({ name }, headers, { token }), made);
      }
    });

    it("answers without the person's data once the member is deleted", async () => {
      const headers = keyed();
      const person = {
        name: "Ada Lovelace",
        external_id: "staff-7",
        email: "ada@example.com",
        phone_number: "+442079460958",
        metadata: { department: "Engines" },
      };
      const first = await post(person, headers);
      assertFirst(first);
      const changed = await api("PATCH", `${path}/${first.body.id}`, {
        token: tenant.key,
        body: { name: "A." },
      });
      assert.equal(changed.status, 200);
      assertReplay(await post(person, headers), first);
      const deleted = await api("DELETE", `${path}/${first.body.id}`, { token: tenant.key });
      assert.equal(deleted.status, 204);
      const replay = await post(person, headers);
      assert.deepEqual([replay.status, replayed(replay)], [201, "true"]);
      assert.deepEqual(replay.body, {
        ...first.body,
        ...{ name: null, external_id: null, email: null, phone_number: null, metadata: {} },
      });
      assertProblem(await post({ ...person, name: "Eve" }, headers), 409, "idempotency_mismatch");
    });

    it("answers a request that took effect and was not heard of", async () => {
      const once = (lost: number): Commit => {
        let left = lost;
        return async (writes, effect) => {
          const outcome = await deps.commit(writes, effect);
          if (left-- > 0) throw unavailable();
          return outcome;
        };
      };
      const headers = keyed();
      const { result, added } = await adding(tenant, () =>
        clientOf(allRoutes, { ...deps, commit: once(1) })("POST", path, {
          token: tenant.key,
          body: { external_id: "1" },
          headers,
        }),
      );
      assert.deepEqual([result.status, result.body.external_id], [201, "1"]);
      assertReplay(await post({ external_id: "1" }, headers), result);
      assert.deepEqual(added, { members: 1, externalids: 1, audit: 1 });
    });

    it("is for operations that say so: the others do not look at the header", async () => {
      const { id } = (await post({}, {})).body;
      const image = { image: imageOf(63_000) };
      for (const key of ["same", "same", "", "x".repeat(256)]) {
        const patched = await api("PATCH", `${path}/${id}`, {
          token: tenant.key,
          body: { name: `Ada ${key.length}` },
          headers: keyed(key),
        });
        assert.deepEqual([patched.status, patched.body.name], [200, `Ada ${key.length}`]);
        const asked = await post(image, keyed(key), { path: `/v1/project/${tenant.project.id}/identify` });
        assert.deepEqual([asked.status, asked.body.outcome], [200, "no_match"]);
        assert.deepEqual([replayed(patched), replayed(asked)], [null, null]);
      }
    });

    for (const [what, key] of [
      ["none", ""],
      ["256 characters", "x".repeat(256)],
      ["a letter beyond ASCII, in Latin-1", "caf\u00e9"],
      ["a letter beyond ASCII, in UTF-8", Buffer.from("café").toString("latin1")],
      ["a tab", "a\tb"],
    ] as const) {
      it(`refuses a key of ${what}, and names it beside other faults`, async () => {
        const fault = {
          path: "Idempotency-Key",
          message: "is not 1 to 255 characters of printable ASCII",
        };
        const alone = await post({}, keyed(key));
        assertProblem(alone, 400, "invalid_request");
        assert.deepEqual(alone.body.errors, [fault]);
        const both = await post({ name: "" }, keyed(key));
        assert.deepEqual(both.body.errors, [{ path: "name", message: "is empty" }, fault]);
      });
    }

    it("takes keys of 1 to 255 printable characters as they are, each for itself", async () => {
      for (const key of ["x", "X", "a b", `"${"~".repeat(253)}"`]) assertFirst(await post({}, keyed(key)));
    });
  });
});
