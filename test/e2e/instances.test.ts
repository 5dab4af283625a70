import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { revokeApiKey } from "../../functions/src/domain/apikey/revokeApiKey.ts";
import { createEnvironment } from "../../functions/src/domain/environment/createEnvironment.ts";
import { createMember } from "../../functions/src/domain/member/createMember.ts";
import { extractTemplate } from "../../functions/src/palm/index.ts";
import { db } from "../support/firestore.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm, syntheticPalm } from "../support/palms.ts";
import { type Deps, NOBODY, newApiKey, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const ROUNDS = 200;

const imageOf = (seed: number, sample: number): { image: string } => ({
  image: Buffer.from(encodePng(steadyPalm({ seed, sample }))).toString("base64"),
});

/** Each round's palm: there are more of them than steady ones, so one is found by the picture that it was enrolled from. */
const pictureOf = (round: number): { image: string } => ({
  image: Buffer.from(encodePng(syntheticPalm({ seed: 6000 + round }))).toString("base64"),
});

describe("Two instances of identify, with the built bundle", () => {
  let deps: Deps;
  let tenant: Tenant;
  let instances: [Instance, Instance];
  let members: Instance;

  before(async () => {
    deps = await openDeps();
    [members, ...instances] = await Promise.all([
      startInstance("members"),
      startInstance("identify"),
      startInstance("identify"),
    ]);
  });
  after(() => Promise.all([members, ...instances].map((instance) => instance.stop())));
  beforeEach(async () => {
    tenant = await newTenant(deps);
  });

  const newMember = async () =>
    (await createMember(deps, { project_id: tenant.project.id, fields: NOBODY })).id;
  const path = (verb: string) => `/v1/project/${tenant.project.id}/${verb}`;
  const pair = (round: number) =>
    (round % 2 === 0 ? instances : instances.toReversed()) as [Instance, Instance];

  it(`find what the other enrolled on the very next request, and nobody once it is erased, ${ROUNDS} times`, async () => {
    const enrolments: { member_id: string; palm_id: string }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [one, other] = pair(round);
      const member_id = await newMember();
      const enrolled = await one.api("POST", path("enroll"), {
        token: tenant.key,
        body: { member_id, samples: [pictureOf(round)] },
      });
      assert.equal(enrolled.status, 201, `round ${round}: ${enrolled.text}`);
      const found = await other.api("POST", path("identify"), {
        token: tenant.key,
        body: pictureOf(round),
      });
      assert.equal(found.body.member_id, member_id, `round ${round}: ${found.text}`);
      assert.equal(found.body.searched, round + 1);
      enrolments.push({ member_id, palm_id: enrolled.body.id });
    }
    for (const [round, { member_id, palm_id }] of enrolments.entries()) {
      // Half of them are erased with their member, half alone.
      const what = round % 3 === 0 ? "" : `/palms/${palm_id}`;
      const erased = await members.api("DELETE", path(`members/${member_id}${what}`), { token: tenant.key });
      assert.equal(erased.status, 204, `round ${round}: ${erased.text}`);
      for (const { api } of pair(round)) {
        const gone = await api("POST", path("identify"), {
          token: tenant.key,
          body: pictureOf(round),
        });
        assert.deepEqual(
          { outcome: gone.body.outcome, searched: gone.body.searched },
          { outcome: "no_match", searched: ROUNDS - round - 1 },
          `round ${round}: ${gone.text}`,
        );
      }
    }
  });

  it(`answer 410 on the very next request after an environment's key was destroyed, ${ROUNDS} times`, async () => {
    const template = extractTemplate(steadyPalm({ seed: 6500 }), { hand: "unknown" }).template;
    const body = { template: Buffer.from(template).toString("base64") };
    for (let round = 0; round < ROUNDS; round++) {
      const environment = { ...tenant.environment, id: randomUUID() };
      const project = { ...tenant.project, id: randomUUID(), environment_id: environment.id };
      await createEnvironment(deps, environment);
      await deps.commit([deps.projects.create(project)]);
      const statuses = () =>
        Promise.all(
          instances.map(async ({ api }) => {
            const answer = await api("POST", `/v1/project/${project.id}/identify`, {
              token: tenant.key,
              body,
            });
            return answer.body.code ?? answer.body.outcome;
          }),
        );
      assert.deepEqual(await statuses(), ["no_match", "no_match"], `round ${round}`);
      await db().doc(`environments/${environment.id}/gallery/current`).update({ wrapped_key: null });
      assert.deepEqual(await statuses(), ["expired", "expired"], `round ${round}`);
    }
  });

  it(`refuse a revoked key on the very next request, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { key, record } = await newApiKey(deps, {
        organization_id: tenant.organization.id,
        project_ids: null,
      });
      // An empty body costs no palm: 400 tells that the key was good.
      const statuses = () =>
        Promise.all(
          instances.map(
            async ({ api }) => (await api("POST", path("identify"), { token: key, body: {} })).status,
          ),
        );
      assert.deepEqual(await statuses(), [400, 400], `round ${round}`);
      const stored = await deps.apiKeys.get(record.id);
      assert.ok(stored);
      await revokeApiKey(deps, { key: stored });
      assert.deepEqual(await statuses(), [401, 401], `round ${round}`);
    }
  });

  it("enrol one palm for exactly one of twenty members who try at once", async () => {
    const members = await Promise.all(Array.from({ length: 20 }, newMember));
    const samples = [imageOf(6900, 0)];
    const answers = await Promise.all(
      members.map((member_id, i) =>
        instances[i % 2]?.api("POST", path("enroll"), { token: tenant.key, body: { member_id, samples } }),
      ),
    );
    const codes = answers.map((answer) => (answer?.status === 201 ? "enrolled" : answer?.body.code));
    assert.equal(codes.filter((code) => code === "enrolled").length, 1, String(codes));
    for (const answer of answers) {
      assert.ok(["duplicate_palm", "unavailable", undefined].includes(answer?.body.code), answer?.text);
      if (answer?.status === 503) assert.equal(answer.headers.get("retry-after"), "1");
    }
    for (const { api } of instances) {
      const found = await api("POST", path("identify"), { token: tenant.key, body: imageOf(6900, 1) });
      assert.equal(found.body.member_id, members[codes.indexOf("enrolled")], found.text);
      assert.equal(found.body.searched, 1);
    }
  });
});

describe("Two instances of identify under a crowd", () => {
  it("enrol twenty different palms at once, all of them, without a gap in the log", async () => {
    const deps = await openDeps();
    const tenant = await newTenant(deps);
    const instances = await Promise.all([startInstance("identify"), startInstance("identify")]);
    try {
      const path = `/v1/project/${tenant.project.id}/enroll`;
      const members = await Promise.all(
        Array.from({ length: 20 }, () =>
          createMember(deps, { project_id: tenant.project.id, fields: NOBODY }),
        ),
      );
      const answers = await Promise.all(
        members.map(({ id }, i) =>
          (instances[i % 2] as Instance).api("POST", path, {
            token: tenant.key,
            body: { member_id: id, samples: [imageOf(7000 + i, 0)] },
          }),
        ),
      );
      for (const answer of answers) assert.equal(answer.status, 201, answer.text);
      const log = await db().collection(`environments/${tenant.environment.id}/changes`).get();
      assert.deepEqual(
        log.docs.map((doc) => Number(doc.id)),
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
    } finally {
      await Promise.all(instances.map((instance) => instance.stop()));
    }
  });
});

describe("An instance of identify", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
  });

  for (const [what, env, says] of [
    ["an empty secret", { TEMPLATE_KEYS: "" }, "TEMPLATE_KEYS is empty"],
    ["a malformed secret", { TEMPLATE_KEYS: "{}" }, "TEMPLATE_KEYS is an empty keyring"],
    ["emulators in production", { GCLOUD_PROJECT: "acme-live" }, "is set in the production project"],
  ] as const) {
    it(`does not start with ${what}, and says so`, async () => {
      const started = startInstance("identify", { ...env, GALLERY_MEMORY_MIB: "64" });
      await assert.rejects(
        started.then((instance) => instance.stop()),
        (error: Error) => {
          assert.match(error.message, /the instance ended with 1/);
          assert.ok(error.message.includes(says), error.message);
          return true;
        },
      );
    });
  }

  it("answers a request that is no readable one with a problem like any other", async () => {
    const instance = await startInstance("identify");
    try {
      const { hostname, port } = new URL(instance.baseUrl);
      const socket = connect(Number(port), hostname);
      socket.end("GET /v1/projects HTTP/1.1\r\nHost: [::\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n");
      const answer = await text(socket);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /^x-request-id: mine\r$/im);
      assert.match(answer, /^cache-control: no-store\r$/im);
      assert.match(answer, /"code":"invalid_request","request_id":"mine"/);
    } finally {
      await instance.stop();
    }
  });

  it("refuses bad pictures by code, and five hundred of them leave its memory flat", async () => {
    const png = Buffer.from(encodePng(steadyPalm({ seed: 1, sample: 0 })));
    const huge = Buffer.from(png);
    huge.writeUInt32BE(30_000, 16);
    huge.writeUInt32BE(30_000, 20);
    const flat = encodePng({ width: 200, height: 200, gray: new Uint8Array(40_000).fill(128) });
    const gif = Buffer.from("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=", "base64");
    const bad: [what: string, body: object, status: number, code: string, where?: string][] = [
      ["no base64", { image: "%%%%" }, 400, "invalid_request", "image"],
      ["base64 without padding", { image: png.toString("base64url") }, 400, "invalid_request", "image"],
      [
        "a data URL",
        { image: `data:image/png;base64,${png.toString("base64")}` },
        400,
        "invalid_request",
        "image",
      ],
      ["a GIF", { image: gif.toString("base64") }, 400, "invalid_request", "image"],
      [
        "half a PNG",
        { image: png.subarray(0, png.length / 2).toString("base64") },
        400,
        "invalid_request",
        "image",
      ],
      [
        "a PNG that says 30,000 × 30,000",
        { image: huge.toString("base64") },
        400,
        "invalid_request",
        "image",
      ],
      ["1 MiB + 1", { image: Buffer.alloc(2 ** 20 + 1).toString("base64") }, 413, "too_large"],
      ["flat grey", { image: Buffer.from(flat).toString("base64") }, 422, "poor_quality"],
      ["nothing", {}, 400, "invalid_request", "image"],
      ["both", { image: png.toString("base64"), template: "AAAA" }, 400, "invalid_request", "image"],
      ["a template of another format", { template: "AAAA" }, 400, "invalid_request", "template"],
      [
        "a liveness score above 1",
        { image: png.toString("base64"), pad_score: 1.1 },
        400,
        "invalid_request",
        "pad_score",
      ],
      ["a third hand", { image: png.toString("base64"), hand: "both" }, 400, "invalid_request", "hand"],
    ];
    const instance = await startInstance("identify");
    try {
      const send = async (times: number): Promise<void> => {
        for (let i = 0; i < times; i++) {
          const [what, body, status, code, where] = bad[i % bad.length] as (typeof bad)[number];
          const answer = await instance.api("POST", `/v1/project/${tenant.project.id}/identify`, {
            token: tenant.key,
            body,
            headers: { "X-Request-Id": randomUUID() },
          });
          assert.deepEqual(
            { what, status: answer.status, code: answer.body.code },
            { what, status, code },
            answer.text,
          );
          if (where) assert.equal(answer.body.errors[0].path, where, what);
        }
      };
      // The extraction thread's own heap grows to its size, too.
      await send(1000);
      const before = instance.resident();
      await send(500);
      const grown = instance.resident() - before;
      assert.ok(grown < 60, `${grown} MiB more after 500 bad pictures`);
    } finally {
      await instance.stop();
    }
  });
});

describe("Two instances of webhooks, with the built bundle", () => {
  it("make 25 of a hundred webhooks that are asked for at once, and print no secret", async () => {
    const deps = await openDeps();
    const { project, key: token } = await newTenant(deps);
    const instances = await Promise.all([startInstance("webhooks"), startInstance("webhooks")]);
    try {
      const path = `/v1/project/${project.id}/webhooks`;
      const body = { url: "https://8.8.8.8/", event_types: ["enrollment.completed"], enabled: false };
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          (instances[i % 2] as Instance).api("POST", path, { token, body }),
        ),
      );
      const made = answers.filter(({ status }) => status === 201).map((answer) => answer.body);
      assert.equal(made.length, 25);
      for (const answer of answers) {
        assert.ok(["limit_reached", "unavailable", undefined].includes(answer.body.code), answer.text);
      }
      const ids = made.map(({ id }) => id).sort();
      for (const { api, output } of instances) {
        const listed = await api("GET", path, { token });
        assert.deepEqual(listed.body.map(({ id }: { id: string }) => id).sort(), ids);
        for (const { secret } of made) assert.ok(!output().includes(secret));
      }
      const places = await deps.webhooks.slots(project.id);
      assert.deepEqual(
        places.toSorted((a, b) => a - b),
        Array.from({ length: 25 }, (_, place) => place),
      );
    } finally {
      await Promise.all(instances.map((instance) => instance.stop()));
    }
  });
});

describe("Two instances and an API key, with the built bundle", () => {
  let deps: Deps;
  let tenant: Tenant;

  before(async () => {
    deps = await openDeps();
    tenant = await newTenant(deps);
  });

  /** Runs with two instances of a function, which it ends. */
  const withTwo = async (fn: string, run: (pair: [Instance, Instance]) => Promise<void>) => {
    const pair = await Promise.all([startInstance(fn), startInstance(fn)]);
    try {
      await run(pair);
    } finally {
      await Promise.all(pair.map((instance) => instance.stop()));
    }
  };

  it("refuse the key on the very next request after it has expired, while it is in use", () =>
    withTwo("members", async (pair) => {
      const expires_at = new Date(Date.now() + 3000);
      const { key } = await newApiKey(deps, {
        organization_id: tenant.organization.id,
        project_ids: null,
        permissions: ["members:read"],
        expires_at,
      });
      const end = expires_at.getTime();
      const statuses: number[] = [];
      const use = async ({ api }: Instance) => {
        for (let begun = Date.now(); begun < end + 500; begun = Date.now()) {
          const { status } = await api("GET", `/v1/project/${tenant.project.id}/members`, { token: key });
          // A request that the end falls into may be answered either way.
          if (begun >= end) assert.equal(status, 401);
          else if (Date.now() < end) assert.equal(status, 200);
          statuses.push(status);
        }
      };
      await Promise.all([...pair, ...pair].map(use));
      assert.deepEqual([...new Set(statuses)].sort(), [200, 401]);
    }));

  it("make one key of a rotation that both are asked for, with the permissions and expiry of the old one", () =>
    withTwo("apikeys", async (pair) => {
      for (let round = 0; round < 10; round++) {
        const expires_at = new Date(Date.now() + 600_000);
        const { record } = await newApiKey(deps, {
          organization_id: tenant.organization.id,
          project_ids: [tenant.project.id],
          permissions: ["palms:identify", "scans:read"],
          expires_at,
        });
        const where = `/v1/organization/${tenant.organization.id}/api-keys/${record.id}/rotate`;
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, n) =>
            (pair[n % 2] as Instance).api("POST", where, { token: tenant.user.token }),
          ),
        );
        const made = answers.filter(({ status }) => status === 201);
        assert.equal(made.length, 1, String(answers.map(({ status }) => status)));
        for (const { status } of answers) assert.ok([201, 409].includes(status));
        const { permissions, project_ids, expires_at: kept } = made[0]?.body ?? {};
        assert.deepEqual(
          [permissions, project_ids, kept],
          [record.permissions, record.project_ids, expires_at.toISOString()],
        );
      }
    }));
});
