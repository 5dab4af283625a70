import assert from "node:assert/strict";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { type Answer, assertProblem } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm, syntheticPalm } from "../support/palms.ts";
import { newDeviceWithKey } from "../support/rows.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const LIMIT = 5;
const WINDOW_S = 15 * 60;
/** How many members are enrolled, and how many strangers search among them. */
const MEMBERS = 12;
const STRANGERS = 12;

const imageOf = (seed: number, sample: number) => ({
  image: Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64"),
});
const strangerOf = (seed: number) => ({
  image: Buffer.from(encodePng(syntheticPalm({ seed: 50_000 + seed }))).toString("base64"),
});

describe("Verification, on two instances", () => {
  let deps: Deps;
  let instances: [Instance, Instance];
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    const start = () => startInstance("identify", { RATE_MISMATCH: String(LIMIT) });
    instances = await Promise.all([start(), start()]);
  });
  after(() => Promise.all(instances.map((instance) => instance.stop())));
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const call = (nth: number, path: string, body: object): Promise<Answer> =>
    (instances[nth % 2] as Instance).api("POST", `/v1/project/${tenant.project.id}/${path}`, {
      token: tenant.key,
      body,
    });
  const verify = (nth: number, member_id: string, sample: object) =>
    call(nth, `members/${member_id}/verify`, sample);

  async function newEnrolled(seed: number): Promise<string> {
    const { id } = await createMember(deps, { project_id: tenant.project.id, fields: NOBODY });
    const samples = [0, 1, 2].map((sample) => imageOf(seed, sample));
    const answer = await call(0, "enroll", { member_id: id, samples });
    assert.equal(answer.status, 201, answer.text);
    return id;
  }

  it("refuses the sixth verification of a member after five failures, and no other member's", async () => {
    const [member, other] = [await newEnrolled(1), await newEnrolled(2)];
    for (let n = 0; n < LIMIT; n++) {
      // Neither matches nor poor pictures count.
      const match = await verify(n, member, imageOf(1, 3));
      assert.equal(match.body.outcome, "match", match.text);
      const poor = {
        image: Buffer.from(encodePng({ width: 128, height: 128, gray: new Uint8Array(128 * 128) })),
      };
      assertProblem(await verify(n, member, { image: poor.image.toString("base64") }), 422, "poor_quality");
      const answer = await verify(n, member, strangerOf(n));
      assert.deepEqual([answer.body.outcome, answer.body.score], ["no_match", null], answer.text);
    }
    for (const nth of [0, 1]) {
      const refused = await verify(nth, member, imageOf(1, 4));
      assertProblem(refused, 429, "rate_limited");
      const wait = Number(refused.headers.get("retry-after"));
      assert.ok(wait > 0 && wait <= WINDOW_S, `${wait} s`);
      assert.equal((await verify(nth, other, imageOf(2, 3))).body.outcome, "match");
    }
    assert.equal((await call(0, "identify", imageOf(1, 3))).body.member_id, member);
  });

  it("lets no more than five of forty concurrent strangers learn that they failed", async () => {
    const member = await newEnrolled(3);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => verify(n, member, strangerOf(n % STRANGERS))),
    );
    const failed = answers.filter(({ status }) => status === 200);
    assert.ok(failed.length <= LIMIT && failed.length > 0, `${failed.length} failed`);
    for (const { status, text } of answers) assert.ok(status === 200 || status === 429, text);
  });

  it("answers, records and logs no score below the threshold, in any operation", async () => {
    const { device, key: token } = newDeviceWithKey({ project_id: tenant.project.id });
    await deps.commit([deps.devices.create(device)]);
    const members: string[] = [];
    for (let n = 0; n < MEMBERS; n++) members.push(await newEnrolled(10 + n));

    const answers: Answer[] = [];
    for (let n = 0; n < STRANGERS; n++) {
      const sample = strangerOf(100 + n);
      answers.push(await call(n, "identify", sample));
      answers.push(await verify(n, members[n % MEMBERS] as string, sample));
      answers.push(
        await (instances[n % 2] as Instance).api("POST", "/v1/terminal/scans", { token, body: sample }),
      );
      answers.push(await call(n, "identify", imageOf(10 + n, 3)));
      answers.push(await verify(n, members[n % MEMBERS] as string, imageOf(10 + n, 3)));
    }
    // An enrolled palm of another member, and a picture without a palm: refusals have no scores, either.
    answers.push(await call(0, "enroll", { member_id: members[0], samples: [imageOf(11, 4)] }));
    const matched = answers.filter(({ body }) => ["match", "identified"].includes(body.outcome));
    assert.ok(matched.length >= MEMBERS, `${matched.length} matched`);
    assert.ok(answers.some(({ body }) => body.outcome === "no_match"));

    const stored = async (collection: string) =>
      (await db().collection(`projects/${tenant.project.id}/${collection}`).get()).docs.map((doc) =>
        doc.data(),
      );
    const [scans, events] = [await stored("scans"), await stored("events")];
    assert.ok(scans.length >= 5 * STRANGERS);
    const leaked = [...answers.map(({ body }) => body), ...scans, ...events].flatMap(scoresBelow);
    assert.deepEqual(leaked, []);
    for (const instance of instances) assert.doesNotMatch(instance.output(), /score/i);
  });
});

/** The scores in a document that are below the threshold of its environment, with what they stand in. */
function scoresBelow(document: unknown): unknown[] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) => {
    if (/score/i.test(name) && name !== "pad_score" && value !== null && value < LEAST_THRESHOLD)
      return [document];
    return scoresBelow(value);
  });
}
/** The threshold of a dozen palms, searched or claimed. */
const LEAST_THRESHOLD = 0.72;
