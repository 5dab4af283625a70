import assert from "node:assert/strict";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import type { Project } from "../../functions/src/domain/project/project.ts";
import { type Answer, assertProblem } from "../support/client.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { type Deps, NOBODY, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const imageOf = (seed: number, sample: number): { image: string } => ({
  image: Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64"),
});

/** Both ways in which server lookup is off. */
const OFF = {
  "by the project": { project: { server_lookup_enabled: false } },
  "by the environment": { environment: { server_lookup_allowed: false } },
} as const;

describe("POST /v1/project/{project_id}/enroll, server lookup off", () => {
  let deps: Deps;
  let instances: [Instance, Instance];
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    instances = await Promise.all([
      startInstance("identify", { RATE_DUPLICATE: "10" }),
      startInstance("identify", { RATE_DUPLICATE: "10" }),
    ]);
  });
  after(() => Promise.all(instances.map((instance) => instance.stop())));
  beforeEach(async () => {
    tenant = await newTenant(deps, OFF["by the project"]);
  });

  const newMember = async (of = tenant) =>
    (await createMember(deps, { project_id: of.project.id, fields: NOBODY })).id;
  const enroll = (
    member_id: string,
    seed: number,
    sample: number,
    { nth = 0, ...more }: { nth?: number; replace?: unknown; token?: string } = {},
  ): Promise<Answer> => {
    const { token = tenant.key, ...rest } = more;
    return (instances[nth % 2] as Instance).api("POST", `/v1/project/${tenant.project.id}/enroll`, {
      token,
      body: { member_id, samples: [imageOf(seed, sample)], ...rest },
      headers: { "X-Request-Id": "same" },
    });
  };
  const auditOf = async () => {
    const { organization } = tenant;
    const entries = await deps.audit
      .ofOrganization(organization.id, { from: new Date(0), to: new Date(Date.now() + 60_000) })
      .slice({ limit: 100 });
    return entries.map(({ operation, target }) => [operation, target.id]).reverse();
  };

  for (const [what, off] of Object.entries(OFF)) {
    it(`does not tell whose palm is enrolled, ${what}: the same bytes for the member's own and for another's`, async () => {
      tenant = await newTenant(deps, off);
      const [owner, other] = [await newMember(), await newMember()];
      const palm = await enroll(owner, 8100, 0);
      assert.equal(palm.status, 201, palm.text);
      const stored = () => deps.palms.getMany(tenant.environment.id, [palm.body.id]);
      const before = await stored();
      const answers = [
        await enroll(owner, 8100, 1),
        await enroll(owner, 8100, 1, { replace: false }),
        await enroll(other, 8100, 1),
        await enroll(other, 8100, 1, { replace: true }),
      ];
      for (const answer of answers) assertProblem(answer, 409, "duplicate_palm");
      assert.deepEqual(
        answers.map(({ text }) => text),
        answers.map(() => answers[0]?.text),
      );
      assert.deepEqual(await stored(), before);
      assert.equal((await deps.members.get(tenant.project.id, other))?.value.palm_ids.length, 0);
    });
  }

  it("replaces the member's own palm with `replace: true`, and the audit log names that", async () => {
    const member_id = await newMember();
    const first = await enroll(member_id, 8110, 0);
    const again = await enroll(member_id, 8110, 1, { replace: true });
    assert.deepEqual([again.status, again.body.id], [201, first.body.id]);
    assert.notEqual(again.body.created_at, first.body.created_at);
    // Without a palm to replace it is an enrollment like any other.
    const other = await enroll(member_id, 8111, 0, { replace: true });
    assert.equal(other.status, 201, other.text);
    assert.deepEqual(await auditOf(), [
      ["enrollPalm", first.body.id],
      ["enrollPalm.replace", first.body.id],
      ["enrollPalm", other.body.id],
    ]);
  });

  it("with server lookup on replaces the member's own palm as before, with and without `replace`", async () => {
    tenant = await newTenant(deps);
    const [owner, other] = [await newMember(), await newMember()];
    const first = await enroll(owner, 8120, 0);
    for (const replace of [undefined, false, true]) {
      const again = await enroll(owner, 8120, 1, { replace });
      assert.deepEqual([again.status, again.body.id], [201, first.body.id]);
    }
    for (let n = 0; n < 12; n++) {
      const refused = await enroll(other, 8120, 2, { nth: n });
      assertProblem(refused, 409, "duplicate_palm");
      assert.equal(refused.body.detail, "This palm is enrolled for another member.");
    }
  });

  it("refuses a `replace` that is not a boolean", async () => {
    const answer = await enroll(await newMember(), 8130, 0, { replace: "yes" });
    assertProblem(answer, 400, "invalid_request");
    assert.deepEqual(
      answer.body.errors.map(({ path }: { path: string }) => path),
      ["replace"],
    );
  });

  it("answers ten duplicates an hour at two instances, then 429 with Retry-After, and other callers as before", async () => {
    const sibling: Project = { ...tenant.project, id: deps.id() };
    await deps.commit([deps.projects.create(sibling)]);
    const [owner, other] = [await newMember(), await newMember()];
    assert.equal((await enroll(owner, 8140, 0)).status, 201);
    const crowd = await Promise.all(
      Array.from({ length: 24 }, (_, nth) => enroll(nth % 3 ? other : owner, 8140, 1, { nth })),
    );
    const count = (status: number) => crowd.filter((answer) => answer.status === status).length;
    const busy = count(503);
    // Answers that contention delayed for 3 s are 503, and cost nothing.
    assert.deepEqual([count(409) + count(429) + busy, count(409) <= 10], [24, true]);
    for (let nth = 0; nth < 10 - count(409); nth++) {
      assertProblem(await enroll(other, 8140, 1, { nth }), 409, "duplicate_palm");
    }
    for (const nth of [0, 1]) {
      const refused = await enroll(other, 8140, 2, { nth });
      assertProblem(refused, 429, "rate_limited");
      const wait = Number(refused.headers.get("Retry-After"));
      assert.ok(wait > 3500 && wait <= 3600, `${wait} s`);
      // A palm that nobody has is refused alike: the answer tells nothing.
      assertProblem(await enroll(other, 8141, 0, { nth }), 429, "rate_limited");
    }
    // Another customer, with a palm of the same person.
    tenant = await newTenant(deps, OFF["by the project"]);
    assert.equal((await enroll(await newMember(), 8140, 0)).status, 201);
    assertProblem(await enroll(await newMember(), 8140, 1), 409, "duplicate_palm");
  });
});
