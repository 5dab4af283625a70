import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { createIdentityTokens, openAuth } from "../../functions/src/data/identity.ts";
import { PERMISSIONS, type Permission } from "../../functions/src/domain/apikey/permission.ts";
import { type KeyKind, newKey, parseKey } from "../../functions/src/domain/credential/key.ts";
import { Checks } from "../../functions/src/domain/health/checkHealth.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { enrollPalm } from "../../functions/src/domain/palm/enrollPalm.ts";
import { createApp } from "../../functions/src/http/app.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { held } from "../support/contract.ts";
import { db } from "../support/firestore.ts";
import { encodePng, newSample, syntheticPalm } from "../support/palms.ts";
import { newDelivery, newDeviceWithKey, newRegistration, newSession, newWebhook } from "../support/rows.ts";
import { newUser, signUp } from "../support/suite.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** A request id that is the same everywhere, so that answers can be compared byte for byte. */
const SAME = { "X-Request-Id": "same" };

/** A tenant and one of everything that a path can name. */
interface World extends Tenant {
  ids: Record<string, string>;
  revoked: string;
  deviceKey: string;
  claimToken: string;
}

describe("Every route", () => {
  let deps: Deps;
  let api: Client;
  let own: World;
  let foreign: World;

  before(async () => {
    deps = await openDeps();
    const checks = new Checks([], () => performance.now());
    const app = createApp(allRoutes, { ...deps, checks });
    api = held(createClient((request) => app.fetch(request)));
    own = await newWorld(deps);
    foreign = await newWorld(deps);
  });

  const fill = (route: Route, ids: Record<string, string>): string =>
    route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const id = ids[name];
      if (id === undefined) throw new Error(`no id for {${name}} of ${route.operationId}: extend newWorld`);
      return id;
    });
  const call = (
    route: Route,
    ids: Record<string, string>,
    headers: Record<string, string>,
  ): Promise<Answer> => api(route.method, fill(route, ids), { headers: { ...SAME, ...headers } });
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  /** The credential that the route accepts first. */
  const accepted = (route: Route, world: World): string => tokenOf(world, route.auth[0] as Credential);
  const tokenOf = ({ user, key, deviceKey, claimToken }: World, kind: Credential): string =>
    ({ firebase: user.token, apiKey: key, deviceKey, claimToken })[kind];

  /** One key for each set of permissions: none of them has an effect where it is refused. */
  const keys = new Map<string, Promise<{ key: string }>>();
  const keyWith = async ({ organization }: World, permissions: readonly Permission[]): Promise<string> => {
    const name = [organization.id, ...permissions].join();
    const made =
      keys.get(name) ?? newApiKey(deps, { organization_id: organization.id, project_ids: null, permissions });
    keys.set(name, made);
    return (await made).key;
  };

  for (const route of allRoutes) {
    const params = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);

    describe(`${route.method} ${route.path}`, () => {
      if (route.auth === "public") {
        it("is public: it answers whatever the credential", async () => {
          for (const headers of [{}, { Authorization: "nonsense" }, bearer(own.revoked)]) {
            assert.equal((await call(route, {}, headers)).status, route.status);
          }
        });
        return;
      }
      const auth = route.auth;

      it("refuses a missing or malformed credential with the same 401", async () => {
        const { key } = own;
        const flipped = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
        const unknown = (
          await newApiKey(
            { ...deps, commit: async () => "committed" },
            { organization_id: own.organization.id, project_ids: null },
          )
        ).key;
        const answers: Answer[] = [];
        for (const authorization of [
          undefined,
          "",
          "Bearer",
          "Bearer ",
          `Basic ${key}`,
          `Bearer ${key} ${key}`,
          key,
          "Bearer nonsense",
          "Bearer a.b.c",
          `Bearer ${own.user.token.split(".").slice(0, 2).join(".")}.x.y`,
          `Bearer ${flipped}`,
          `Bearer ${key.slice(0, -1)}`,
          `Bearer ${key.replace("pg_", "pd_")}`,
          `Bearer ${unknown}`,
          `Bearer ${withOtherSecret("pg", key)}`,
          `Bearer ${withOtherSecret("pd", own.deviceKey)}`,
          `Bearer ${newKey("pd", randomUUID()).key}`,
          `Bearer ${withOtherSecret("pt", own.claimToken)}`,
          `Bearer ${newKey("pt", randomUUID()).key}`,
          `Bearer ${own.revoked}`,
        ]) {
          const answer = await call(
            route,
            own.ids,
            authorization === undefined ? {} : { Authorization: authorization },
          );
          assertProblem(answer, 401, "unauthenticated");
          assert.equal(answer.headers.get("www-authenticate"), "Bearer", authorization);
          answers.push(answer);
        }
        assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      });

      for (const kind of ["firebase", "apiKey", "deviceKey", "claimToken"] as const) {
        if (auth.includes(kind)) continue;
        it(`refuses a ${kind} credential with 403, even where its owner has no business`, async () => {
          for (const world of [own, foreign]) {
            assertProblem(await call(route, own.ids, bearer(tokenOf(world, kind))), 403, "forbidden");
          }
        });
      }

      for (const param of params) {
        it(`answers alike for a missing, foreign and malformed ${param}`, async () => {
          const texts = new Set<string>();
          const foreignId = foreign.ids[param] ?? "";
          for (const id of [
            randomUUID(),
            foreignId,
            foreignId.toUpperCase(),
            "x",
            "..%2f..",
            "%F0%9F%96%90",
          ]) {
            const answer = await call(route, { ...own.ids, [param]: id }, bearer(accepted(route, own)));
            assertProblem(answer, 404, "not_found");
            assert.ok(!answer.text.includes(id), "the answer repeats the id");
            texts.add(answer.text);
          }
          assert.equal(texts.size, 1);
        });

        it(`answers a missing ${param} before it looks at query and body`, async () => {
          const path = `${fill(route, { ...own.ids, [param]: randomUUID() })}?unknown=1`;
          const headers = { ...bearer(accepted(route, own)), "Content-Type": "text/plain" };
          const body = ["POST", "PUT", "PATCH"].includes(route.method) ? { body: { unknown: 1 } } : {};
          assertProblem(await api(route.method, path, { ...body, headers }), 404, "not_found");
        });
      }

      if (params.length > 0) {
        it("answers another organization's credential as if nothing were there", async () => {
          for (const kind of auth) {
            const token = tokenOf(foreign, kind);
            const there = await call(route, own.ids, bearer(token));
            const missing = await call(
              route,
              Object.fromEntries(params.map((name) => [name, randomUUID()])),
              bearer(token),
            );
            assertProblem(there, 404, "not_found");
            assert.equal(there.text, missing.text);
            // What is left of a caller's own budget says nothing of others.
            for (const { headers } of [there, missing]) headers.delete("RateLimit");
            assert.deepEqual([...there.headers], [...missing.headers]);
          }
        });
      }

      if (route.scope !== "organization" && params.length > 0 && auth.includes("apiKey")) {
        it("does not open to a key of other projects of the same organization", async () => {
          const { key } = await newApiKey(deps, {
            organization_id: own.organization.id,
            project_ids: [randomUUID()],
          });
          assertProblem(await call(route, own.ids, bearer(key)), 404, "not_found");
        });
      }

      if (auth.includes("firebase")) {
        it("answers a user without a verified address like one without an organization", async () => {
          const { ids, organization } = await newWorld(deps);
          const unverified = await signUp(`${randomUUID()}@tenant.example`);
          await db()
            .collection("organizations")
            .doc(organization.id)
            .update({ admins: [unverified.uid] });
          const nobody = await newUser(`${randomUUID()}@tenant.example`);
          const [there, expected] = [unverified, nobody].map(({ token }) => call(route, ids, bearer(token)));
          const answer = await there;
          assert.equal(answer?.text, (await expected)?.text);
          if (params.length > 0) assertProblem(answer as Answer, 404, "not_found");
          else assert.deepEqual([answer?.status, answer?.body], [200, []]);
        });

        it("refuses a user without a second factor where the deployment requires one", async () => {
          const strict = createApp([route], {
            ...deps,
            checks: new Checks([], () => performance.now()),
            identityTokens: createIdentityTokens(openAuth("demo-palmgate-test"), {
              requireSecondFactor: true,
            }),
          });
          const client = held(createClient((request) => strict.fetch(request)));
          const answer = await client(route.method, fill(route, own.ids), { token: own.user.token });
          assertProblem(answer, 403, "forbidden");
          assert.match(answer.body.detail, /second factor/);
        });
      }

      if (auth.includes("firebase") && params.length > 0) {
        it("does not open to somebody who was an admin until now", async () => {
          const { ids, user, organization } = await newWorld(deps);
          assert.notEqual((await call(route, ids, bearer(user.token))).status, 404);
          await db().collection("organizations").doc(organization.id).update({ admins: [] });
          assertProblem(await call(route, ids, bearer(user.token)), 404, "not_found");
        });
      }

      const { permission } = route;
      if (permission) {
        it(`refuses API keys that have any other permission only, and names ${permission}`, async () => {
          for (const other of PERMISSIONS.filter((one) => one !== permission)) {
            const token = await keyWith(own, [other]);
            const refused = await call(route, own.ids, bearer(token));
            assertProblem(refused, 403, "forbidden");
            assert.equal(
              refused.body.detail,
              `The API key does not have the permission ${permission}.`,
              other,
            );
            // Nor does it learn whether anything is there.
            const missing = Object.fromEntries(params.map((name) => [name, randomUUID()]));
            assert.equal((await call(route, missing, bearer(token))).text, refused.text, other);
          }
        });

        it(`refuses an API key that has all permissions but ${permission}`, async () => {
          const token = await keyWith(
            own,
            PERMISSIONS.filter((one) => one !== permission),
          );
          assertProblem(await call(route, own.ids, bearer(token)), 403, "forbidden");
        });

        it(`opens to an API key that has only ${permission}`, async () => {
          const world = await newWorld(deps);
          const answer = await call(route, world.ids, bearer(await keyWith(world, [permission])));
          assert.ok(![401, 403, 404, 405].includes(answer.status) && answer.status < 500, answer.text);
        });

        it("refuses an API key that has expired", async () => {
          const expires_at = new Date(Date.now() - 1);
          const { key } = await newApiKey(deps, {
            organization_id: own.organization.id,
            project_ids: null,
            expires_at,
          });
          assertProblem(await call(route, own.ids, bearer(key)), 401, "unauthenticated");
        });
      }

      it("opens to its credential", async () => {
        for (const kind of auth) {
          const world = await newWorld(deps);
          const answer = await call(route, world.ids, bearer(tokenOf(world, kind)));
          assert.ok(![401, 403, 404, 405].includes(answer.status) && answer.status < 500, answer.text);
        }
      });
    });
  }
});

