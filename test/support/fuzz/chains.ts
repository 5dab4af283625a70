import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ROWS } from "../../../bench/cost/requests.ts";
import { encodePng, steadyPalm } from "../palms.ts";
import { NOWHERE } from "../rows.ts";
import type { Asked, Journal } from "./journal.ts";
import type { World } from "./world.ts";

/** What a chain has: where it is, how it asks, and the numbers that chance gave it. */
interface Links {
  world: World;
  journal: Journal;
  numbers: readonly number[];
}

const pictureOf = (seed: number, sample: number) =>
  Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64");

/** A console's or a server's credential, as chance has it. */
const callerOf = ({ own }: World, number: number) => (number % 2 === 0 ? own.key : own.user.token);

/** How long an attempt of a webhook is waited for, in ms. */
const PATIENCE_MS = 20_000;

/** Lives of things, from their first day to their last: what is answered must follow from what was done before. */
export const CHAINS: Record<string, (links: Links) => Promise<void>> = {
  async memberChain({ world, journal, numbers: [caller = 0, how = 0, more = 0] }) {
    const token = callerOf(world, caller);
    const { project_id } = world.own.ids;
    const fields = { name: `Ada ${how}`, external_id: randomUUID(), metadata: { n: String(more) } };
    const { body: made } = await journal.call(
      "createMember",
      { ids: { project_id }, token, body: fields },
      201,
    );
    const ids = { project_id, member_id: made.id };
    const at = (body?: unknown): Asked => ({ ids, token, ...(body === undefined ? {} : { body }) });
    assert.deepEqual((await journal.call("getMember", at(), 200)).body, made);
    const update = how % 2 === 0 ? "updateMember" : "updateMemberPut";
    const { body: changed } = await journal.call(update, at({ name: null, email: "ada@example.com" }), 200);
    const { updated_at } = changed;
    assert.deepEqual(changed, { ...made, name: null, email: "ada@example.com", updated_at });
    await journal.call("createMember", { ids: { project_id }, token, body: fields }, "conflict");
    assert.deepEqual((await journal.call("listPalms", at(), 200)).body, []);
    await journal.call("deleteMember", at(), 204);
    for (const id of ["getMember", "deleteMember", "listPalms"]) await journal.call(id, at(), "not_found");
    await journal.call(update, at({ name: "Nobody" }), "not_found");
    // Its external_id is free again.
    const { body: again } = await journal.call(
      "createMember",
      { ids: { project_id }, token, body: fields },
      201,
    );
    await journal.call("deleteMember", { ids: { project_id, member_id: again.id }, token }, 204);
  },

  async palmChain({ world, journal, numbers: [many = 0] }) {
    const { key: token } = world.own;
    const { project_id } = world.own.ids;
    const seed = 500_000 + world.places.newSeed();
    const { body: member } = await journal.call(
      "createMember",
      { ids: { project_id }, token, body: {} },
      201,
    );
    const ids = { project_id, member_id: member.id };
    const samples = Array.from({ length: 1 + (many % 3) }, (_, n) => ({ image: pictureOf(seed, n) }));
    const enrol: Asked = { ids, token, body: { member_id: member.id, samples } };
    const { body: palm } = await journal.call("enrollPalm", enrol, 201);
    assert.equal((await journal.call("enrollPalm", enrol, 201)).body.id, palm.id);
    const look: Asked = { ids, token, body: samples[0] };
    const { body: found } = await journal.call("identify", look, 200);
    assert.deepEqual([found.outcome, found.member_id], ["identified", member.id]);
    assert.equal((await journal.call("verifyPalm", look, 200)).body.outcome, "match");
    const { body: palms } = await journal.call("listPalms", { ids, token }, 200);
    assert.deepEqual(
      palms.map(({ id }: { id: string }) => id),
      [palm.id],
    );
    await journal.call("deletePalm", { ids: { ...ids, palm_id: palm.id }, token }, 204);
    assert.notEqual((await journal.call("identify", look, 200)).body.member_id, member.id);
    assert.equal((await journal.call("verifyPalm", look, 200)).body.outcome, "no_match");
    await journal.call("deletePalm", { ids: { ...ids, palm_id: palm.id }, token }, "not_found");
  },

  async terminalChain({ world, journal, numbers: [caller = 0, many = 0, amount = 0, ends = 0] }) {
    const token = callerOf(world, caller);
    const { project_id } = world.own.ids;
    const { body: born } = await journal.call("startRegistration", { body: { model: "T1" } }, 201);
    const claim: Asked = { token: born.claim_token, body: {} };
    assert.deepEqual((await journal.call("claimRegistration", claim, 200)).body, { status: "pending" });
    const code = { registration_code: born.registration_code.toLowerCase(), name: "Canteen" };
    const { body: device } = await journal.call(
      "registerDevice",
      { ids: { project_id }, token, body: code },
      201,
    );
    await journal.call("registerDevice", { ids: { project_id }, token, body: code }, "expired");
    const { body: claimed } = await journal.call("claimRegistration", claim, 200);
    assert.deepEqual([claimed.status, claimed.device_id], ["registered", device.id]);
    const terminal = claimed.device_key;
    const idle = await journal.call("nextCommand", { token: terminal, body: {} }, 200);
    assert.equal(idle.body.session, null);
    await journal.call("claimRegistration", claim, "expired");

    const ids = { project_id, device_id: device.id };
    const { body: member } = await journal.call("createMember", { ids, token, body: {} }, 201);
    const samples_required = 1 + (many % 3);
    const wanted = { member_id: member.id, samples_required };
    const { body: session } = await journal.call("startEnrollment", { ids, token, body: wanted }, 201);
    await journal.call("startEnrollment", { ids, token, body: wanted }, "session_active");
    assert.deepEqual((await journal.call("getEnrollment", { ids, token }, 200)).body, session);
    const { session_id, version } = session;
    const news = await journal.call("nextCommand", { token: terminal, body: {} }, 200);
    assert.equal(news.body.session.session_id, session_id);
    const seed = 700_000 + world.places.newSeed();
    let last = session;
    for (let n = 0; n < samples_required; n++) {
      const sample = {
        ids: { session_id },
        token: terminal,
        body: { sample_id: randomUUID(), image: pictureOf(seed, n) },
      };
      last = (await journal.call("submitSample", sample, 200)).body;
      assert.deepEqual((await journal.call("submitSample", sample, 200)).body, last);
    }
    assert.deepEqual([last.status, last.samples_accepted], ["completed", samples_required]);
    const poll: Asked = { ids, token, body: { session_id, version } };
    assert.deepEqual((await journal.call("pollEnrollment", poll, 200)).body, last);

    const paid = { amount_minor: 1 + amount, currency: "EUR" };
    const scan = { image: pictureOf(seed, 0), transaction: paid };
    await journal.call("scan", { token: terminal, body: scan }, "invalid_request");
    const headers = { "Idempotency-Key": randomUUID() };
    const { body: seen } = await journal.call("scan", { token: terminal, headers, body: scan }, 200);
    assert.deepEqual([seen.member_id, seen.transaction.amount_minor], [member.id, paid.amount_minor]);
    const books = await journal.call("listTransactions", { ids, token }, 200);
    assert.ok(books.body.some(({ id }: { id: string }) => id === seen.transaction.id));
    assert.ok(
      (await journal.call("exportTransactions", { ids, token }, 200)).text.includes(seen.transaction.id),
    );
    const scans = await journal.call("listScans", { ids, token, query: { per_page: "10000" } }, 200);
    assert.ok(scans.body.items.some(({ id }: { id: string }) => id === seen.scan_id));

    if (ends % 2 === 0) {
      await journal.call("updateDevice", { ids, token, body: { enabled: false } }, 200);
      await journal.call("scan", { token: terminal, body: { image: scan.image } }, "device_disabled");
      await journal.call("startEnrollment", { ids, token, body: wanted }, "device_disabled");
      await journal.call("updateDevice", { ids, token, body: { enabled: true } }, 200);
    } else {
      const { body: other } = await journal.call("startEnrollment", { ids, token, body: wanted }, 201);
      const query = { session_id: other.session_id };
      await journal.call("cancelEnrollment", { ids, token, query }, 204);
      await journal.call("cancelEnrollment", { ids, token, query }, 204);
      const late = { sample_id: randomUUID(), image: scan.image };
      await journal.call("submitSample", { ids: query, token: terminal, body: late }, "expired");
    }
    const { body: rotated } = await journal.call("rotateDeviceKey", { ids, token, body: {} }, 200);
    await journal.call("nextCommand", { token: terminal, body: {} }, "unauthenticated");
    await journal.call("nextCommand", { token: rotated.device_key, body: {} }, 200);
    await journal.call("deleteDevice", { ids, token }, 204);
    for (const id of ["getDevice", "deleteDevice", "getEnrollment"]) {
      await journal.call(id, { ids, token }, "not_found");
    }
    await journal.call("nextCommand", { token: rotated.device_key, body: {} }, "unauthenticated");
    // There are a hundred steady palms: this one is used again.
    await journal.call("deleteMember", { ids: { project_id, member_id: member.id }, token }, 204);
  },

  async webhookChain({ world, journal, numbers: [caller = 0, grace_seconds = 0] }) {
    const token = callerOf(world, caller);
    const { deps } = world.places;
    const project_id = randomUUID();
    await deps.commit([deps.projects.create({ ...world.own.project, id: project_id })]);
    const body = { url: NOWHERE, event_types: ["enrollment.completed"] };
    const { body: made } = await journal.call("createWebhook", { ids: { project_id }, token, body }, 201);
    const ids = { project_id, webhook_id: made.id };
    const { secret, ...webhook } = made;
    assert.deepEqual((await journal.call("getWebhook", { ids, token }, 200)).body, webhook);
    const { body: test } = await journal.call("testWebhook", { ids, token, body: {} }, 202);
    const one = { ...ids, delivery_id: test.delivery_id };
    const until = Date.now() + PATIENCE_MS;
    let attempts: unknown[] = [];
    while (attempts.length === 0) {
      if (Date.now() > until) throw new Error("no attempt was made in time");
      await sleep(200);
      attempts = (await journal.call("listAttempts", { ids: one, token }, 200)).body;
    }
    const { body: list } = await journal.call(
      "listDeliveries",
      { ids, token, query: { event_type: "webhook.test" } },
      200,
    );
    assert.deepEqual(
      list.items.map(({ id }: { id: string }) => id),
      [test.delivery_id],
    );
    await journal.call("retryDelivery", { ids: one, token, body: {} }, 202);
    const rotate: Asked = { ids, token, body: { grace_seconds } };
    assert.notEqual((await journal.call("rotateWebhookSecret", rotate, 200)).body.secret, secret);
    await journal.call("updateWebhook", { ids, token, body: { enabled: false } }, 200);
    for (const id of ["testWebhook", "retryDelivery"])
      await journal.call(id, { ids: one, token, body: {} }, "conflict");
    await journal.call("updateWebhook", { ids, token, body: { enabled: true, description: "on" } }, 200);
    const since = new Date(Date.now() - 60_000).toISOString();
    await journal.call("recoverDeliveries", { ids, token, body: { since } }, 202);
    await journal.call("deleteWebhook", { ids, token }, 204);
    for (const id of ["getWebhook", "deleteWebhook", "listDeliveries"]) {
      await journal.call(id, { ids, token }, "not_found");
    }
    assert.deepEqual((await journal.call("listWebhooks", { ids, token }, 200)).body, []);
  },

  async apiKeyChain({ world, journal, numbers: [scoped = 0, grace = 0] }) {
    const { token } = world.own.user;
    const { org_id, project_id } = world.own.ids;
    const { body: made } =
      scoped % 2 === 0
        ? await journal.call(
            "createProjectApiKey",
            { ids: { project_id }, token, body: { name: "Door" } },
            201,
          )
        : await journal.call(
            "createOrganizationApiKey",
            { ids: { org_id }, token, body: { name: "Door", project_ids: null } },
            201,
          );
    const ids = { org_id, project_id, key_id: made.id };
    const use = (key: string, wanted: number) => journal.call("getProject", { ids, token: key }, wanted);
    await use(made.key, 200);
    const grace_seconds = grace % 2 === 0 ? 0 : 604_800;
    const { body: next } = await journal.call("rotateApiKey", { ids, token, body: { grace_seconds } }, 201);
    await use(made.key, grace_seconds === 0 ? 401 : 200);
    await use(next.key, 200);
    await journal.call("rotateApiKey", { ids, token, body: {} }, "conflict");
    for (const key_id of [made.id, next.id, next.id]) {
      await journal.call("revokeOrganizationApiKey", { ids: { ...ids, key_id }, token }, 204);
    }
    await use(made.key, 401);
    await use(next.key, 401);
    const { body: keys } = await journal.call("listOrganizationApiKeys", { ids, token }, 200);
    const revoked = keys.filter(({ id }: { id: string }) => id === made.id || id === next.id);
    assert.ok(
      revoked.length === 2 && revoked.every((key: { revoked_at: unknown }) => key.revoked_at !== null),
    );
    const { body: listed } = await journal.call("listProjectApiKeys", { ids, token }, 200);
    assert.ok(!listed.some(({ id }: { id: string }) => id === made.id || id === next.id));
  },

  async pagingChain({ world, journal, numbers: [which = 0, size = 0] }) {
    const { full } = world.places;
    const token = full.user.token;
    const lists = ["listMembers", "listScans", "listTransactions", "listDevices", "listAudit"];
    const id = lists[which % lists.length] as string;
    const per_page = String(10 + (size % 30));
    const seen: string[] = [];
    let query: Record<string, string> = { per_page, page: "1" };
    for (let more = true; more; ) {
      const { body } = await journal.call(id, { ids: full.ids, token, query }, 200);
      seen.push(...body.items.map((item: { id: string }) => item.id));
      more = body.next_cursor !== null;
      if (!more) continue;
      query = { per_page, cursor: body.next_cursor };
      await journal.call(id, { ids: full.ids, token, query: { ...query, page: "1" } }, "invalid_request");
      const cut = { per_page, cursor: body.next_cursor.slice(0, -1) };
      await journal.call(id, { ids: full.ids, token, query: cut }, "invalid_request");
    }
    assert.deepEqual([seen.length, new Set(seen).size], [ROWS, ROWS]);
    const hasRange = id === "listScans" || id === "listTransactions" || id === "listAudit";
    const other = hasRange ? "listMembers" : "listScans";
    if (query["cursor"])
      await journal.call(
        other,
        { ids: full.ids, token, query: { cursor: query["cursor"] } },
        "invalid_request",
      );
  },
};
