import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { encodeJpeg } from "../support/encodeJpeg.ts";
import { CHECKED_HANDS, notAHand, renderHand } from "../support/hands.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { newDeviceWithKey, newSession } from "../support/rows.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const HANDS = new URL("../../emulator-data/hands/", import.meta.url);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
/** Photographs of one right hand. */
const photo = (name: string) => ({ photo: base64(readFileSync(new URL(`visitor-${name}.jpg`, HANDS))) });
const enrolled = ["enrol-1", "enrol-2", "enrol-3"].map(photo);

describe("Photographs of hands", () => {
  let deps: Deps;
  let api: Client;
  let tenant: Tenant;
  let wall: { photo: string };
  let leftHand: { photo: string };

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
    const [left] = CHECKED_HANDS;
    assert.equal(left.hand, "left");
    [wall, leftHand] = (await Promise.all(
      [notAHand("wall", 1), renderHand(left)].map(async (picture) => ({
        photo: base64(await encodeJpeg(picture)),
      })),
    )) as [{ photo: string }, { photo: string }];
  });
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const send = (verb: string, body: object): Promise<Answer> =>
    api("POST", `/v1/project/${tenant.project.id}/${verb}`, { token: tenant.key, body });
  const newMember = async (): Promise<string> => (await send("members", {})).body.id;
  const enroll = async (samples: object[], member_id?: string): Promise<Answer> =>
    send("enroll", { member_id: member_id ?? (await newMember()), samples });

  it("are enrolled, and found by identify, verify and scan; the hand is taken from them", async () => {
    const member_id = await newMember();
    const palm = await enroll(enrolled, member_id);
    assert.equal(palm.status, 201, palm.text);
    assert.deepEqual([palm.body.hand, palm.body.samples], ["right", 3]);

    const found = await send("identify", photo("fresh-1"));
    assert.deepEqual(
      [found.body.outcome, found.body.member_id, found.body.hand],
      ["identified", member_id, "right"],
    );
    const verified = await send(`members/${member_id}/verify`, { ...photo("fresh-2"), hand: "right" });
    assert.deepEqual([verified.body.outcome, verified.body.hand], ["match", "right"]);

    const { device, key: token } = newDeviceWithKey({ project_id: tenant.project.id });
    await deps.commit([deps.devices.create(device)]);
    const scanned = await api("POST", "/v1/terminal/scans", { token, body: photo("fresh-1") });
    assert.equal(scanned.body.member_id, member_id, scanned.text);
  });

  it("are searched among both hands unless one is said", async () => {
    const member_id = await newMember();
    const said = enrolled.map((sample) => ({ ...sample, hand: "right" }));
    assert.equal((await enroll(said, member_id)).status, 201);
    const image = { image: base64(encodePng(steadyPalm({ seed: 1 }))), hand: "left" };
    assert.equal((await enroll([image])).status, 201);
    for (const [body, searched] of [
      [photo("fresh-1"), 2],
      [{ ...photo("fresh-1"), hand: "right" }, 1],
    ] as const) {
      const found = await send("identify", body);
      assert.deepEqual([found.body.member_id, found.body.searched], [member_id, searched], found.text);
    }
  });

  it("are refused without a hand, and of the other hand, on every operation, and leave nothing", async () => {
    const member_id = await newMember();
    const { device, key: token } = newDeviceWithKey({ project_id: tenant.project.id });
    await deps.commit([deps.devices.create(device)]);
    for (const [sample, code] of [
      [wall, "no_hand"],
      [{ ...photo("fresh-1"), hand: "left" }, "hand_mismatch"],
      [{ ...leftHand, hand: "right" }, "hand_mismatch"],
    ] as const) {
      assertProblem(await send("identify", sample), 422, code);
      assertProblem(await send(`members/${member_id}/verify`, sample), 422, code);
      assertProblem(await enroll([photo("enrol-1"), sample], member_id), 422, code);
      assertProblem(await api("POST", "/v1/terminal/scans", { token, body: sample }), 422, code);
    }
    assertProblem(await enroll([photo("enrol-1"), leftHand], member_id), 422, "hand_mismatch");
    const { body } = await api("GET", `/v1/project/${tenant.project.id}/scans`, { token: tenant.key });
    assert.deepEqual(body.items, []);
    const member = await api("GET", `/v1/project/${tenant.project.id}/members/${member_id}`, {
      token: tenant.key,
    });
    assert.equal(member.body.palms, 0);
  });

  it("that show no hand or the other one are rejections of a session, which goes on", async () => {
    const session = newSession({
      ...{ id: randomUUID(), device_id: randomUUID(), project_id: tenant.project.id },
      ...{ member_id: await newMember(), hand: "right", samples_required: 2 },
    });
    const { device, key: token } = newDeviceWithKey({
      id: session.device_id,
      project_id: tenant.project.id,
      session,
    });
    await deps.commit([deps.devices.create(device)]);
    const submit = async (sample: object) => {
      const body = { sample_id: randomUUID(), ...sample };
      const answer = await api("POST", `/v1/terminal/enrollment/${session.id}/samples`, { token, body });
      assert.equal(answer.status, 200, answer.text);
      const again = await api("POST", `/v1/terminal/enrollment/${session.id}/samples`, { token, body });
      assert.deepEqual(again.body, answer.body, "sent again, it is not judged again");
      const { status, samples_accepted, last_rejection, version } = answer.body;
      return [status, samples_accepted, last_rejection?.code ?? null, version];
    };
    assert.deepEqual(await submit(wall), ["pending", 0, "no_hand", 2]);
    assert.deepEqual(await submit(photo("enrol-1")), ["capturing", 1, "no_hand", 3]);
    assert.deepEqual(await submit(leftHand), ["capturing", 1, "hand_mismatch", 4]);
    assert.deepEqual(await submit(photo("enrol-2")), ["completed", 2, "hand_mismatch", 5]);
  });

  it("are told what is wrong with them at their place", async () => {
    const member_id = await newMember();
    const png = base64(encodePng(steadyPalm({ seed: 1 })));
    const tooSmall = base64(encodePng({ width: 95, height: 200, gray: new Uint8Array(95 * 200) }));
    for (const [sample, message] of [
      [{ photo: "AAAA" }, /not a PNG, JPEG or WebP/],
      [{ photo: tooSmall }, /96\.\.4096/],
      [{ photo: "AAA" }, /base64/],
    ] as const) {
      const answer = await enroll([{ image: png }, sample], member_id);
      assertProblem(answer, 400, "invalid_request");
      assert.equal(answer.body.errors[0].path, "samples.1.photo");
      assert.match(answer.body.errors[0].message, message);
    }
    for (const sample of [{ photo: png, image: png }, { photo: png, template: "AAAA" }, {}]) {
      const answer = await send("identify", sample);
      assertProblem(answer, 400, "invalid_request");
      assert.match(answer.body.errors[0].message, /exactly one of image, photo and template/);
    }
  });

  it("contradict a hand in the same way, whichever sample comes first", async () => {
    const member_id = await newMember();
    const right = photo("enrol-1");
    const image = { image: base64(encodePng(steadyPalm({ seed: 1 }))) };
    for (const samples of [
      [leftHand, right],
      [leftHand, { ...right, hand: "unknown" }],
      [{ ...image, hand: "left" }, right],
      [right, { ...image, hand: "left" }],
    ]) {
      const answer = await enroll(samples, member_id);
      assertProblem(answer, 422, "hand_mismatch");
      assert.match(answer.body.detail, /do not show the same hand/);
    }
    const said = await enroll(
      [
        { ...image, hand: "left" },
        { ...right, hand: "right" },
      ],
      member_id,
    );
    assertProblem(said, 400, "invalid_request");
    assert.equal(said.body.errors[0].path, "samples.1.hand");
    const third = await enroll([right, right, wall], member_id);
    assert.match(third.body.detail, /^samples\.2: The photograph shows no open hand/);
  });

  it("that are too large are refused each time", async () => {
    for (let n = 0; n < 10; n++) {
      const answer = await send("identify", { photo: "A".repeat(13 * 1024 * 1024) });
      assertProblem(answer, 413, "too_large");
    }
    assert.equal((await send("identify", photo("fresh-1"))).status, 200);
  });

  it("have up to 8 MiB, and two of them fit into one enrollment", async () => {
    const bytes = (name: string) => readFileSync(new URL(`visitor-${name}.jpg`, HANDS));
    const padded = (name: string, size: number) => {
      const whole = Buffer.alloc(size);
      whole.set(bytes(name));
      return { photo: base64(whole) };
    };
    const MIB = 1024 * 1024;
    const palm = await enroll([padded("enrol-1", 8 * MIB), padded("enrol-2", 8 * MIB)]);
    assert.equal(palm.status, 201, palm.text);
    assert.equal((await send("identify", padded("fresh-1", 8 * MIB))).body.outcome, "identified");
    const larger = await send("identify", padded("fresh-1", 8 * MIB + 1));
    assertProblem(larger, 413, "too_large");
    assert.equal(larger.body.detail, "photo is larger than 8 MiB.");
    assertProblem(await send("identify", padded("fresh-1", 10 * MIB)), 413, "too_large");
  });
});
