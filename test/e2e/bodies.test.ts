import assert from "node:assert/strict";
import { BOMBS, DRIP, type RawAnswer, sendRaw } from "../support/hostile.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

/** What a function of the smallest memory has. */
const MEMORY_MIB = 512;
const AT_ONCE = 16;

const FUNCTIONS = {
  members: { verb: "members", ok: { body: { name: "Noa Levy" }, status: 201 } },
  // A vector where a code is expected: it is decoded, and refused.
  identify: { verb: "identify", ok: { body: { template: "AAAA" }, status: 400 } },
} as const;

/** A problem document of ours, with the headers that every answer carries. */
function assertOurs({ status, headers, text }: RawAnswer, expected: { status: number; code: string }): void {
  assert.equal(headers["content-type"], "application/problem+json", text);
  const { code, request_id } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual({ status, code }, expected, text);
  assert.equal(headers["x-request-id"], request_id);
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["x-content-type-options"], "nosniff");
}

// Reported as expressjs/body-parser#454.
for (const [target, { verb, ok }] of Object.entries(FUNCTIONS)) {
  describe(`Bodies sent to an instance of ${target} with ${MEMORY_MIB} MiB`, () => {
    let deps: Deps;
    let attacker: Tenant;
    let other: Tenant;
    let instance: Instance;

    before(async () => {
      deps = await openDeps();
      [attacker, other] = await Promise.all([newTenant(deps), newTenant(deps)]);
      instance = await startInstance(target, { NODE_OPTIONS: "--max-old-space-size=300" });
    });
    after(() => instance.stop());

    const path = ({ project }: Tenant) => `/v1/project/${project.id}/${verb}`;
    const send = (
      bomb: { headers: Record<string, string>; body: () => Parameters<typeof sendRaw>[1]["body"] },
      token: string,
    ) =>
      sendRaw(instance.baseUrl, {
        path: path(attacker),
        headers: { ...bomb.headers, Authorization: `Bearer ${token}` },
        body: bomb.body(),
      });
    const servesOthers = async () => {
      const { status } = await instance.api("POST", path(other), { token: other.key, body: ok.body });
      assert.equal(status, ok.status);
    };
    const survives = async () => {
      await servesOthers();
      assert.ok(instance.isAlive(), instance.output());
      assert.ok(instance.peak() < MEMORY_MIB, `the peak was ${instance.peak()} MiB`);
    };

    for (const [what, bomb] of Object.entries(BOMBS)) {
      it(`refuses ${what} without a credential before it reads it, ${AT_ONCE} at once`, async () => {
        const answers = Promise.all(Array.from({ length: AT_ONCE }, () => send(bomb, "nobody")));
        await servesOthers();
        for (const answer of await answers) assertOurs(answer, { status: 401, code: "unauthenticated" });
        await survives();
      });

      it(`refuses ${what} with a key, ${AT_ONCE} at once`, async () => {
        const expected =
          what.includes("brotli") || what.includes("deflated")
            ? { status: 415, code: "unsupported_media_type" }
            : { status: 413, code: "too_large" };
        const answers = Promise.all(Array.from({ length: AT_ONCE }, () => send(bomb, attacker.key)));
        await servesOthers();
        for (const answer of await answers) assertOurs(answer, expected);
        await survives();
      });
    }

    it("answers dripping bodies of strangers without waiting for them, and closes their connections", async () => {
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => send(DRIP, "nobody")));
      for (const answer of answers) assertOurs(answer, { status: 401, code: "unauthenticated" });
      await survives();
    });

    if (target === "members") {
      it("stops waiting for a dripping body", async () => {
        assertOurs(await send(DRIP, attacker.key), { status: 400, code: "invalid_request" });
        await survives();
      });
    }
  });
}
