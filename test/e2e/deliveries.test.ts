import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { type Client, createClient } from "../support/client.ts";
import { compare } from "../support/pages/compare.ts";
import { readPage } from "../support/pages/pages.ts";
import { type Block, parseBlocks } from "../support/pages/parse.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { type Received, type Receiver, startReceiver } from "../support/receiver.ts";
import { everyDocument, flatten } from "../support/stores.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** How soon what happened is told, while all is well. */
const SOON_MS = 5000;
/** The suite's clock runs the sweeper every 5 s: so much later than the schedule says an attempt may come here. */
const SWEPT_MS = 15_000;

/** A secret in every form in which it could be read: as it is shown, and its key's bytes. */
function formsOf(secret: string): Buffer[] {
  const base64 = secret.replace("whsec_", "");
  const [text, key] = [Buffer.from(secret), Buffer.from(base64, "base64")];
  return [
    key,
    // Without the padding, in case that something follows; with the prefix it is there as well.
    ...[base64.slice(0, -1), key.toString("base64url"), key.toString("hex")],
    ...[text.toString("base64").slice(0, -4), text.toString("hex")],
  ].map((form) => Buffer.from(form as string));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[48][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the published verifier takes it, with the headers that it knows. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** What a receiver of the older header computes. */
const legacy = ({ body }: Received, secret: string): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

describe("Deliveries", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let path: string;
  let receiver: Receiver;
  let seed = 9100;

  const call = (method: string, at: string, body?: unknown) =>
    api(method, `/v1/project/${tenant.project.id}${at}`, {
      token: tenant.key,
      ...(body === undefined ? {} : { body }),
    });

  async function subscribe(fields: object = {}): Promise<{ id: string; secret: string }> {
    const body = { url: receiver.url, event_types: ["enrollment.completed"], ...fields };
    const made = await call("POST", "/webhooks", body);
    assert.equal(made.status, 201, made.text);
    path = `/webhooks/${made.body.id}`;
    return made.body;
  }

  /** Enrols somebody by the API. */
  async function enroll(): Promise<{ member_id: string; created_at: string }> {
    const { id: member_id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
    seed += 1;
    const image = Buffer.from(encodePng(steadyPalm({ seed }))).toString("base64");
    const enrolled = await call("POST", "/enroll", { member_id, samples: [{ image }] });
    assert.equal(enrolled.status, 201, enrolled.text);
    return enrolled.body;
  }

  const test = async (): Promise<string> => (await call("POST", `${path}/test`, {})).body.delivery_id;

  // biome-ignore lint/suspicious/noExplicitAny: tests compare what they find
  const deliveries = async (): Promise<any[]> => (await call("GET", `${path}/deliveries`)).body.items;

  /** The delivery once it has come to that; the newest unless it is named. */
  async function until(status: string, id?: string, ms = SWEPT_MS) {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = (await deliveries()).find((delivery) => id === undefined || delivery.id === id);
      if (found?.status === status && found.completed_at !== null) return found;
      assert.ok(Date.now() < deadline, `it is not ${status} after ${ms} ms: ${JSON.stringify(found)}`);
      await sleep(100);
    }
  }

  /** An attempt as it is shown, as far as it is known beforehand. */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what they find
  const attempt = (shown: any, number: number, status_code: number) => ({
    attempt: number,
    started_at: shown.started_at,
    duration_ms: shown.duration_ms,
    status_code,
    response_body: status_code === 204 ? "" : `answered ${status_code}`,
    response_truncated: false,
    error: status_code < 300 ? null : "http_error",
    url: receiver.url,
  });

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
    // The processes of all functions on the way are there before anything is timed.
    receiver = await startReceiver();
    tenant = await newTenant(deps);
    await subscribe();
    await enroll();
    await receiver.first(1, 60_000);
    await receiver.stop();
  });
  beforeEach(async () => {
    receiver = await startReceiver();
    tenant = await newTenant(deps);
  });
  afterEach(() => receiver.stop());

  it("come as docs/webhooks.md shows", async () => {
    const mine = ({ marks }: Block) => marks.includes("run-by=test/e2e/deliveries.test.ts");
    const [shown, ...more] = parseBlocks(readPage("docs/webhooks.md")).filter(mine);
    assert.ok(shown && more.length === 0);
    await subscribe({ url: `${receiver.url}palmgate` });
    await enroll();
    const [{ method, path, headers, body }] = (await receiver.first(1, SOON_MS)) as [Received];
    const names = [...shown.text.matchAll(/^([\w-]+): /gm)].map(([, name = ""]) => name);
    const came = names.map((name) => `${name}: ${headers[name.toLowerCase()]}`);
    const request = [`${method} ${path} HTTP/1.1`, ...came, "", body, ""].join("\n");
    assert.deepEqual(compare({ language: "http", text: shown.text }, request), []);
  });

  it("tell of an enrolment once, within 5 seconds, signed, and are on record with their attempt", async () => {
    const { id: webhook_id, secret } = await subscribe();
    const started = Date.now();
    const { member_id, created_at } = await enroll();
    const [request] = (await receiver.first(1, SOON_MS)) as [Received];
    assert.ok(request.at.getTime() - started < SOON_MS);

    const event = JSON.parse(request.body);
    const { event_id } = event;
    assert.match(event_id, UUID);
    assert.deepEqual(event, {
      event_id,
      event_type: "enrollment.completed",
      timestamp: created_at,
      project_id: tenant.project.id,
      data: {
        event_type: "enrollment.completed",
        session_id: null,
        member_id,
        device_id: null,
        completed_at: created_at,
      },
    });
    const { headers } = request;
    assert.deepEqual(
      [request.method, request.path, headers["content-type"], headers["webhook-id"]],
      ["POST", "/", "application/json; charset=utf-8", event_id],
    );
    assert.match(String(headers["webhook-signature"]), /^v1,[A-Za-z0-9+/]{43}=$/);
    assert.ok(isSigned(request, secret));
    assert.ok(!isSigned({ ...request, body: `${request.body} ` }, secret));
    assert.equal(headers["x-webhook-signature"], legacy(request, secret));

    const delivery = await until("success");
    const [shown] = delivery.attempts;
    assert.match(delivery.id, UUID);
    assert.deepEqual(delivery, {
      id: delivery.id,
      webhook_id,
      event_id,
      event_type: "enrollment.completed",
      status: "success",
      attempt_count: 1,
      attempts: [attempt(shown, 1, 204)],
      next_attempt_at: null,
      last_status_code: 204,
      error: null,
      created_at: delivery.created_at,
      completed_at: delivery.completed_at,
    });
    const times = [created_at, delivery.created_at, shown.started_at, delivery.completed_at];
    assert.deepEqual(times, times.toSorted());
    const attempts = await call("GET", `${path}/deliveries/${delivery.id}/attempts`);
    assert.deepEqual(attempts.body, delivery.attempts);

    await sleep(started + SOON_MS + 6000 - Date.now());
    assert.equal(receiver.received.length, 1);
    assert.deepEqual(await deliveries(), [delivery]);
    assert.deepEqual((await call("GET", "/events")).body.items, [event]);
  });

  it("go to every webhook that subscribes, and to no other", async () => {
    const other = await startReceiver();
    try {
      await subscribe({ event_types: ["demo.scan.success"], url: other.url });
      const one = await subscribe();
      const both = await subscribe({ event_types: ["demo.scan.success", "enrollment.completed"] });
      await enroll();
      const requests = await receiver.first(2, SOON_MS);
      for (const { secret } of [one, both]) {
        assert.equal(requests.filter((request) => isSigned(request, secret)).length, 1);
      }
      assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
      assert.equal(other.received.length, 0);
    } finally {
      await other.stop();
    }
  });

  it("come again by the schedule where they were answered 500, with the same bytes signed anew", async () => {
    const { secret } = await subscribe();
    receiver.answer(500, 204);
    await enroll();
    const [first, second] = (await receiver.first(2, SOON_MS + 6000 + SWEPT_MS)) as [Received, Received];
    const passed = second.at.getTime() - first.at.getTime();
    assert.ok(passed >= 4000 && passed <= 6000 + SWEPT_MS, `the second came after ${passed} ms`);
    assert.deepEqual([second.body, second.headers["webhook-id"]], [first.body, first.headers["webhook-id"]]);
    assert.ok(Number(second.headers["webhook-timestamp"]) > Number(first.headers["webhook-timestamp"]));
    for (const request of [first, second]) assert.ok(isSigned(request, secret));

    const delivery = await until("success");
    const [one, two] = delivery.attempts;
    assert.deepEqual(
      [delivery.attempt_count, delivery.attempts, delivery.last_status_code, delivery.error],
      [2, [attempt(one, 1, 500), attempt(two, 2, 204)], 204, null],
    );
    const attempts = await call("GET", `${path}/deliveries/${delivery.id}/attempts`);
    assert.deepEqual(attempts.body, delivery.attempts);
  });

  it("come once more when they are asked to, whatever became of them", async () => {
    await subscribe();
    const id = await test();
    const first = await until("success", id);
    assert.equal((await call("POST", `${path}/deliveries/${id}/retry`)).status, 202);
    const [one, two] = (await receiver.first(2, SOON_MS)) as [Received, Received];
    assert.equal(two.body, one.body);
    for (;;) {
      const [delivery] = await deliveries();
      if (delivery.attempt_count < 2) {
        await sleep(100);
        continue;
      }
      assert.deepEqual(delivery, {
        ...first,
        attempt_count: 2,
        attempts: [...first.attempts, attempt(delivery.attempts[1], 2, 204)],
      });
      return;
    }
  });

  it("end at 410, which disables the webhook; enabled again it gets what waited, and what happened meanwhile by recover", async () => {
    const { id: webhook_id } = await subscribe();
    receiver.answer(410, 204);
    const since = new Date().toISOString();
    await enroll();
    await receiver.first(1, SOON_MS);
    const webhook = async () => (await call("GET", path)).body;
    while ((await webhook()).enabled) await sleep(100);
    const { updated_at, disabled_reason } = await webhook();
    assert.equal(disabled_reason, "gone");
    const [waiting] = await deliveries();
    assert.deepEqual(
      [waiting.status, waiting.next_attempt_at, waiting.last_status_code, waiting.error],
      ["pending", null, 410, "http_error"],
    );

    await enroll();
    const missed = await until("failed");
    assert.deepEqual(missed, {
      ...missed,
      status: "failed",
      attempt_count: 0,
      attempts: [],
      next_attempt_at: null,
      last_status_code: null,
      error: "subscription_disabled",
      completed_at: missed.created_at,
    });
    await sleep(5100);
    const { items } = (await call("GET", "/events?event_type=webhook.disabled")).body;
    assert.deepEqual(items, [
      {
        event_id: items[0].event_id,
        event_type: "webhook.disabled",
        timestamp: updated_at,
        project_id: tenant.project.id,
        data: { event_type: "webhook.disabled", webhook_id, reason: "gone", disabled_at: updated_at },
      },
    ]);
    assert.equal(receiver.received.length, 1);

    const enabled = await call("PATCH", path, { enabled: true });
    assert.deepEqual([enabled.body.enabled, enabled.body.disabled_reason], [true, null]);
    const [first, again] = (await receiver.first(2, SOON_MS)) as [Received, Received];
    assert.equal(again.body, first.body);
    assert.equal((await until("success", waiting.id)).attempt_count, 2);

    const recovered = await call("POST", `${path}/recover`, { since });
    assert.deepEqual([recovered.status, recovered.body], [202, { deliveries: 1 }]);
    const [, , third] = (await receiver.first(3, SOON_MS)) as [Received, Received, Received];
    assert.equal(third.headers["webhook-id"], missed.event_id);
    const sent = await until("success", missed.id);
    assert.deepEqual([sent.attempt_count, sent.error], [1, null]);
  });

  it("are signed by both secrets during a rotation's grace, the older header by the old one, and then by the new one alone", async () => {
    const { secret: first } = await subscribe();
    const rotate = async (grace_seconds: number): Promise<string> =>
      (await call("POST", `${path}/rotate-secret`, { grace_seconds })).body.secret;
    const next = async (): Promise<Received> => {
      const count = receiver.received.length + 1;
      await test();
      return (await receiver.first(count, SOON_MS)).at(-1) as Received;
    };
    const signers = (request: Received, ...secrets: string[]) =>
      secrets.map((secret) => [
        isSigned(request, secret),
        request.headers["x-webhook-signature"] === legacy(request, secret),
      ]);

    const second = await rotate(3600);
    assert.deepEqual(signers(await next(), first, second), [
      [true, true],
      [true, false],
    ]);
    const third = await rotate(3600);
    assert.deepEqual(signers(await next(), first, second, third), [
      [false, false],
      [true, true],
      [true, false],
    ]);
    const fourth = await rotate(0);
    assert.deepEqual(signers(await next(), second, third, fourth), [
      [false, false],
      [false, false],
      [true, true],
    ]);
    const fifth = await rotate(1);
    await sleep(1100);
    assert.deepEqual(signers(await next(), fourth, fifth), [
      [false, false],
      [true, true],
    ]);
  });

  it("leave no secret in the store that can be read, nor do the answers that are kept to be repeated", async () => {
    const shown: string[] = [];
    const post = async (at: string, body: object) => {
      const headers = { "Idempotency-Key": randomUUID() };
      const send = () =>
        api("POST", `/v1/project/${tenant.project.id}${at}`, { token: tenant.key, body, headers });
      const answer = await send();
      assert.equal((await send()).text, answer.text);
      shown.push(answer.body.secret);
      return answer.body;
    };
    const made = await post("/webhooks", { url: receiver.url, event_types: ["enrollment.completed"] });
    path = `/webhooks/${made.id}`;
    await post(`${path}/rotate-secret`, { grace_seconds: 3600 });
    await test();
    const [request] = (await receiver.first(1, SOON_MS)) as [Received];
    assert.deepEqual(
      shown.map((secret) => isSigned(request, secret)),
      [true, true],
    );
    await until("success");

    const find = async (forms: Buffer[]) =>
      (await everyDocument())
        .map(({ path, fields }) => ({ path, bytes: flatten(fields) }))
        .filter(({ bytes }) => forms.some((form) => bytes.includes(form)))
        .map(({ path }) => path);
    const event = String(request.headers["webhook-id"]);
    const places = await find([Buffer.from(JSON.stringify({ event_id: event }).slice(1, -1))]);
    assert.equal(places.length, 2, `the search finds the event and its delivery: ${places}`);
    assert.deepEqual(await find(shown.flatMap(formsOf)), []);
  });
});
