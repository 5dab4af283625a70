import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "../../functions/src/domain/delivery/delivery.ts";
import { MAX_WEBHOOKS } from "../../functions/src/domain/webhook/webhook.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { NOWHERE, newAttempt, newDelivery, newTestEvent, newWebhook, store } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const DAY = 24 * 60 * 60_000;
const MINUTE = 60_000;

/** What a webhook is made of here; nothing is ever sent to it. */
const FIELDS = {
  url: "https://8.8.8.8/hooks?from=palmgate",
  event_types: ["demo.scan.success"],
  enabled: false,
  description: "Turnstiles, ground floor",
};

const pathsOf = ({ body }: Answer): string[] => body.errors.map(({ path }: { path: string }) => path);
const idsOf = ({ body }: Answer): string[] => (body.items ?? body).map(({ id }: { id: string }) => id);

describe("Webhooks", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let project: string;
  let path: string;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
    project = `/v1/project/${tenant.project.id}`;
    path = `${project}/webhooks`;
  });

  const call = (method: string, at: string, body?: unknown, headers: Record<string, string> = {}) =>
    api(method, at, { token: tenant.key, headers, ...(body === undefined ? {} : { body }) });
  const create = (fields: object = {}, headers?: Record<string, string>) =>
    call("POST", path, { ...FIELDS, ...fields }, headers);
  const created = async (fields?: object) => {
    const made = await create(fields);
    assert.equal(made.status, 201, made.text);
    const { secret, ...webhook } = made.body;
    return { webhook, secret, at: `${path}/${webhook.id}` };
  };
  /** A webhook of the tenant's with deliveries, past the API. */
  const planted = async (
    more: Parameters<typeof newWebhook>[1] | object = {},
    ...rows: Partial<Delivery>[]
  ) => {
    const project_id = tenant.project.id;
    const webhook = newWebhook(deps, { project_id, ...more });
    await deps.commit([deps.webhooks.create(webhook)]);
    const deliveries = rows.map((row) => newDelivery({ project_id, webhook_id: webhook.id, ...row }));
    await store(deps, deps.deliveries, deliveries);
    return { webhook, deliveries, at: `${path}/${webhook.id}` };
  };

  describe("POST /v1/project/{project_id}/webhooks", () => {
    it("makes a webhook and shows its secret once; GET answers the same without it", async () => {
      for (const token of [tenant.user.token, tenant.key]) {
        const made = await api("POST", path, { token, body: FIELDS });
        assert.equal(made.status, 201, made.text);
        const { id, created_at, secret, ...rest } = made.body;
        assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
        assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        const webhook = {
          id,
          project_id: tenant.project.id,
          ...FIELDS,
          disabled_reason: null,
          created_at,
          updated_at: created_at,
        };
        assert.deepEqual({ id, created_at, ...rest }, webhook);
        for (const reader of [tenant.user.token, tenant.key]) {
          const got = await api("GET", `${path}/${id}`, { token: reader });
          assert.deepEqual([got.status, got.body], [200, webhook]);
        }
      }
    });

    it("makes an enabled one of a URL and event types alone, the URL in canonical form", async () => {
      const made = await call("POST", path, {
        url: " HTTPS://0x8.8.2056:443/a/../b%20c?d=é#e ",
        event_types: ["demo.scan.success", "enrollment.completed"],
      });
      const { id, created_at, secret } = made.body;
      assert.deepEqual(made.body, {
        id,
        project_id: tenant.project.id,
        url: "https://8.8.8.8/b%20c?d=%C3%A9#e",
        event_types: ["demo.scan.success", "enrollment.completed"],
        enabled: true,
        description: null,
        disabled_reason: null,
        created_at,
        updated_at: created_at,
        secret,
      });
    });

    const long = (length: number) => FIELDS.url + "x".repeat(length - FIELDS.url.length);

    it("takes the longest URL and description", async () => {
      const { webhook } = await created({ url: long(2048), description: "ü".repeat(500) });
      assert.deepEqual([webhook.url, webhook.description], [long(2048), "ü".repeat(500)]);
    });

    for (const [what, fields, paths] of [
      ["no URL", { url: undefined }, ["url"]],
      ["a URL that is no string", { url: 7 }, ["url"]],
      ["null for a URL", { url: null }, ["url"]],
      ["a URL of 2,049 characters, whatever it says", { url: "x".repeat(2049) }, ["url"]],
      ["no event types", { event_types: undefined }, ["event_types"]],
      ["an empty list of event types", { event_types: [] }, ["event_types"]],
      ["a number for event types", { event_types: 1 }, ["event_types"]],
      ["text for event types", { event_types: "demo.scan.success" }, ["event_types"]],
      ["an event type that is none", { event_types: ["demo.scan.success", "palm.read"] }, ["event_types.1"]],
      ["the event type of tests", { event_types: ["webhook.test"] }, ["event_types.0"]],
      ["an event type twice", { event_types: ["demo.scan.success", "demo.scan.success"] }, ["event_types.1"]],
      [
        "three event types",
        { event_types: ["demo.scan.success", "enrollment.completed", "demo.scan.success"] },
        ["event_types"],
      ],
      ["text for enabled", { enabled: "yes" }, ["enabled"]],
      ["a text for enabled", { enabled: "yes" }, ["enabled"]],
      ["an empty description", { description: "" }, ["description"]],
      ["a description of 501 characters", { description: "x".repeat(501) }, ["description"]],
      ["a description with a control character", { description: "a\u0007" }, ["description"]],
      ["an unknown field", { secret: "whsec_mine" }, ["secret"]],
      ["several at once", { url: 7, event_types: [], retries: 3 }, ["url", "event_types", "retries"]],
    ] as [string, object, string[]][]) {
      it(`refuses ${what} and says where`, async () => {
        const answer = await create(fields);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), paths);
      });
    }

    for (const url of [
      ...["", "nonsense", "http://example.com/", "https://10.0.0.1/", "https://[::1]/", "https://localhost/"],
      ...["https://u:p@8.8.8.8/", "https://8.8.8.8:22/", "https://api.palmgate.example/", "x".repeat(2048)],
      ...[
        "http://localhost:80/",
        "http://localhost:5201/",
        "http://127.0.0.1:8080/",
        "https://localhost:8080/",
      ],
    ]) {
      it(`refuses ${JSON.stringify(url.slice(0, 40))} as no destination, last of all refusals`, async () => {
        assertProblem(await create({ url }), 422, "destination_not_allowed");
        assertProblem(await create({ url, enabled: "yes" }), 400, "invalid_request");
      });
    }

    it("refuses a 26th, also where its URL would be refused, and takes it once a place is free", async () => {
      const first = await created();
      for (let more = 1; more < MAX_WEBHOOKS; more++) await created();
      assertProblem(await create(), 409, "limit_reached");
      assertProblem(await create({ url: "https://10.0.0.1/" }), 409, "limit_reached");
      assert.equal((await call("DELETE", first.at)).status, 204);
      await created();
      assertProblem(await create(), 409, "limit_reached");
      assert.equal((await call("GET", path)).body.length, MAX_WEBHOOKS);
    });

    it("answers an Idempotency-Key again with the same secret, and refuses it with another body", async () => {
      const headers = { "Idempotency-Key": randomUUID() };
      const first = await create({}, headers);
      const again = await create({}, headers);
      assert.deepEqual([first.status, again.status, again.text], [201, 201, first.text]);
      assert.equal(again.headers.get("Idempotency-Replayed"), "true");
      assertProblem(await create({ description: null }, headers), 409, "idempotency_mismatch");
      assert.equal((await call("GET", path)).body.length, 1);
    });
  });

  it("GET /v1/project/{project_id}/webhooks lists them newest first, without secrets", async () => {
    assert.deepEqual((await call("GET", path)).body, []);
    const made = [];
    for (const description of ["one", "two", "three"]) {
      made.push((await created({ description })).webhook);
      await sleep(2);
    }
    const listed = await call("GET", path);
    assert.deepEqual(listed.body, made.toReversed());
    assertProblem(await call("GET", `${path}?page=1`), 400, "invalid_request");
  });

  describe("PATCH /v1/project/{project_id}/webhooks/{webhook_id}", () => {
    for (const [field, value] of [
      ["url", "https://1.1.1.1/"],
      ["event_types", ["enrollment.completed"]],
      ["enabled", true],
      ["description", "Back door"],
      ["description", null],
    ] as const) {
      it(`sets ${field} to ${JSON.stringify(value)}, and leaves the rest`, async () => {
        const { webhook, at } = await created();
        const patched = await call("PATCH", at, { [field]: value });
        const { updated_at } = patched.body;
        assert.deepEqual(patched.body, { ...webhook, [field]: value, updated_at });
        assert.ok(updated_at > webhook.updated_at);
        assert.deepEqual((await call("GET", at)).body, patched.body);
      });
    }

    it("sets everything at once, the URL in canonical form", async () => {
      const { webhook, at } = await created();
      const fields = { event_types: ["enrollment.completed"], enabled: true, description: null };
      const patched = await call("PATCH", at, { url: "https://1.1.1.1:443/a/..", ...fields });
      const { updated_at } = patched.body;
      assert.deepEqual(patched.body, { ...webhook, url: "https://1.1.1.1/", ...fields, updated_at });
    });

    for (const [what, fields, paths] of [
      ["nothing", {}, [""]],
      ["null for a URL", { url: null }, ["url"]],
      ["a URL of 2,049 characters", { url: "x".repeat(2049) }, ["url"]],
      ["an empty list of event types", { event_types: [] }, ["event_types"]],
      ["an event type twice", { event_types: ["demo.scan.success", "demo.scan.success"] }, ["event_types.1"]],
      ["an event type that is none", { event_types: ["palm.read"] }, ["event_types.0"]],
      ["null for enabled", { enabled: null }, ["enabled"]],
      ["an empty description", { description: "" }, ["description"]],
      ["what only we say", { disabled_reason: null, secret: "x" }, ["disabled_reason", "secret"]],
    ] as [string, object, string[]][]) {
      it(`refuses ${what} and says where`, async () => {
        const { webhook, at } = await created();
        const answer = await call("PATCH", at, fields);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), paths);
        assert.deepEqual((await call("GET", at)).body, webhook);
      });
    }

    it("refuses a URL that is no destination, and changes nothing then", async () => {
      const { webhook, at } = await created();
      const answer = await call("PATCH", at, { url: "https://10.0.0.1/", enabled: true });
      assertProblem(answer, 422, "destination_not_allowed");
      assert.deepEqual((await call("GET", at)).body, webhook);
    });

    for (const disabled_reason of ["gone", "failing", "destination_not_allowed"] as const) {
      it(`shows that it was disabled as ${disabled_reason}, until it is enabled`, async () => {
        const { webhook, at } = await planted({ enabled: false, disabled_reason });
        const reason = async (fields: object) => (await call("PATCH", at, fields)).body.disabled_reason;
        assert.equal((await call("GET", at)).body.disabled_reason, disabled_reason);
        assert.equal(await reason({ description: "x" }), disabled_reason);
        assert.equal(await reason({ enabled: false }), disabled_reason);
        assert.equal(await reason({ enabled: true }), null);
        // What a customer disables needs no reason.
        assert.equal(await reason({ enabled: false }), null);
        assert.deepEqual(await call("GET", at).then(({ body }) => [body.id, body.enabled]), [
          webhook.id,
          false,
        ]);
      });
    }
  });

  it("DELETE /v1/project/{project_id}/webhooks/{webhook_id} deletes it with its history; twice is 404", async () => {
    const { deliveries, webhook, at } = await planted({}, {}, {});
    const [first] = deliveries;
    assert.ok(first);
    await deps.commit([deps.deliveries.createAttempt(first, newAttempt())]);
    const deleted = await call("DELETE", at);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
    assertProblem(await call("DELETE", at), 404, "not_found");
    for (const below of ["", "/deliveries", `/deliveries/${first.id}/attempts`]) {
      assertProblem(await call("GET", at + below), 404, "not_found");
    }
    assertProblem(await call("PATCH", at, { description: "x" }), 404, "not_found");
    assert.deepEqual((await call("GET", path)).body, []);
    assert.equal(await deps.webhooks.again(webhook), undefined);
  });

  it("answers another project's webhook, and another webhook's delivery, like missing ones", async () => {
    const foreign = await newTenant(deps);
    const there = newWebhook(deps, { project_id: foreign.project.id });
    const beside = { ...tenant.project, id: randomUUID() };
    const aside = newWebhook(deps, { project_id: beside.id });
    const own = await planted({}, {});
    const other = await planted({}, {});
    const [delivery] = other.deliveries;
    const elsewhere = newDelivery({ project_id: foreign.project.id, webhook_id: there.id });
    await deps.commit([
      deps.webhooks.create(there),
      deps.deliveries.create(elsewhere),
      deps.projects.create(beside),
      deps.webhooks.create(aside),
    ]);
    const headers = { "X-Request-Id": "same" };
    const webhooks = [randomUUID(), there.id, aside.id, own.webhook.id.toUpperCase(), "x"];
    const places = [
      ...webhooks.map((id) => `${path}/${id}`),
      ...webhooks.map((id) => `${path}/${id}/deliveries`),
      ...[randomUUID(), delivery?.id, elsewhere.id, "x"].map((id) => `${own.at}/deliveries/${id}/attempts`),
      `${path}/${there.id}/deliveries/${elsewhere.id}/attempts`,
    ];
    const texts = new Set<string>();
    for (const at of places) {
      const answer = await call("GET", at, undefined, headers);
      assertProblem(answer, 404, "not_found");
      texts.add(answer.text);
    }
    assert.equal(texts.size, 1);
  });

  describe("POST …/test", () => {
    it("sends a test event, whatever the webhook is subscribed to", async () => {
      const { webhook, at } = await planted();
      for (const body of [{}, undefined]) {
        const tested = await call("POST", `${at}/test`, body);
        const { event_id, test_id, delivery_id } = tested.body;
        assert.deepEqual([tested.status, tested.body], [202, { event_id, test_id, delivery_id }]);
        const [delivery] = (await call("GET", `${at}/deliveries`)).body.items;
        assert.deepEqual(
          [delivery.id, delivery.webhook_id, delivery.event_id, delivery.event_type],
          [delivery_id, webhook.id, event_id, "webhook.test"],
        );
        const event = await deps.events.get(tenant.project.id, event_id);
        assert.ok(event);
        assert.deepEqual(JSON.parse(event.value.body), {
          event_id,
          event_type: "webhook.test",
          timestamp: event.value.created_at.toISOString(),
          project_id: tenant.project.id,
          data: { event_type: "webhook.test", test_id },
        });
      }
      const refused = await call("POST", `${at}/test`, { event_type: "demo.scan.success" });
      assertProblem(refused, 400, "invalid_request");
      assert.deepEqual(pathsOf(refused), ["event_type"]);
    });
  });

  it("refuses to test, retry and recover with 409 while the webhook is disabled, after what is wrong with the input", async () => {
    const { at, deliveries } = await planted({ enabled: false }, { status: "failed" });
    const since = new Date().toISOString();
    for (const [verb, body] of [
      ["test", {}],
      [`deliveries/${deliveries[0]?.id}/retry`, {}],
      ["recover", { since }],
    ] as const) {
      assertProblem(await call("POST", `${at}/${verb}`, body), 409, "conflict");
      assertProblem(await call("POST", `${at}/${verb}`, { ...body, unknown: 1 }), 400, "invalid_request");
    }
    const [delivery] = (await call("GET", `${at}/deliveries`)).body.items;
    assert.deepEqual([delivery.status, delivery.next_attempt_at], ["failed", null]);
  });

  describe("POST …/rotate-secret", () => {
    it("shows a new secret once, whatever the grace", async () => {
      const { webhook, secret, at } = await created();
      const secrets = [secret];
      for (const body of [undefined, {}, { grace_seconds: 0 }, { grace_seconds: 604_800 }]) {
        const rotated = await call("POST", `${at}/rotate-secret`, body);
        const { secret: fresh, updated_at, ...rest } = rotated.body;
        assert.equal(rotated.status, 200, rotated.text);
        assert.match(fresh, /^whsec_[A-Za-z0-9+/]{43}=$/);
        assert.deepEqual({ ...rest, updated_at: webhook.updated_at }, webhook);
        assert.deepEqual((await call("GET", at)).body, { ...rest, updated_at });
        secrets.push(fresh);
      }
      assert.equal(new Set(secrets).size, secrets.length);
    });

    it("answers an Idempotency-Key again with the same secret", async () => {
      const { at } = await created();
      const headers = { "Idempotency-Key": randomUUID() };
      const [first, again] = [
        await call("POST", `${at}/rotate-secret`, {}, headers),
        await call("POST", `${at}/rotate-secret`, {}, headers),
      ];
      assert.deepEqual([again?.status, again?.text], [200, first?.text]);
    });

    for (const grace_seconds of [-1, 604_801, 1.5, "60"]) {
      it(`refuses a grace of ${JSON.stringify(grace_seconds)}`, async () => {
        const { at } = await created();
        const answer = await call("POST", `${at}/rotate-secret`, { grace_seconds });
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), ["grace_seconds"]);
      });
    }
  });

  describe("POST …/recover", () => {
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

    for (const [what, since] of [
      ["no moment", undefined],
      ["null", null],
      ["a number", 1_700_000_000],
      ["a time without a zone", "2026-01-02T03:04:05"],
      ["a moment more than 14 days back", ago(14 * DAY + 1000)],
      ["a moment that lies ahead", ago(-DAY)],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const { at } = await planted();
        const answer = await call("POST", `${at}/recover`, { since });
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), ["since"]);
      });
    }

    it("sends again what has failed since then, and says how many; the rest stays as it is", async () => {
      const failed = { status: "failed", attempts: [], attempt_count: 0 } as const;
      const disabled = { ...failed, error: "subscription_disabled" } as const;
      const rows = [
        { created_at: new Date(Date.now() - 3 * DAY), ...disabled },
        { created_at: new Date(Date.now() - DAY), ...disabled },
        { created_at: new Date(Date.now() - MINUTE), ...failed, error: "timeout" as const },
        { created_at: new Date(Date.now() - MINUTE) },
      ];
      const { at, deliveries } = await planted({}, ...rows);
      const recovered = await call("POST", `${at}/recover`, { since: ago(2 * DAY) });
      assert.deepEqual([recovered.status, recovered.body], [202, { deliveries: 2 }]);
      const states = await Promise.all(
        deliveries.map(async ({ project_id, webhook_id, id }) => {
          const found = await deps.deliveries.get({ project_id, webhook_id }, id);
          return found?.value.recovered_at ? "sent again" : found?.value.status;
        }),
      );
      assert.deepEqual(states, ["failed", "sent again", "sent again", "success"]);
      const nothing = await call("POST", `${at}/recover`, { since: ago(0) });
      assert.deepEqual([nothing.status, nothing.body], [202, { deliveries: 0 }]);
    });
  });

  describe("GET …/deliveries", () => {
    const now = Math.floor(Date.now() / 1000) * 1000;
    const minutesAgo = (minutes: number) => new Date(now - minutes * MINUTE);
    const LONG = "ß".repeat(2000);

    it("answers whole deliveries, what was answered cut at 1,024 characters", async () => {
      const created_at = minutesAgo(2);
      const attempts = [
        newAttempt({
          started_at: created_at,
          status_code: 500,
          response_body: LONG.slice(0, 1024),
          error: "http_error",
        }),
        newAttempt({
          attempt: 2,
          started_at: minutesAgo(1),
          status_code: null,
          response_body: null,
          error: "timeout",
        }),
      ];
      const { at, deliveries, webhook } = await planted(
        {},
        {
          created_at,
          status: "pending",
          attempts,
          attempt_count: 2,
          last_status_code: null,
          error: "timeout",
          next_attempt_at: new Date(now + DAY),
          completed_at: null,
        },
      );
      const [delivery] = deliveries;
      assert.ok(delivery);
      await deps.commit(
        attempts.map((attempt) =>
          deps.deliveries.createAttempt(delivery, {
            ...attempt,
            response_body: attempt.response_body && LONG,
          }),
        ),
      );
      const wire = attempts.map((attempt) => ({
        attempt: attempt.attempt,
        started_at: attempt.started_at.toISOString(),
        duration_ms: 12,
        status_code: attempt.status_code,
        response_body: attempt.response_body,
        response_truncated: false,
        error: attempt.error,
        url: NOWHERE,
      }));
      assert.deepEqual((await call("GET", `${at}/deliveries`)).body, {
        items: [
          {
            id: delivery.id,
            webhook_id: webhook.id,
            event_id: delivery.event_id,
            event_type: "webhook.test",
            status: "pending",
            attempt_count: 2,
            attempts: wire,
            next_attempt_at: new Date(now + DAY).toISOString(),
            last_status_code: null,
            error: "timeout",
            created_at: created_at.toISOString(),
            completed_at: null,
          },
        ],
        page: 1,
        per_page: 50,
        total_count: 1,
        next_cursor: null,
      });
      const listed = await call("GET", `${at}/deliveries/${delivery.id}/attempts`);
      assert.deepEqual(
        listed.body,
        wire.map((attempt) => ({ ...attempt, response_body: attempt.response_body && LONG })),
      );
    });

    it("lists a hundred attempts in their order, each with a body of 102,400 bytes", async () => {
      const { at, deliveries } = await planted({}, {});
      const [delivery] = deliveries;
      assert.ok(delivery);
      const response_body = "x".repeat(102_400);
      const attempts = Array.from({ length: 100 }, (_, index) =>
        newAttempt({ attempt: index + 1, response_body }),
      );
      for (const attempt of attempts) await deps.commit([deps.deliveries.createAttempt(delivery, attempt)]);
      const listed = await call("GET", `${at}/deliveries/${delivery.id}/attempts`);
      assert.deepEqual(
        listed.body.map((one: { attempt: number; response_body: string }) => [
          one.attempt,
          one.response_body === response_body,
        ]),
        attempts.map(({ attempt }) => [attempt, true]),
      );
    });

    it("lists newest first, by status, event type and range, in pages", async () => {
      const enrolled = { event_type: "enrollment.completed" } as const;
      const failed = { status: "failed", error: "timeout" } as const;
      const rows = Array.from({ length: 24 }, (_, index) => ({
        created_at: minutesAgo(index + 1),
        ...(index % 2 ? enrolled : {}),
        ...(index % 3 ? {} : failed),
      }));
      const old = { created_at: new Date(now - 2 * DAY) };
      const { at, deliveries } = await planted({}, ...rows, old);
      const list = (query: string) => call("GET", `${at}/deliveries?${query}`);
      const ids = (which: (index: number) => boolean) =>
        deliveries.slice(0, 24).flatMap(({ id }, index) => (which(index) ? [id] : []));
      const iso = (moment: Date) => moment.toISOString();

      assert.deepEqual(
        idsOf(await list("")),
        ids(() => true),
      );
      for (const [query, which] of [
        ["status=failed", (index) => index % 3 === 0],
        ["status=success", (index) => index % 3 !== 0],
        ["status=pending", () => false],
        ["event_type=enrollment.completed", (index) => index % 2 === 1],
        ["event_type=webhook.disabled", () => false],
        ["status=failed&event_type=webhook.test", (index) => index % 6 === 0],
        [`from=${iso(minutesAgo(5))}&to=${iso(minutesAgo(2))}`, (index) => index >= 2 && index <= 4],
      ] as [string, (index: number) => boolean][]) {
        const answer = await list(query);
        assert.deepEqual(idsOf(answer), ids(which), query);
        assert.equal(answer.body.total_count, ids(which).length, query);
      }
      assert.deepEqual(idsOf(await list(`from=${iso(new Date(now - 3 * DAY))}&to=${iso(minutesAgo(30))}`)), [
        deliveries[24]?.id,
      ]);

      const first = await list("per_page=10&status=success");
      const { next_cursor } = first.body;
      assert.deepEqual(first.body, { ...first.body, page: 1, per_page: 10, total_count: 16 });
      const second = await list(`per_page=10&status=success&cursor=${next_cursor}`);
      const { items } = second.body;
      assert.deepEqual(second.body, {
        items,
        page: null,
        per_page: 10,
        total_count: null,
        next_cursor: null,
      });
      assert.deepEqual(
        [...idsOf(first), ...idsOf(second)],
        ids((index) => index % 3 !== 0),
      );
    });

    for (const [query, where] of [
      ["status=lost", "status"],
      ["status=", "status"],
      ["status=failed&status=success", "status"],
      ["event_type=palm.read", "event_type"],
      ["per_page=9", "per_page"],
      ["per_page=1001", "per_page"],
      ["page=0", "page"],
      ["from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "from"],
      ["from=2024-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", "from"],
      ["cursor=x", "cursor"],
      ["sort=asc", "sort"],
    ] as const) {
      it(`refuses ?${query}`, async () => {
        const { at } = await planted();
        const answer = await call("GET", `${at}/deliveries?${query}`);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), [where]);
      });
    }

    it("retries whatever became of a delivery, and answers it as it is then", async () => {
      const { at, deliveries } = await planted({}, { created_at: minutesAgo(1) });
      const [before] = (await call("GET", `${at}/deliveries`)).body.items;
      const started = Date.now();
      const retried = await call("POST", `${at}/deliveries/${deliveries[0]?.id}/retry`);
      const { next_attempt_at } = retried.body;
      assert.deepEqual([retried.status, retried.body], [202, { ...before, next_attempt_at }]);
      assert.ok(Date.parse(next_attempt_at) >= started && Date.parse(next_attempt_at) <= Date.now());
    });

    it("has at most 100 attempts", async () => {
      const { at, deliveries } = await planted({}, { attempt_count: 100 });
      const retry = () => call("POST", `${at}/deliveries/${deliveries[0]?.id}/retry`, {});
      assertProblem(await retry(), 409, "limit_reached");
    });
  });

  describe("GET /v1/project/{project_id}/events", () => {
    const list = (query = "") => call("GET", `${project}/events${query && `?${query}`}`);
    const plant = async (...ages: number[]) => {
      const rows = ages.map((age) =>
        newTestEvent({ project_id: tenant.project.id, created_at: new Date(Date.now() - age) }),
      );
      await store(deps, deps.events, rows);
      return rows.map(({ body }) => JSON.parse(body));
    };

    it("lists oldest first what is not older than 30 days, and its cursor goes on for ever", async () => {
      const [, ...events] = await plant(
        30 * DAY + MINUTE,
        ...Array.from({ length: 24 }, (_, i) => DAY - i * 1000),
      );
      const first = await list("per_page=10");
      const { next_cursor } = first.body;
      const envelope = { page: null, per_page: 10, total_count: null };
      assert.deepEqual(first.body, { items: events.slice(0, 10), ...envelope, next_cursor });
      const second = await list(`per_page=10&cursor=${next_cursor}`);
      assert.deepEqual(second.body.items, events.slice(10, 20));
      const third = await list(`per_page=10&cursor=${second.body.next_cursor}`);
      assert.deepEqual(third.body.items, events.slice(20));
      const end = third.body.next_cursor;
      assert.equal(typeof end, "string");
      const fourth = await list(`per_page=10&cursor=${end}`);
      assert.deepEqual(fourth.body, { items: [], ...envelope, next_cursor: end });
      const [later] = await plant(MINUTE);
      assert.deepEqual((await list(`per_page=10&cursor=${end}`)).body.items, [later]);
      assert.deepEqual((await list()).body.items, [...events, later]);
    });

    it("has a cursor before anything has happened", async () => {
      const empty = await list();
      const { next_cursor } = empty.body;
      assert.deepEqual(empty.body, { items: [], page: null, per_page: 50, total_count: null, next_cursor });
      const [event] = await plant(MINUTE);
      assert.deepEqual((await list(`cursor=${next_cursor}`)).body.items, [event]);
    });

    it("holds back what is younger than 5 seconds", async () => {
      const [old, young] = await plant(MINUTE, 0);
      const since = Date.now();
      assert.deepEqual((await list()).body.items, [old]);
      for (;;) {
        const { items } = (await list()).body;
        const passed = Date.now() - Date.parse(young.timestamp);
        if (items.length === 2) {
          assert.ok(passed >= 5000, `it came after ${passed} ms`);
          assert.deepEqual(items, [old, young]);
          return;
        }
        assert.ok(Date.now() - since < 10_000, "it does not come");
        await sleep(200);
      }
    });

    it("lists one type alone", async () => {
      const [event] = await plant(MINUTE);
      assert.deepEqual((await list("event_type=webhook.test")).body.items, [event]);
      for (const type of ["enrollment.completed", "demo.scan.success", "webhook.disabled"]) {
        assert.deepEqual((await list(`event_type=${type}`)).body.items, []);
      }
    });

    it("refuses a cursor of another list, as other lists refuse its own", async () => {
      const rows = Array.from({ length: 11 }, () => ({ created_at: new Date(Date.now() - MINUTE) }));
      const { at } = await planted({}, ...rows);
      const { next_cursor } = (await call("GET", `${at}/deliveries?per_page=10`)).body;
      const own = (await list()).body.next_cursor;
      for (const answer of [
        await list(`cursor=${next_cursor}`),
        await call("GET", `${at}/deliveries?cursor=${own}`),
      ]) {
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), ["cursor"]);
      }
    });

    for (const [query, where] of [
      ["page=1", "page"],
      ["per_page=9", "per_page"],
      ["per_page=1001", "per_page"],
      ["event_type=palm.read", "event_type"],
      ["from=2026-01-02T00:00:00Z", "from"],
      ["cursor=x", "cursor"],
      ["cursor=", "cursor"],
    ] as const) {
      it(`refuses ?${query}`, async () => {
        const answer = await list(query);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(pathsOf(answer), [where]);
      });
    }
  });
});
