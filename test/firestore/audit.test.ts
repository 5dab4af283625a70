import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  type AllDeps,
  EXAMPLES,
  type Example,
  newMember,
  newPlaces,
  newTerminal,
  type Places,
} from "../../bench/cost/requests.ts";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { healthDeps } from "../../functions/src/deps.ts";
import type { AuditEntry } from "../../functions/src/domain/audit/audit.ts";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import { unavailable } from "../../functions/src/domain/errors.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { MAX_WEBHOOKS } from "../../functions/src/domain/webhook/webhook.ts";
import { PROBLEMS } from "../../functions/src/http/problem.ts";
import type { Credential, Route } from "../../functions/src/http/route.ts";
import type { Answer, Client } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { clientOf, examplesOf, type Prepared, prepare, send } from "../support/requests.ts";
import { NOWHERE, newDelivery, newWebhook } from "../support/rows.ts";
import { NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** What operations refuse with 409. */
const CONFLICTS: Record<string, NonNullable<Example["send"]>> = {
  async enrollPalm(places) {
    const enrolled = EXAMPLES["enrollPalm"]?.find(({ which }) => which === "a palm that the member has");
    const { body } = (await enrolled?.send?.(places)) ?? {};
    const project_id = places.busy.project.id;
    const { id: member_id } = await createMember(places.deps, { project_id, fields: NOBODY });
    return { body: { ...(body as object), member_id } };
  },
  async registerDevice(places) {
    const { deps, busy } = places;
    const [example] = EXAMPLES["registerDevice"] ?? [];
    const organization = await deps.organizations.get(busy.organization.id);
    assert.ok(organization);
    const full = { ...organization.value, device_count: deps.deviceLimits[organization.value.plan] };
    await deps.commit([deps.organizations.replace(organization, full)]);
    return (await example?.send?.(places)) ?? {};
  },
  async createMember(places) {
    return { body: { external_id: await taken(places) } };
  },
  async updateMember(places) {
    return { body: { external_id: await taken(places) } };
  },
  async updateMemberPut(places) {
    return { body: { external_id: await taken(places) } };
  },
  async rotateApiKey({ deps, busy }) {
    const { key_id = "" } = busy.ids;
    const stored = await deps.apiKeys.get(key_id);
    assert.ok(stored);
    const id = randomUUID();
    await deps.commit([deps.apiKeys.create({ ...stored.value, id, revoked_at: new Date() })]);
    return { ids: { key_id: id }, body: {} };
  },
  async updateServerLookup({ deps, busy }) {
    const id = randomUUID();
    const project = { ...busy.project, id, environment_id: null, server_lookup_enabled: false };
    await deps.commit([deps.projects.create(project)]);
    return { ids: { project_id: id }, body: { enabled: true } };
  },
  async createWebhook(places) {
    const project_id = await fullOfWebhooks(places);
    return { ids: { project_id }, body: { url: NOWHERE, event_types: ["enrollment.completed"] } };
  },
  async startEnrollment(places) {
    const { id: member_id } = await newMember(places);
    return { ids: { device_id: (await newTerminal(places, {})).id }, body: { member_id } };
  },
  testWebhook: async (places) => ({ ids: await disabled(places), body: {} }),
  retryDelivery: async (places) => ({ ids: await disabled(places), body: {} }),
  recoverDeliveries: async (places) => ({
    ids: await disabled(places),
    body: { since: new Date().toISOString() },
  }),
};

/** A project whose places for webhooks are all taken. */
async function fullOfWebhooks({ deps, busy }: Places): Promise<string> {
  const id = randomUUID();
  const rows = Array.from({ length: MAX_WEBHOOKS }, (_, slot) => newWebhook(deps, { project_id: id, slot }));
  await deps.commit([
    deps.projects.create({ ...busy.project, id }),
    ...rows.map((row) => deps.webhooks.takeSlot(row)),
  ]);
  return id;
}

/** A webhook that is disabled, and a delivery of it. */
async function disabled({ deps, busy }: Places): Promise<Record<string, string>> {
  const project_id = busy.project.id;
  const webhook = newWebhook(deps, { project_id, enabled: false });
  const delivery = newDelivery({ project_id, webhook_id: webhook.id });
  await deps.commit([deps.webhooks.create(webhook), deps.deliveries.create(delivery)]);
  return { webhook_id: webhook.id, delivery_id: delivery.id };
}

async function taken({ deps, busy }: Places): Promise<string> {
  const external_id = randomUUID();
  const member = { id: randomUUID(), project_id: busy.project.id };
  await deps.commit([deps.members.claimExternalId(member as never, external_id)]);
  return external_id;
}

const ACTORS = {
  firebase: "a user",
  apiKey: "an API key",
  deviceKey: "a device",
  claimToken: "nobody",
} as const;
/** What the path calls the thing that is changed. */
const nameOf = (route: Route) => (route.audits === "api_key" ? "key_id" : `${route.audits}_id`);

describe("The audit log", () => {
  let deps: AllDeps;
  let api: Client;
  /** The same where nothing can be written, which is nobody's news. */
  let down: Client;

  before(async () => {
    deps = { ...(await openDeps()), checks: (await healthDeps()).checks };
    api = clientOf(allRoutes, deps);
    const log = { warn: () => undefined, error: () => undefined };
    down = clientOf(allRoutes, { ...deps, log, commit: () => Promise.reject(unavailable()) });
  });

  const range = () => ({ from: new Date(0), to: new Date(Date.now() + 60_000) });
  const countOf = (organization_id: string) => deps.audit.ofOrganization(organization_id, range()).count();
  const entriesOf = ({ organization }: Tenant): Promise<AuditEntry[]> =>
    deps.audit.ofOrganization(organization.id, range()).slice({ limit: 100 });

  /** Replacing a palm has a name of its own. */
  const operationOf = ({ operationId }: Route, which: string | undefined) =>
    which === "a palm that the member has" ? `${operationId}.replace` : operationId;

  function entryOf(
    { route, ids }: Prepared,
    credential: Credential,
    places: Places,
    answer: Answer,
    which?: string,
  ) {
    const { busy } = places;
    const inProject = route.scope !== "organization";
    const actors = {
      firebase: { type: "user", id: busy.user.uid },
      apiKey: { type: "api_key", id: parseKey("pg", busy.key)?.id },
      deviceKey: { type: "device", id: parseKey("pd", busy.deviceKey)?.id },
      claimToken: undefined,
    };
    return {
      organization_id: busy.organization.id,
      project_id: inProject ? ids["project_id"] : null,
      actor: actors[credential],
      operation: operationOf(route, which),
      target: {
        type: route.audits,
        id: route.path.includes(`{${nameOf(route)}}`)
          ? ids[nameOf(route)]
          : (answer.body?.id ?? answer.body?.[nameOf(route)] ?? ids[nameOf(route)]),
      },
      client_request_id: answer.headers.get("x-request-id"),
    };
  }

  it("reads an entry of before callers' ids were stored", async () => {
    const tenant = await newTenant(deps);
    await api("POST", `/v1/project/${tenant.project.id}/members`, { token: tenant.key, body: {} });
    const [expected] = await entriesOf(tenant);
    assert.ok(expected);
    const { docs } = await db().collection(`organizations/${tenant.organization.id}/audit`).get();
    const { client_request_id: _, ...old } = docs[0]?.data() ?? {};
    await docs[0]?.ref.set(old);
    assert.deepEqual(await entriesOf(tenant), [expected]);
    assert.equal(expected.client_request_id, null);
    assert.match(expected.request_id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  });

  it("keeps an entry for 400 days", async () => {
    const tenant = await newTenant(deps);
    const { id } = tenant.organization;
    await api("POST", `/v1/project/${tenant.project.id}/members`, { token: tenant.key, body: {} });
    const [{ created_at } = { created_at: new Date(0) }] = await entriesOf(tenant);
    const { docs } = await db().collection(`organizations/${id}/audit`).get();
    const expiries = docs.map((doc) => doc.data()["expires_at"].toMillis());
    assert.deepEqual(expiries, [created_at.getTime() + 400 * 24 * 60 * 60_000]);
  });

  for (const route of allRoutes) {
    if (route.auth === "public") continue;
    const { operationId, auth, audits } = route;

    if (!audits) {
      it(`has nothing of ${operationId}`, async () => {
        const places = await newPlaces(deps, examplesOf(route));
        const count = () =>
          Promise.all([places.busy, places.full].map(({ organization }) => countOf(organization.id)));
        const before = await count();
        for (const credential of auth) {
          for (const example of examplesOf(route)) {
            const answer = await send(api, await prepare(places, route, example, credential));
            assert.equal(answer.status, route.status, answer.text);
          }
        }
        assert.deepEqual(await count(), before);
      });
      continue;
    }

    for (const credential of auth) {
      it(`has one entry of each ${operationId} by ${ACTORS[credential]}`, async () => {
        const places = await newPlaces(deps, examplesOf(route));
        for (const example of examplesOf(route)) {
          const before = await entriesOf(places.busy);
          const request = await prepare(places, route, example, credential);
          const client_request_id = `caller.${operationId}`;
          const headers = { "Idempotency-Key": randomUUID(), "X-Request-Id": client_request_id };
          const started = Date.now();
          const answer = await send(api, request, { headers });
          assert.equal(answer.status, route.status, answer.text);
          if (route.idempotent) {
            const again = await send(api, request, { headers });
            assert.deepEqual(
              [again.status, again.text, again.headers.get("Idempotency-Replayed")],
              [answer.status, answer.text, "true"],
            );
          }
          const known = before.map(({ id }) => id);
          const added = (await entriesOf(places.busy)).filter(({ id }) => !known.includes(id));
          const [{ id, created_at, request_id } = { id: "", created_at: new Date(0), request_id: "" }] =
            added;
          const expected = {
            id,
            created_at,
            request_id,
            ...entryOf(request, credential, places, answer, example.which),
          };
          assert.deepEqual(added, [expected]);
          assert.equal(expected.client_request_id, client_request_id);
          assert.match(request_id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
          assert.ok(!before.some((one) => one.request_id === request_id), "a caller cannot choose it");
          assert.ok(started <= Number(created_at) && Number(created_at) <= Date.now());
        }
      });
    }

    it(`has nothing of ${operationId} where it was refused, or failed`, async () => {
      const places = await newPlaces(deps, examplesOf(route));
      const [credential] = auth;
      const refused = async (request: Prepared, client: Client, status: number, more = {}) => {
        const answer = await send(client, request, more);
        assert.equal(answer.status, status, answer.text);
        assert.deepEqual(await entriesOf(places.busy), [], `it has an entry of a ${status}`);
      };
      for (const example of examplesOf(route)) {
        const request = await prepare(places, route, example, credential);
        const last = route.path.split(/[{}]/).at(-2) ?? "";
        await refused(request, api, 404, { ids: { [last]: randomUUID() } });
        await refused(request, api, 400, { query: "?unknown=1" });
        await refused(request, down, 503);
      }
      if (!route.errors.some((code) => PROBLEMS[code].status === 409)) return;
      const conflicting = CONFLICTS[operationId];
      assert.ok(conflicting, `${operationId} has no example of a conflict`);
      await refused(await prepare(places, route, { send: conflicting }, credential), api, 409);
    });
  }
});
