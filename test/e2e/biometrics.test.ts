import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseKey } from "../../functions/src/domain/credential/key.ts";
import { assertProblem, type Client, createClient } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** A picture of palm `seed` as session `sample` sees it, base64. */
const picture = (seed: number, sample: number): string =>
  Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64");

const threeOf = (seed: number) => [0, 1, 2].map((sample) => ({ image: picture(seed, sample) }));

describe("Palms", () => {
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

  const at = (verb: string, of = tenant) => `/v1/project/${of.project.id}/${verb}`;
  const identify = (body: unknown, of = tenant) => api("POST", at("identify", of), { token: of.key, body });
  const enroll = (body: unknown, of = tenant) => api("POST", at("enroll", of), { token: of.key, body });
  const newMember = async (of = tenant): Promise<string> =>
    (await api("POST", at("members", of), { token: of.key })).body.id;
  const stored = async (collection: string) =>
    (await db().collection(`projects/${tenant.project.id}/${collection}`).get()).docs.map((doc) =>
      doc.data(),
    );

  describe("POST /v1/project/{project_id}/enroll", () => {
    it("enrols a palm that the very next identify names, with one scan each and one event", async () => {
      const member_id = await newMember();
      const palm = await enroll({
        member_id,
        samples: threeOf(1).map((s) => ({ ...s, hand: "left", pad_score: 0.9 })),
      });
      assert.equal(palm.status, 201, palm.text);
      const { id, quality, created_at } = palm.body;
      assert.deepEqual(palm.body, {
        id,
        member_id,
        hand: "left",
        template_format: "palm-code.v1",
        samples: 3,
        quality,
        created_at,
      });
      assert.ok(quality > 0 && quality <= 100);

      const found = await identify({ image: picture(1, 3), pad_score: 0.5 });
      assert.equal(found.status, 200, found.text);
      const { scan_id, score, threshold, took_ms } = found.body;
      assert.deepEqual(found.body, {
        scan_id,
        outcome: "identified",
        member_id,
        score,
        threshold,
        hand: "left",
        searched: 1,
        took_ms,
      });
      assert.ok(score >= threshold && score <= 1);
      for (const figure of [score, threshold]) assert.equal(figure, Math.round(figure * 100) / 100);
      const member = await api("GET", at(`members/${member_id}`), { token: tenant.key });
      assert.equal(member.body.palms, 1);

      const scans = await stored("scans");
      const api_key_id = parseKey("pg", tenant.key)?.id;
      const shared = { project_id: tenant.project.id, device_id: null, api_key_id, source: "api" };
      assert.deepEqual(
        scans
          .map(({ created_at: _, ...scan }) => scan)
          .sort((a, b) => a["operation"].localeCompare(b["operation"])),
        [
          {
            ...shared,
            id: scans.find((scan) => scan["operation"] === "enroll")?.["id"],
            operation: "enroll",
            outcome: "enrolled",
            member_id: null,
            score: null,
            pad_score: 0.9,
          },
          {
            ...shared,
            id: scan_id,
            operation: "identify",
            outcome: "identified",
            member_id,
            score,
            pad_score: 0.5,
          },
        ],
      );
      const events = await stored("events");
      assert.equal(events.length, 1);
      const event = events[0] as Record<string, unknown>;
      assert.ok(event["dispatched_at"], "it is on its way");
      assert.deepEqual(JSON.parse(event["body"] as string), {
        event_id: event["id"],
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
    });

    it("refuses a palm of another member, and leaves nothing of it", async () => {
      await enroll({ member_id: await newMember(), samples: threeOf(2) });
      const second = await newMember();
      assertProblem(
        await enroll({ member_id: second, samples: [{ image: picture(2, 5) }] }),
        409,
        "duplicate_palm",
      );
      assert.equal((await api("GET", at(`members/${second}`), { token: tenant.key })).body.palms, 0);
      assert.equal((await stored("scans")).length, 1);
      assert.equal((await stored("events")).length, 1);
    });

    it("knows a palm again when it is said to be the other hand", async () => {
      const member_id = await newMember();
      const right = await enroll({ member_id, samples: [{ image: picture(4, 0), hand: "right" }] });
      const other = await enroll({
        member_id: await newMember(),
        samples: [{ image: picture(4, 1), hand: "left" }],
      });
      assertProblem(other, 409, "duplicate_palm");
      const left = await enroll({ member_id, samples: [{ image: picture(4, 1), hand: "left" }] });
      assert.deepEqual({ id: left.body.id, hand: left.body.hand }, { id: right.body.id, hand: "left" });
    });

    it("replaces a palm that the member has already, under the same id, once in the log", async () => {
      const member_id = await newMember();
      const first = await enroll({ member_id, samples: [{ image: picture(3, 0) }] });
      const again = await enroll({ member_id, samples: [1, 2].map((s) => ({ image: picture(3, s) })) });
      assert.equal(again.status, 201, again.text);
      assert.equal(again.body.id, first.body.id);
      assert.equal(again.body.samples, 2);
      const found = await identify({ image: picture(3, 4) });
      assert.deepEqual(
        { member_id: found.body.member_id, searched: found.body.searched },
        { member_id, searched: 1 },
      );
      const changes = await db().collection(`environments/${tenant.environment.id}/changes`).get();
      assert.deepEqual(
        changes.docs.map((doc) => [doc.id, doc.data()["template"] === null]),
        [
          ["000000000001", true],
          ["000000000002", false],
        ],
      );
      assert.equal((await api("GET", at(`members/${member_id}`), { token: tenant.key })).body.palms, 1);
    });

    it("takes four palms of a member, and no fifth", async () => {
      const member_id = await newMember();
      for (const seed of [11, 12, 13, 14]) {
        const palm = await enroll({ member_id, samples: [{ image: picture(seed, 0) }] });
        assert.equal(palm.status, 201, palm.text);
      }
      assertProblem(await enroll({ member_id, samples: [{ image: picture(15, 0) }] }), 409, "limit_reached");
      const replaced = await enroll({ member_id, samples: [{ image: picture(12, 1) }] });
      assert.equal(replaced.status, 201, replaced.text);
    });

    it("refuses samples of two palms, and of two hands", async () => {
      const member_id = await newMember();
      const two = [{ image: picture(20, 0) }, { image: picture(21, 0) }];
      assertProblem(await enroll({ member_id, samples: two }), 422, "template_mismatch");
      const hands = await enroll({
        member_id,
        samples: [
          { image: picture(20, 0), hand: "left" },
          { image: picture(20, 1) },
          { image: picture(20, 2), hand: "right" },
        ],
      });
      assertProblem(hands, 400, "invalid_request");
      assert.equal(hands.body.errors[0].path, "samples.2.hand");
    });

    it("answers 404 for a member that is missing or another project's", async () => {
      const other = await newTenant(deps);
      const samples = threeOf(22);
      assertProblem(await enroll({ member_id: randomUUID(), samples }), 404, "not_found");
      assertProblem(await enroll({ member_id: await newMember(other), samples }), 404, "not_found");
    });

    it("takes templates of the environment's format, and refuses a wrong hand and broken bytes", async () => {
      const { decodeImage, extractTemplate } = await import("../../functions/src/palm/index.ts");
      const image = await decodeImage(encodePng(steadyPalm({ seed: 23, sample: 0 })));
      const { template } = extractTemplate(image, { hand: "right" });
      const base64 = Buffer.from(template).toString("base64");
      const member_id = await newMember();
      const wrong = await enroll({ member_id, samples: [{ template: base64, hand: "left" }] });
      assertProblem(wrong, 400, "invalid_request");
      assert.equal(wrong.body.errors[0].path, "samples.0.template");
      const broken = Buffer.from(template);
      broken[100] = (broken[100] ?? 0) ^ 1;
      const refused = await enroll({ member_id, samples: [{ template: broken.toString("base64") }] });
      assertProblem(refused, 400, "invalid_request");
      assert.equal(refused.body.errors[0].path, "samples.0.template");
      const palm = await enroll({ member_id, samples: [{ template: base64 }] });
      assert.equal(palm.status, 201, palm.text);
      assert.equal(palm.body.hand, "right");
      assert.equal((await identify({ template: base64 })).body.member_id, member_id);
    });
  });

  describe("POST /v1/project/{project_id}/identify", () => {
    it("answers no_match for a stranger, and for anybody in an empty gallery", async () => {
      const nobody = await identify({ image: picture(30, 0) });
      assert.deepEqual(
        { outcome: nobody.body.outcome, searched: nobody.body.searched },
        { outcome: "no_match", searched: 0 },
      );
      await enroll({ member_id: await newMember(), samples: threeOf(31) });
      const stranger = await identify({ image: picture(30, 1) });
      const { scan_id, threshold, took_ms } = stranger.body;
      assert.deepEqual(stranger.body, {
        scan_id,
        outcome: "no_match",
        member_id: null,
        score: null,
        threshold,
        hand: null,
        searched: 1,
        took_ms,
      });
      assert.equal((await stored("scans")).length, 3);
    });

    it("looks only at palms of that hand, and at those of no known hand", async () => {
      await enroll({ member_id: await newMember(), samples: [{ image: picture(32, 0), hand: "left" }] });
      await enroll({ member_id: await newMember(), samples: [{ image: picture(33, 0) }] });
      const right = await identify({ image: picture(32, 1), hand: "right" });
      assert.deepEqual(
        { outcome: right.body.outcome, searched: right.body.searched },
        { outcome: "no_match", searched: 1 },
      );
      assert.equal((await identify({ image: picture(32, 1), hand: "left" })).body.searched, 2);
    });

    it("does not see the palms of another project in the same environment", async () => {
      const sibling = { ...tenant.project, id: randomUUID() };
      await deps.commit([deps.projects.create(sibling)]);
      const other = { ...tenant, project: sibling };
      await enroll({ member_id: await newMember(), samples: threeOf(34) });
      const elsewhere = await identify({ image: picture(34, 3) }, other);
      assert.deepEqual(
        { outcome: elsewhere.body.outcome, searched: elsewhere.body.searched },
        { outcome: "no_match", searched: 0 },
      );
      const twin = await newMember(other);
      assert.equal((await enroll({ member_id: twin, samples: threeOf(34) }, other)).status, 201);
      assert.equal((await identify({ image: picture(34, 4) }, other)).body.member_id, twin);
    });

    it("is gated by server lookup, enrolment is not", async () => {
      const gated = await newTenant(deps, { project: { server_lookup_enabled: false } });
      const forbidden = await newTenant(deps, { environment: { server_lookup_allowed: false } });
      for (const customer of [gated, forbidden]) {
        assertProblem(await identify({ image: picture(45, 0) }, customer), 403, "server_lookup_disabled");
      }
      const enrolled = await enroll({ member_id: await newMember(gated), samples: threeOf(45) }, gated);
      assert.equal(enrolled.status, 201);
    });

    it("needs an environment of the project's organization alone, and says that first", async () => {
      const closed = { server_lookup_enabled: false };
      const global = await newTenant(deps, { environment: { type: "global" }, project: closed });
      const none = await newTenant(deps, { project: { environment_id: null, ...closed } });
      const foreign = await newTenant(deps, {
        environment: { organization_id: randomUUID() },
        project: closed,
      });
      for (const customer of [global, none, foreign]) {
        assertProblem(await identify({}, customer), 403, "environment_not_tenant_managed");
        assertProblem(await enroll({}, customer), 403, "environment_not_tenant_managed");
        assertProblem(
          await api("POST", at("members", customer), { token: customer.key }),
          403,
          "environment_not_tenant_managed",
        );
      }
    });

    it("answers 410 once the environment's key is destroyed", async () => {
      const member_id = await newMember();
      await enroll({ member_id, samples: threeOf(36) });
      await db().doc(`environments/${tenant.environment.id}/gallery/current`).update({ wrapped_key: null });
      assertProblem(await identify({ image: picture(36, 3) }), 410, "expired");
      assertProblem(await enroll({ member_id, samples: threeOf(36) }), 410, "expired");
    });
  });

  describe("POST /v1/project/{project_id}/members/{member_id}/verify", () => {
    const verify = (member_id: string, body: unknown, of = tenant) =>
      api("POST", at(`members/${member_id}/verify`, of), { token: of.key, body });

    it("answers match for the member's palm and no_match for another's, with a scan each", async () => {
      const member_id = await newMember();
      await enroll({ member_id, samples: threeOf(50).map((s) => ({ ...s, hand: "left" })) });
      const other = await newMember();
      await enroll({ member_id: other, samples: threeOf(51) });

      const own = await verify(member_id, { image: picture(50, 3), pad_score: 0.25 });
      assert.equal(own.status, 200, own.text);
      const { scan_id, score, threshold, took_ms } = own.body;
      assert.deepEqual(own.body, { scan_id, outcome: "match", score, threshold, hand: "left", took_ms });
      assert.ok(score >= threshold && score <= 1);

      const wrong = await verify(member_id, { image: picture(51, 3) });
      assert.equal(wrong.body.outcome, "no_match");
      assert.deepEqual([wrong.body.score, wrong.body.hand], [null, null]);
      for (const figure of [score, threshold, wrong.body.threshold])
        assert.equal(figure, Math.round(figure * 100) / 100);
      const scans = (await stored("scans")).filter((scan) => scan["operation"] === "verify");
      assert.deepEqual(
        scans
          .map(({ created_at: _, ...scan }) => scan)
          .sort((a, b) => a["outcome"].localeCompare(b["outcome"])),
        [
          { ...own.body, pad_score: 0.25 },
          { ...wrong.body, pad_score: null },
        ].map(({ scan_id: id, outcome, score: told, pad_score }) => ({
          id,
          project_id: tenant.project.id,
          device_id: null,
          api_key_id: parseKey("pg", tenant.key)?.id,
          source: "api",
          operation: "verify",
          outcome,
          member_id: null,
          score: told,
          pad_score,
        })),
      );
    });

    it("compares with nothing where the member has no palm, or none of that hand", async () => {
      const member_id = await newMember();
      const bare = await verify(member_id, { image: picture(52, 0) });
      assert.deepEqual(
        { outcome: bare.body.outcome, score: bare.body.score, hand: bare.body.hand },
        { outcome: "no_match", score: null, hand: null },
      );
      await enroll({ member_id, samples: threeOf(52).map((s) => ({ ...s, hand: "left" })) });
      const right = await verify(member_id, { image: picture(52, 3), hand: "right" });
      assert.deepEqual([right.body.outcome, right.body.score], ["no_match", null]);
      assert.equal((await verify(member_id, { image: picture(52, 3), hand: "left" })).body.outcome, "match");
    });

    it("is gated as identify is, and answers 404, 410 and 422 as it does", async () => {
      const member_id = await newMember();
      const gated = await newTenant(deps, { project: { server_lookup_enabled: false } });
      assertProblem(
        await verify(await newMember(gated), { image: picture(53, 0) }, gated),
        403,
        "server_lookup_disabled",
      );
      assertProblem(await verify(randomUUID(), { image: picture(53, 0) }, gated), 404, "not_found");
      const global = await newTenant(deps, { environment: { type: "global" } });
      assertProblem(await verify(member_id, {}, global), 403, "environment_not_tenant_managed");
      assertProblem(await verify(randomUUID(), {}), 404, "not_found");
      const flat = encodePng({ width: 200, height: 200, gray: new Uint8Array(40_000).fill(128) });
      const poor = await verify(member_id, { image: Buffer.from(flat).toString("base64") });
      assertProblem(poor, 422, "poor_quality");
      assertProblem(await verify(member_id, {}), 400, "invalid_request");
      await db().doc(`environments/${tenant.environment.id}/gallery/current`).update({ wrapped_key: null });
      assertProblem(await verify(member_id, { image: picture(53, 0) }), 410, "expired");
    });
  });

  describe("…/members/{member_id}/palms", () => {
    const palmsOf = (member_id: string, rest = "") => at(`members/${member_id}/palms${rest}`);
    const list = async (member_id: string) =>
      (await api("GET", palmsOf(member_id), { token: tenant.key })).body;

    it("GET lists them newest first; DELETE erases one, and twice is 404", async () => {
      const member_id = await newMember();
      assert.deepEqual(await list(member_id), []);
      const left = (await enroll({ member_id, samples: threeOf(60).map((s) => ({ ...s, hand: "left" })) }))
        .body;
      const right = (await enroll({ member_id, samples: threeOf(61) })).body;
      assert.deepEqual(await list(member_id), [right, left]);
      const updated = (await api("GET", at(`members/${member_id}`), { token: tenant.key })).body;
      assert.equal(updated.palms, 2);

      const erased = await api("DELETE", palmsOf(member_id, `/${left.id}`), { token: tenant.user.token });
      assert.deepEqual([erased.status, erased.text], [204, ""]);
      assert.deepEqual(await list(member_id), [right]);
      assert.equal((await api("GET", at(`members/${member_id}`), { token: tenant.key })).body.palms, 1);
      const gone = await identify({ image: picture(60, 3) });
      assert.deepEqual([gone.body.outcome, gone.body.searched], ["no_match", 1]);
      assert.equal((await identify({ image: picture(61, 3) })).body.member_id, member_id);
      assertProblem(
        await api("DELETE", palmsOf(member_id, `/${left.id}`), { token: tenant.key }),
        404,
        "not_found",
      );
      // Erased is forgotten: the palm may be enrolled again, by anybody.
      assert.equal((await enroll({ member_id: await newMember(), samples: threeOf(60) })).status, 201);
    });

    it("DELETE does not erase a palm by another member's path", async () => {
      const [member_id, other] = [await newMember(), await newMember()];
      const { body: palm } = await enroll({ member_id, samples: threeOf(62) });
      assertProblem(
        await api("DELETE", palmsOf(other, `/${palm.id}`), { token: tenant.key }),
        404,
        "not_found",
      );
      assert.equal((await identify({ image: picture(62, 3) })).body.member_id, member_id);
    });

    it("gives a place free: a member of four palms takes another after one is erased", async () => {
      const member_id = await newMember();
      const palms = [];
      for (const seed of [63, 64, 65, 66]) {
        palms.push((await enroll({ member_id, samples: [{ image: picture(seed, 0) }] })).body);
      }
      assertProblem(await enroll({ member_id, samples: [{ image: picture(67, 0) }] }), 409, "limit_reached");
      await api("DELETE", palmsOf(member_id, `/${palms[1].id}`), { token: tenant.key });
      assert.equal((await enroll({ member_id, samples: [{ image: picture(67, 0) }] })).status, 201);
    });
  });

  it("leave exactly one scan for each 200 and each enrolment, one event for each enrolment, none for a refusal", async () => {
    const member_id = await newMember();
    const counts = async () => [(await stored("scans")).length, (await stored("events")).length];
    const image = picture(70, 3);
    const path = at(`members/${member_id}/verify`);
    const steps: [what: string, send: () => Promise<{ status: number }>, scans: number, events: number][] = [
      ["a search of nobody", () => identify({ image }), 1, 0],
      ["an enrolment", () => enroll({ member_id, samples: threeOf(70) }), 1, 1],
      ["a match", () => api("POST", path, { token: tenant.key, body: { image } }), 1, 0],
      ["no match", () => api("POST", path, { token: tenant.key, body: { image: picture(71, 0) } }), 1, 0],
      ["an identification", () => identify({ image }), 1, 0],
      ["a replacement", () => enroll({ member_id, samples: threeOf(70) }), 1, 1],
      ["bad input", () => identify({ image: "AAAA" }), 0, 0],
      ["a bad verification", () => api("POST", path, { token: tenant.key, body: {} }), 0, 0],
      ["an unknown member", () => enroll({ member_id: randomUUID(), samples: threeOf(70) }), 0, 0],
      [
        "samples of two palms",
        () => enroll({ member_id, samples: [...threeOf(70), { image: picture(71, 0) }] }),
        0,
        0,
      ],
    ];
    for (const [what, send, scans, events] of steps) {
      const [scansBefore = 0, eventsBefore = 0] = await counts();
      const { status } = await send();
      assert.equal(status < 300, scans === 1, `${what}: ${status}`);
      assert.deepEqual(await counts(), [scansBefore + scans, eventsBefore + events], what);
    }
  });
});