async function newWorld(deps: Deps): Promise<World> {
  const tenant = await newTenant(deps);
  const organization_id = tenant.organization.id;
  const { key: revoked, record } = await newApiKey(deps, {
    organization_id,
    project_ids: null,
    revoked_at: new Date(),
  });
  const member = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
  const image = encodePng(syntheticPalm({ seed: 1 }));
  const palm = await enrollPalm(deps, { ...tenant, member_id: member.id, samples: [newSample(image)] });
  const project_id = tenant.project.id;
  const device_id = randomUUID();
  const session = newSession({ device_id, project_id, member_id: member.id });
  const { device, key: deviceKey } = newDeviceWithKey({ id: device_id, project_id, session });
  const { registration, claimToken } = newRegistration();
  const webhook = newWebhook(deps, { project_id });
  const delivery = newDelivery({ project_id, webhook_id: webhook.id });
  await deps.commit([
    deps.devices.create(device),
    deps.registrations.create(registration),
    deps.webhooks.create(webhook),
    deps.deliveries.create(delivery),
  ]);
  const ids = {
    org_id: organization_id,
    project_id,
    key_id: record.id,
    member_id: member.id,
    palm_id: palm.id,
    device_id,
    session_id: session.id,
    webhook_id: webhook.id,
    delivery_id: delivery.id,
  };
  return { ...tenant, ids, revoked, deviceKey, claimToken };
}

/** A key of the same record with another secret and a right checksum. */
function withOtherSecret(kind: KeyKind, key: string): string {
  const parsed = parseKey(kind, key);
  if (!parsed) throw new Error("not a key");
  return newKey(kind, parsed.id).key;
}
