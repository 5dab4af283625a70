import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Device } from "../../functions/src/domain/device/device.ts";
import type { Session } from "../../functions/src/domain/enrollment/session.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { extractTemplate } from "../../functions/src/palm/index.ts";
import { admin } from "../support/admin.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newDeviceWithKey, newSession } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const picture = (seed: number, sample: number) => base64(encodePng(steadyPalm({ seed, sample })));
const FLAT = base64(encodePng({ width: 144, height: 144, gray: new Uint8Array(144 * 144).fill(128) }));

/** A device and what it sends. */
interface Terminal {
  device: Device;
  token: string;
}

/** A session as the wire shows it. */
const toWire = (session: Session, changes: Record<string, unknown> = {}) => ({
  session_id: session.id,
  device_id: session.device_id,
  project_id: session.project_id,
  member_id: session.member_id,
  hand: session.hand,
  status: session.status,
  samples_required: session.samples_required,
  samples_accepted: session.samples_accepted,
  last_rejection: session.last_rejection,
  version: session.version,
  created_at: session.created_at.toISOString(),
  updated_at: session.updated_at.toISOString(),
  expires_at: session.expires_at.toISOString(),
  completed_at: null,
  ...changes,
});

describe("A terminal's palms", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const newMember = async (of = tenant) =>
    (await createMember(deps, { project_id: of.project.id, fields: NOBODY })).id;
  async function newTerminal(fields: Partial<Device> = {}, of = tenant): Promise<Terminal> {
    const { device, key: token } = newDeviceWithKey({ project_id: of.project.id, ...fields });
    await deps.commit([deps.devices.create(device)]);
    return { device, token };
  }
  async function start(
    { device: { id: device_id, project_id } }: Terminal,
    fields: Pick<Session, "member_id"> & Partial<Session>,
  ): Promise<Session> {
    const session = newSession({ device_id, project_id, ...fields });
    await change({ id: device_id }, { session });
    return session;
  }
  async function change({ id }: Pick<Device, "id">, fields: Partial<Device>): Promise<void> {
    const device = await deps.devices.get(id);
    assert.ok(device);
    assert.equal(
      await deps.commit([deps.devices.replace(device, { ...device.value, ...fields })]),
      "committed",
    );
  }
  const submit = (
    { token }: Terminal,
    session_id: string,
    body: Record<string, unknown>,
    headers: Record<string, string> = {},
  ) =>
    api("POST", `/v1/terminal/enrollment/${session_id}/samples`, {
      token,
      body: { sample_id: randomUUID(), ...body },
      headers,
    });
  const scan = ({ token }: Terminal, body: unknown, headers: Record<string, string> = {}) =>
    api("POST", "/v1/terminal/scans", { token, body, headers });
  const project = (rest: string, of = tenant) => `/v1/project/${of.project.id}/${rest}`;
  const list = async (rest: string, of = tenant) =>
    (await api("GET", project(rest, of), { token: of.key })).body;
  /** What happened, past the seconds for which the list holds it back. */
  const events = async (of = tenant) =>
    (await db().collection(`projects/${of.project.id}/events`).get()).docs
      .map((doc) => JSON.parse(doc.data()["body"]))
      .sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  const destroyKey = ({ environment: { id } }: Tenant) =>
    db().doc(`environments/${id}/gallery/current`).update({ wrapped_key: null });
  const ok = ({ status, body, text }: Answer) => {
    assert.equal(status, 200, text);
    return body;
  };

  describe("POST /v1/terminal/enrollment/{session_id}/samples", () => {
    it("counts samples, and with the last one enrols the palm, records a scan and tells of it", async () => {
      const terminal = await newTerminal();
      const member_id = await newMember();
      const session = await start(terminal, { member_id, samples_required: 3, hand: "left" });
      const sample = (n: number) => ({ image: picture(9000, n), pad_score: [0.8, 0.6, 0.7][n - 1] });
      for (const n of [1, 2]) {
        const body = ok(await submit(terminal, session.id, sample(n)));
        assert.deepEqual(
          body,
          toWire(session, {
            status: "capturing",
            samples_accepted: n,
            version: 1 + n,
            updated_at: body.updated_at,
          }),
        );
      }
      const held = (await deps.devices.get(terminal.device.id))?.value.session?.held ?? [];
      assert.deepEqual(
        held.map(({ hand, pad_score }) => [hand, pad_score]),
        [
          ["left", 0.8],
          ["left", 0.6],
        ],
      );
      const { template } = extractTemplate(steadyPalm({ seed: 9000, sample: 1 }), { hand: "left" });
      assert.ok(
        !Buffer.from(held[0]?.template ?? []).includes(Buffer.from(template).subarray(40, 56)),
        "it is not sealed",
      );

      const body = ok(await submit(terminal, session.id, sample(3)));
      const { completed_at } = body;
      assert.deepEqual(
        body,
        toWire(session, {
          ...{ status: "completed", samples_accepted: 3, version: 4 },
          ...{ updated_at: completed_at, completed_at },
        }),
      );
      assert.deepEqual((await deps.devices.get(terminal.device.id))?.value.session?.held, []);

      const [palm] = await list(`members/${member_id}/palms`);
      assert.deepEqual(await list(`members/${member_id}/palms`), [
        {
          ...{ id: palm.id, member_id, hand: "left", template_format: "palm-code.v1", samples: 3 },
          ...{ quality: palm.quality, created_at: completed_at },
        },
      ]);
      const scans = (await list("scans")).items;
      const place = { project_id: tenant.project.id, device_id: terminal.device.id, api_key_id: null };
      assert.deepEqual(scans, [
        {
          ...{ id: scans[0].id, ...place, source: "terminal", operation: "enroll", outcome: "enrolled" },
          ...{ member_id: null, score: null, created_at: completed_at },
        },
      ]);
      const stored = await db().doc(`projects/${tenant.project.id}/scans/${scans[0]?.id}`).get();
      assert.equal(stored.data()?.["pad_score"], 0.6, "the least lively sample's");
      const [event, ...others] = await events();
      assert.deepEqual(others, []);
      assert.deepEqual(event, {
        event_id: event.event_id,
        event_type: "enrollment.completed",
        timestamp: completed_at,
        project_id: tenant.project.id,
        data: {
          event_type: "enrollment.completed",
          ...{ session_id: session.id, member_id, device_id: terminal.device.id, completed_at },
        },
      });
      const found = ok(await scan(terminal, { image: picture(9000, 4) }));
      assert.deepEqual([found.outcome, found.member_id, found.hand], ["identified", member_id, "left"]);
    });

    it("refuses a sample of another hand or palm and a poor one, with a version each, and goes on", async () => {
      const terminal = await newTerminal();
      const member_id = await newMember();
      const session = await start(terminal, { member_id, samples_required: 2, hand: "left" });
      let { version } = session;
      const refused = async (
        body: Record<string, unknown>,
        code: string,
        more: Record<string, unknown> = {},
      ) => {
        const told = ok(await submit(terminal, session.id, body));
        version += 1;
        const { updated_at } = told;
        const last_rejection = { code, at: updated_at };
        assert.deepEqual(told, toWire(session, { version, updated_at, last_rejection, ...more }));
        return last_rejection;
      };
      const template = (hand: "left" | "right") =>
        base64(extractTemplate(steadyPalm({ seed: 9010, sample: 0 }), { hand }).template);
      await refused({ image: picture(9010, 0), hand: "right" }, "template_mismatch");
      await refused({ template: template("right") }, "template_mismatch");
      const poor = await refused({ image: FLAT }, "poor_quality");
      const accepted = ok(await submit(terminal, session.id, { template: template("left") }));
      version += 1;
      const capturing = { status: "capturing", samples_accepted: 1 };
      assert.deepEqual(
        accepted,
        toWire(session, {
          ...{ ...capturing, version, last_rejection: poor, updated_at: accepted.updated_at },
        }),
      );
      await refused({ image: picture(9011, 0) }, "template_mismatch", capturing);
      await refused({ image: FLAT }, "poor_quality", capturing);
      await refused({ image: picture(9010, 1), hand: "right" }, "template_mismatch", capturing);
      assert.deepEqual((await list("scans")).items, []);
      const completed = ok(await submit(terminal, session.id, { image: picture(9010, 1), hand: "unknown" }));
      assert.deepEqual([completed.status, completed.version], ["completed", version + 1]);
      assert.equal((await list(`members/${member_id}/palms`))[0].hand, "left");
    });

    it("takes the hand from the samples where the session knows none", async () => {
      const terminal = await newTerminal();
      const member_id = await newMember();
      const session = await start(terminal, { member_id, samples_required: 3 });
      const sample = async (n: number, hand?: string) =>
        ok(await submit(terminal, session.id, { image: picture(9015, n), ...(hand && { hand }) }));
      assert.equal((await sample(0)).samples_accepted, 1);
      assert.equal((await sample(1, "right")).samples_accepted, 2);
      assert.equal((await sample(2, "left")).last_rejection.code, "template_mismatch");
      assert.equal((await sample(2)).status, "completed");
      assert.equal((await list(`members/${member_id}/palms`))[0].hand, "right");
    });

    it("counts a sample once, and a session that has ended stays as it is", async () => {
      const terminal = await newTerminal();
      const session = await start(terminal, { member_id: await newMember(), samples_required: 2 });
      const first = { sample_id: randomUUID(), image: picture(9020, 0) };
      const poor = { sample_id: randomUUID(), image: FLAT };
      const last = { sample_id: randomUUID(), image: picture(9020, 1) };
      for (const body of [first, poor, last]) {
        const told = ok(await submit(terminal, session.id, body));
        assert.deepEqual(ok(await submit(terminal, session.id, body)), told);
        // What it shows is of no account.
        const other = { ...body, image: picture(9021, 0) };
        assert.deepEqual(ok(await submit(terminal, session.id, other)), told);
      }
      const completed = ok(await submit(terminal, session.id, first));
      assert.equal(completed.status, "completed");
      for (const body of [poor, last, { image: picture(9020, 2) }]) {
        assert.deepEqual(ok(await submit(terminal, session.id, body)), completed);
      }
      assertProblem(await submit(terminal, session.id, { image: "AAAA" }), 400, "invalid_request");
      assert.equal((await events()).length, 1);
      assert.equal((await list("scans")).total_count, 1);

      // Displaced by another one it is still found.
      const old = (await deps.devices.get(terminal.device.id))?.value.session;
      assert.ok(old);
      await deps.commit([deps.sessions.create(old)]);
      await start(terminal, { member_id: await newMember() });
      assert.deepEqual(ok(await submit(terminal, session.id, { image: picture(9020, 2) })), completed);
    });

    it("answers 410 where the session was cancelled, has failed or has expired, but to samples it knows", async () => {
      const terminal = await newTerminal();
      const member_id = await newMember();
      const known = randomUUID();
      const sample = { image: picture(9030, 0) };
      for (const status of ["cancelled", "failed", "expired"] as const) {
        const session = await start(terminal, { member_id, status, sample_ids: [known] });
        assertProblem(await submit(terminal, session.id, sample), 410, "expired");
        assert.deepEqual(
          ok(await submit(terminal, session.id, { sample_id: known, ...sample })),
          toWire(session),
        );
      }
      const created_at = new Date(Date.now() - 60_000);
      const expires_at = new Date(Date.now() - 30_000);
      const session = await start(terminal, { member_id, created_at, expires_at, sample_ids: [known] });
      assertProblem(await submit(terminal, session.id, sample), 410, "expired");
      // Before it says that it is over, it says what is wrong with the request.
      assertProblem(await submit(terminal, session.id, { image: "AAAA" }), 400, "invalid_request");
      assert.deepEqual(
        ok(await submit(terminal, session.id, { sample_id: known, ...sample })),
        toWire(session, { status: "expired", version: 2, updated_at: expires_at.toISOString() }),
      );
      assert.deepEqual((await list("scans")).items, []);
    });

    it("fails the session where the palm is another member's, or the member has four", async () => {
      const terminal = await newTerminal();
      const [owner, member_id] = [await newMember(), await newMember()];
      const enroll = (member_id: string, seed: number) =>
        api("POST", project("enroll"), {
          token: tenant.key,
          body: { member_id, samples: [{ image: picture(seed, 0) }] },
        });
      assert.equal((await enroll(owner, 9040)).status, 201);
      const failed = async (session: Session, seed: number, code: string) => {
        const told = ok(await submit(terminal, session.id, { image: picture(seed, 1) }));
        const { updated_at } = told;
        assert.deepEqual(
          told,
          toWire(session, {
            ...{ status: "failed", samples_accepted: 1, version: 2, updated_at },
            last_rejection: { code, at: updated_at },
          }),
        );
        assertProblem(await submit(terminal, session.id, { image: picture(seed, 2) }), 410, "expired");
      };
      const before = [(await list("scans")).total_count, (await events()).length];
      await failed(await start(terminal, { member_id }), 9040, "duplicate_palm");
      assert.deepEqual(await list(`members/${member_id}/palms`), []);
      assert.deepEqual([(await list("scans")).total_count, (await events()).length], before);
      const found = ok(await scan(terminal, { image: picture(9040, 3) }));
      assert.deepEqual([found.member_id, found.searched], [owner, 1]);

      for (const seed of [9041, 9042, 9043, 9044]) assert.equal((await enroll(member_id, seed)).status, 201);
      await failed(await start(terminal, { member_id }), 9045, "limit_reached");
      assert.equal((await list(`members/${member_id}/palms`)).length, 4);
      // One of the four is replaced.
      const session = await start(terminal, { member_id });
      assert.equal(ok(await submit(terminal, session.id, { image: picture(9042, 1) })).status, "completed");
      assert.equal((await list(`members/${member_id}/palms`)).length, 4);
    });

    it("refuses what is no sample, and the session does not notice", async () => {
      const terminal = await newTerminal();
      const session = await start(terminal, { member_id: await newMember() });
      const image = picture(9050, 0);
      for (const [body, where] of [
        [{ image, sample_id: undefined }, "sample_id"],
        [{ image, sample_id: "X" }, "sample_id"],
        [{ image, sample_id: randomUUID().toUpperCase() }, "sample_id"],
        [{}, "image"],
        [{ image, template: image }, "image"],
        [{ image: "AAAA" }, "image"],
        [{ template: "AAAA" }, "template"],
        [{ image, hand: "both" }, "hand"],
        [{ image, pad_score: 1.5 }, "pad_score"],
        [{ image, transaction: {} }, "transaction"],
      ] as const) {
        const answer = await submit(terminal, session.id, body);
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(
          answer.body.errors.map(({ path }: { path: string }) => path),
          [where],
        );
      }
      const large = Buffer.alloc(2 ** 20 + 1).toString("base64");
      assertProblem(await submit(terminal, session.id, { image: large }), 413, "too_large");
      assert.deepEqual((await deps.devices.get(terminal.device.id))?.value.session, session);
    });

    it("is closed to another device, a disabled one, and where the key was destroyed", async () => {
      const terminal = await newTerminal();
      const session = await start(terminal, { member_id: await newMember(), samples_required: 2 });
      const sample = { image: picture(9055, 0) };
      assertProblem(await submit(await newTerminal(), session.id, sample), 404, "not_found");
      assertProblem(await submit(terminal, randomUUID(), sample), 404, "not_found");
      await change(terminal.device, { enabled: false });
      assertProblem(await submit(terminal, session.id, sample), 403, "device_disabled");
      assertProblem(await scan(terminal, sample), 403, "device_disabled");
      await change(terminal.device, { enabled: true });
      assert.equal(ok(await submit(terminal, session.id, sample)).samples_accepted, 1);
      await destroyKey(tenant);
      assertProblem(await submit(terminal, session.id, { image: picture(9055, 1) }), 410, "expired");
      assertProblem(await scan(terminal, sample), 410, "expired");
    });

    it("is answered again to its Idempotency-Key", async () => {
      const terminal = await newTerminal();
      const session = await start(terminal, { member_id: await newMember() });
      const headers = { "Idempotency-Key": "sample 1" };
      const body = { sample_id: randomUUID(), image: picture(9057, 0) };
      const first = await submit(terminal, session.id, body, headers);
      const again = await submit(terminal, session.id, body, headers);
      assert.equal(ok(first).status, "completed");
      assert.deepEqual([again.text, again.headers.get("Idempotency-Replayed")], [first.text, "true"]);
      const other = { ...body, image: picture(9058, 0) };
      assertProblem(await submit(terminal, session.id, other, headers), 409, "idempotency_mismatch");
    });
  });

  describe("POST /v1/terminal/scans", () => {
    it("identifies or does not, with a scan and a transaction each", async () => {
      const gated = await newTenant(deps, { project: { server_lookup_enabled: false } });
      const terminal = await newTerminal({}, gated);
      const member_id = await newMember(gated);
      const session = await start(terminal, { member_id, hand: "right" });
      assert.equal(ok(await submit(terminal, session.id, { image: picture(9060, 0) })).status, "completed");

      const place = { project_id: gated.project.id, device_id: terminal.device.id };
      const known = ok(await scan(terminal, { image: picture(9060, 1), hand: "right", pad_score: 0.5 }));
      const { scan_id, score, threshold, took_ms } = known;
      assert.deepEqual(known, {
        ...{ scan_id, outcome: "identified", member_id, score, threshold, hand: "right", searched: 1 },
        ...{ took_ms, transaction: null },
      });
      assert.ok(score >= threshold);

      const payment = { amount_minor: 999_999_999_999, currency: "EUR", reference: "Lunch 🍜" };
      const pay = (seed: number, transaction: object) =>
        scan(terminal, { image: picture(seed, 2), transaction }, { "Idempotency-Key": randomUUID() });
      const approved = ok(await pay(9060, payment));
      assert.deepEqual(approved, {
        ...known,
        ...{ scan_id: approved.scan_id, score: approved.score, took_ms: approved.took_ms },
        transaction: {
          ...{ id: approved.transaction.id, ...place, member_id, scan_id: approved.scan_id },
          ...{ status: "approved", ...payment, created_at: approved.transaction.created_at },
        },
      });
      const declined = ok(await pay(9061, { amount_minor: 1, currency: "JPY" }));
      assert.deepEqual(declined, {
        ...{ scan_id: declined.scan_id, outcome: "no_match", member_id: null, score: null },
        ...{ threshold: declined.threshold, hand: null, searched: 1, took_ms: declined.took_ms },
        transaction: {
          ...{ id: declined.transaction.id, ...place, member_id: null, scan_id: declined.scan_id },
          ...{ status: "declined", amount_minor: 1, currency: "JPY", reference: null },
          created_at: declined.transaction.created_at,
        },
      });
      assert.deepEqual(await list("transactions", gated), [declined.transaction, approved.transaction]);

      const scans = (await list("scans", gated)).items.slice(0, 3);
      assert.deepEqual(
        scans,
        [declined, approved, known].map((one, index) => ({
          ...{ id: one.scan_id, ...place, api_key_id: null, source: "terminal", operation: "identify" },
          ...{ outcome: one.outcome, member_id: one.member_id, score: one.score },
          created_at: one.transaction?.created_at ?? scans[index].created_at,
        })),
      );
      const stored = await db().doc(`projects/${gated.project.id}/scans/${scan_id}`).get();
      assert.equal(stored.data()?.["pad_score"], 0.5);
    });

    it("wants an Idempotency-Key with a transaction, and then charges once", async () => {
      const terminal = await newTerminal();
      const body = { image: picture(9065, 0), transaction: { amount_minor: 450, currency: "EUR" } };
      const without = await scan(terminal, body);
      assertProblem(without, 400, "invalid_request");
      assert.deepEqual(
        without.body.errors.map(({ path }: { path: string }) => path),
        ["Idempotency-Key"],
      );
      assert.deepEqual(await list("transactions"), []);
      const headers = { "Idempotency-Key": "till 3, slip 17" };
      const [first, again] = [await scan(terminal, body, headers), await scan(terminal, body, headers)];
      assert.equal(ok(first).transaction.status, "declined");
      assert.deepEqual([again.text, again.headers.get("Idempotency-Replayed")], [first.text, "true"]);
      // Of another terminal it is another one.
      const other = await scan(await newTerminal(), body, headers);
      assert.equal(other.headers.get("Idempotency-Replayed"), null);
      assert.deepEqual(await list("transactions"), [ok(other).transaction, first.body.transaction]);
      const more = { ...body, transaction: { ...body.transaction, amount_minor: 451 } };
      assertProblem(await scan(terminal, more, headers), 409, "idempotency_mismatch");
      assert.equal((await scan(terminal, { image: picture(9065, 0) })).status, 200);
    });

    it("takes null for an optional field as its absence", async () => {
      const terminal = await newTerminal();
      const body = { image: picture(9067, 0), template: null, hand: null, pad_score: null };
      const paid = await scan(
        terminal,
        { ...body, transaction: { amount_minor: 450, currency: "SLE", reference: null } },
        { "Idempotency-Key": randomUUID() },
      );
      assert.deepEqual([paid.status, paid.body.transaction?.reference], [200, null], paid.text);
      const free = await scan(terminal, { ...body, transaction: null });
      assert.deepEqual([free.status, free.body.transaction], [200, null], free.text);
    });

    it("refuses transactions that are none, and pictures as identify does", async () => {
      const terminal = await newTerminal();
      const image = picture(9066, 0);
      const good = { amount_minor: 450, currency: "EUR" };
      for (const [transaction, where] of [
        [{ ...good, amount_minor: 0 }, "amount_minor"],
        [{ ...good, amount_minor: 1_000_000_000_000 }, "amount_minor"],
        [{ ...good, amount_minor: 4.5 }, "amount_minor"],
        [{ ...good, amount_minor: "450" }, "amount_minor"],
        [{ ...good, currency: "eur" }, "currency"],
        [{ ...good, currency: "EURO" }, "currency"],
        // ISO 4217: not a code, withdrawn, not money, for tests.
        [{ ...good, currency: "EUT" }, "currency"],
        [{ ...good, currency: "DEM" }, "currency"],
        [{ ...good, currency: "BGN" }, "currency"],
        [{ ...good, currency: "XAU" }, "currency"],
        [{ ...good, currency: "XXX" }, "currency"],
        [{ ...good, reference: "x".repeat(201) }, "reference"],
        [{ ...good, reference: "a\u0000b" }, "reference"],
        [{ ...good, reference: "\u202eecnereffer" }, "reference"],
        [{ ...good, amount_minor: null }, "amount_minor"],
        [{ ...good, tip: 1 }, "tip"],
        [{ amount_minor: 450 }, "currency"],
      ] as const) {
        const answer = await scan(terminal, { image, transaction }, { "Idempotency-Key": randomUUID() });
        assertProblem(answer, 400, "invalid_request");
        assert.deepEqual(
          answer.body.errors.map(({ path }: { path: string }) => path),
          [`transaction.${where}`],
        );
      }
      assertProblem(await scan(terminal, {}), 400, "invalid_request");
      // Null is absent: the picture is what is refused, and no key is needed.
      assertProblem(await scan(terminal, { image: FLAT, transaction: null }), 422, "poor_quality");
      assertProblem(await scan(terminal, { image: FLAT, template: null, hand: null }), 422, "poor_quality");
      assert.deepEqual([(await list("scans")).items, await list("transactions")], [[], []]);
    });

    it("tells of a success in mode demo, and of nothing else", async () => {
      const standard = await newTerminal();
      const demo = await newTerminal({ mode: "demo" });
      const member_id = await newMember();
      const session = await start(standard, { member_id });
      await submit(standard, session.id, { image: picture(9070, 0) });
      await scan(standard, { image: picture(9070, 1) });
      await scan(demo, { image: picture(9071, 1) });
      const { scan_id } = ok(await scan(demo, { image: picture(9070, 2) }));
      const [, event, ...others] = await events();
      assert.deepEqual(others, []);
      const scanned_at = (await list("scans")).items[0].created_at;
      assert.deepEqual(event, {
        event_id: event.event_id,
        event_type: "demo.scan.success",
        timestamp: scanned_at,
        project_id: tenant.project.id,
        data: {
          event_type: "demo.scan.success",
          ...{ scan_id, device_id: demo.device.id, member_id, scanned_at },
        },
      });
      // The list holds it back a while.
      await new Promise((resolve) => setTimeout(resolve, 5500));
      assert.deepEqual((await list("events?event_type=demo.scan.success")).items, [event]);
    });
  });

  describe("in a global environment", () => {
    let global: Tenant;
    let folder: string;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), "palmgate-"));
    });
    after(() => rmSync(folder, { recursive: true }));
    beforeEach(async () => {
      global = await newTenant(deps, { environment: { type: "global" } });
    });

    const palms = async () =>
      (await db().collection(`environments/${global.environment.id}/palms`).get()).docs.map((doc) =>
        doc.data(),
      );

    it("are nobody's: enrolled without a member, replaced under the same id, found without a name", async () => {
      const terminal = await newTerminal({ mode: "demo" }, global);
      const enrol = async (sample: number) => {
        const session = await start(terminal, { member_id: null });
        const body = ok(await submit(terminal, session.id, { image: picture(9080, sample) }));
        const { completed_at } = body;
        const ended = { status: "completed", samples_accepted: 1, version: 2 };
        assert.deepEqual(body, toWire(session, { ...ended, updated_at: completed_at, completed_at }));
        return { session_id: session.id, completed_at };
      };
      const first = await enrol(0);
      const [palm, ...more] = await palms();
      assert.deepEqual([palm?.["project_id"], palm?.["member_id"], more], [global.project.id, null, []]);
      const second = await enrol(1);
      const [replaced, ...others] = await palms();
      assert.deepEqual([replaced?.["id"], others], [palm?.["id"], []]);
      assert.notEqual(replaced?.["object"], palm?.["object"]);

      // By a terminal of another project, too.
      const beside = { ...global.project, id: randomUUID() };
      await deps.commit([deps.projects.create(beside)]);
      const neighbour = { ...global, project: beside };
      const other = await newTerminal({}, neighbour);
      const pay = { transaction: { amount_minor: 450, currency: "EUR" } };
      for (const [of, at] of [
        [terminal, global],
        [other, neighbour],
      ] as const) {
        const headers = { "Idempotency-Key": randomUUID() };
        const found = ok(await scan(of, { image: picture(9080, 2), ...pay }, headers));
        const { scan_id, score, threshold, took_ms, transaction } = found;
        assert.deepEqual(found, {
          ...{ scan_id, outcome: "identified", member_id: null, score, threshold, hand: "unknown" },
          ...{ searched: 1, took_ms, transaction },
        });
        assert.deepEqual([transaction.status, transaction.member_id], ["approved", null]);
        const [newest] = (await list("scans", at)).items;
        assert.deepEqual(newest, {
          ...{ id: scan_id, project_id: at.project.id, device_id: of.device.id, source: "terminal" },
          ...{ operation: "identify", outcome: "identified", member_id: null, score, api_key_id: null },
          created_at: transaction.created_at,
        });
      }
      assert.deepEqual(
        (await events(global)).map(({ data }) => data),
        [
          ...[first, second].map(({ session_id, completed_at }) => ({
            event_type: "enrollment.completed",
            ...{ session_id, member_id: null, device_id: terminal.device.id, completed_at },
          })),
          {
            event_type: "demo.scan.success",
            scan_id: (await list("scans", global)).items[0].id,
            ...{ device_id: terminal.device.id, member_id: null },
            scanned_at: (await list("scans", global)).items[0].created_at,
          },
        ],
      );
    });

    it("are erased by their picture, by the operator", async () => {
      const terminal = await newTerminal({}, global);
      const session = await start(terminal, { member_id: null });
      await submit(terminal, session.id, { image: picture(9085, 0) });
      const image = join(folder, "palm.png");
      writeFileSync(image, encodePng(steadyPalm({ seed: 9085, sample: 1 })));
      const target = `emulators at ${process.env["FIRESTORE_EMULATOR_HOST"]}, project demo-palmgate-test\n`;
      const erase = async (environment_id: string, file: string, ...more: string[]) => {
        const args = ["palm", "erase", "--environment", environment_id, "--image", file, ...more];
        const { code, out, said } = await admin([...args, "--json", "--project", "demo-palmgate-test"]);
        return { code, result: out && JSON.parse(out), said: said.replace(target, "") };
      };
      const would = await erase(global.environment.id, image);
      const [palm] = await palms();
      const { created_at, score, threshold } = would.result;
      const found = { palm_id: palm?.["id"], created_at, score, threshold };
      assert.deepEqual(would, {
        code: 1,
        result: { environment_id: global.environment.id, ...found, outcome: "would_erase" },
        said: "nothing was done: with --yes the palm is erased\n",
      });
      assert.equal(created_at, palm?.["created_at"].toDate().toISOString());
      assert.equal((await palms()).length, 1);
      assert.deepEqual(await erase(global.environment.id, image, "--yes"), {
        code: 0,
        result: { ...would.result, outcome: "erased" },
        said: "no request that begins now finds the palm; run it again until it finds none\n",
      });
      assert.equal(ok(await scan(terminal, { image: picture(9085, 2) })).searched, 0);
      assert.deepEqual(await erase(global.environment.id, image, "--yes"), {
        code: 1,
        result: {
          environment_id: global.environment.id,
          ...{ palm_id: null, created_at: null, score: null, outcome: "no_match" },
          threshold: (await erase(global.environment.id, image)).result.threshold,
        },
        said: "no palm is like the picture\n",
      });
      assert.deepEqual(await erase(tenant.environment.id, image, "--yes"), {
        code: 1,
        result: "",
        said: "admin: Its palms have members: deletePalm of the API erases them.\n",
      });
      writeFileSync(image, "no picture");
      const broken = await erase(global.environment.id, image);
      assert.equal(broken.code, 1);
      assert.match(broken.said, /^admin: The request is not valid\. \(image [^\n]+\)\n$/);
      const audit = await api("GET", `/v1/organization/${global.organization.id}/audit`, {
        token: global.user.token,
      });
      const entries = audit.body.items.filter(
        (one: { actor: { type: string } }) => one.actor.type === "operator",
      );
      assert.deepEqual(entries, [
        {
          ...{ id: entries[0].id, organization_id: global.organization.id, project_id: null },
          actor: { type: "operator", id: userInfo().username },
          ...{ operation: "palm erase", target: { type: "palm", id: palm?.["id"] } },
          ...{
            request_id: entries[0].request_id,
            client_request_id: null,
            created_at: entries[0].created_at,
          },
        },
      ]);
    });

    it("have no members, and without an environment there are none at all", async () => {
      const none = await newTenant(deps, { project: { environment_id: null } });
      const foreign = await newTenant(deps, { environment: { organization_id: randomUUID() } });
      const code = "environment_not_tenant_managed";
      const id = randomUUID();
      for (const customer of [global, none, foreign]) {
        for (const [method, rest] of [
          ["POST", "identify"],
          ["POST", "enroll"],
          ["GET", "members"],
          ["POST", "members"],
          ["GET", `members/${id}`],
          ["PATCH", `members/${id}`],
          ["PUT", `members/${id}`],
          ["DELETE", `members/${id}`],
          ["GET", `members/${id}/palms`],
          ["DELETE", `members/${id}/palms/${id}`],
          ["POST", `members/${id}/verify`],
        ] as const) {
          assertProblem(await api(method, project(rest, customer), { token: customer.key }), 403, code);
        }
      }
      for (const customer of [none, foreign]) {
        const terminal = await newTerminal({}, customer);
        const session = await start(terminal, { member_id: null });
        assertProblem(await submit(terminal, session.id, { image: picture(9090, 0) }), 403, code);
        assertProblem(await scan(terminal, { image: picture(9090, 0) }), 403, code);
      }
    });
  });
});
