import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { createSealer, parseKeyring } from "../../functions/src/data/keyring.ts";
import { createEnvironment } from "../../functions/src/domain/environment/createEnvironment.ts";
import { decodeTemplate, encodeTemplate } from "../../functions/src/palm/codec.ts";
import { extractTemplate } from "../../functions/src/palm/index.ts";
import { type Answer, assertProblem, type Client, createClient } from "../support/client.ts";
import { db } from "../support/firestore.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { baseUrl } from "../support/suite.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const picture = (seed: number, sample: number) => base64(encodePng(steadyPalm({ seed, sample })));

/** A template of nobody: so many rows of one palm's code, the others of another's. */
function madeUp(from: number, to: number, rows: number): string {
  const [victim, attacker] = [from, to].map((seed) =>
    decodeTemplate(extractTemplate(steadyPalm({ seed, sample: 1 }), { hand: "unknown" }).template),
  );
  assert.ok(victim && attacker);
  const planes = victim.planes.slice();
  planes.set(attacker.planes.subarray(0, 4 * rows));
  return base64(encodeTemplate({ ...victim, planes }));
}

describe("A global environment", () => {
  let deps: Deps;
  let api: Client;
  let owner: Tenant;

  before(async () => {
    deps = await openDeps();
    api = createClient(baseUrl());
  });
  beforeEach(async () => {
    owner = await newTenant(deps, { environment: { type: "global" } });
  });

  /** Another customer in the same environment, with the plan of everybody who signs up. */
  const newCustomer = async (): Promise<Tenant> => {
    const customer = await newTenant(deps, {
      organization: { plan: "sandbox" },
      project: { environment_id: owner.environment.id },
    });
    return { ...customer, environment: owner.environment };
  };
  const ok = ({ status, body, text }: Answer, wanted = 200) => {
    assert.equal(status, wanted, text);
    return body;
  };
  /** A terminal that its customer registers without any help. @returns id and key */
  const register = async ({ project, key }: Tenant) => {
    const { registration_code, claim_token } = ok(await api("POST", "/v1/terminal/registrations"), 201);
    const device = ok(
      await api("POST", `/v1/project/${project.id}/devices/register`, {
        token: key,
        body: { registration_code, name: "Mine" },
      }),
      201,
    );
    const { device_key } = ok(await api("POST", "/v1/terminal/registrations/claim", { token: claim_token }));
    return { id: device.id as string, token: device_key as string };
  };
  type Terminal = Awaited<ReturnType<typeof register>>;
  /** An enrollment of one sample, through every step. */
  const enrol = async (
    { key }: Tenant,
    { id, token }: Terminal,
    sample: Record<string, unknown>,
    client: Client = api,
  ): Promise<Answer> => {
    const { session_id } = ok(
      await api("POST", `/v1/device/${id}/enrollment`, { token: key, body: { samples_required: 1 } }),
      201,
    );
    const answer = await client("POST", `/v1/terminal/enrollment/${session_id}/samples`, {
      token,
      body: { sample_id: randomUUID(), ...sample },
    });
    if (answer.body.status === undefined || answer.body.status === 400) {
      await api("DELETE", `/v1/device/${id}/enrollment?session_id=${session_id}`, { token: key });
    }
    return answer;
  };
  const scan = async ({ token }: Terminal, seed: number, sample: number) =>
    ok(await api("POST", "/v1/terminal/scans", { token, body: { image: picture(seed, sample) } }));
  const palms = async () =>
    (await db().collection(`environments/${owner.environment.id}/palms`).get()).docs.map((doc) => doc.data());

  it("keeps a person's palm from a stranger with one photograph and six made-up templates", async () => {
    const [victim, attacker] = [9500, 9501];
    const door = await register(owner);
    assert.equal(ok(await enrol(owner, door, { image: picture(victim, 0) })).status, "completed");
    const before = await palms();

    const stranger = await newCustomer();
    const terminal = await register(stranger);
    const photograph = await enrol(stranger, terminal, { image: picture(victim, 3) });
    const templates: Answer[] = [];
    for (let step = 1; step <= 6; step++) {
      const template = madeUp(victim, attacker, Math.round((32 * step) / 6));
      templates.push(await enrol(stranger, terminal, { template }));
    }
    assert.equal((await scan(door, attacker, 4)).outcome, "no_match");
    assert.equal((await scan(door, victim, 4)).outcome, "identified");
    assert.deepEqual(await palms(), before);
    assert.deepEqual(
      before.map(({ project_id, member_id }) => [project_id, member_id]),
      [[owner.project.id, null]],
    );
    const { status, last_rejection } = ok(photograph);
    assert.deepEqual([status, last_rejection?.code], ["failed", "duplicate_palm"]);
    for (const answer of templates) assertProblem(answer, 400, "invalid_request");
  });

  it("identifies at every customer's terminal whoever any customer enrolled, and counts no palms of a project", async () => {
    const [door, other] = [await register(owner), await newCustomer()];
    ok(await enrol(owner, door, { image: picture(9510, 0) }));
    const found = await scan(await register(other), 9510, 1);
    assert.deepEqual([found.outcome, found.member_id, found.searched], ["identified", null, 1]);
    for (const { project, key } of [owner, other]) {
      const environment = ok(await api("GET", `/v1/project/${project.id}/environment`, { token: key }));
      assert.deepEqual([environment.type, environment.palms], ["global", 0]);
    }
  });

  it("refuses templates at their path, in sessions and scans, and takes the image after that", async () => {
    const terminal = await register(owner);
    const template = madeUp(9520, 9520, 32);
    const { session_id } = ok(
      await api("POST", `/v1/device/${terminal.id}/enrollment`, {
        token: owner.key,
        body: { samples_required: 1 },
      }),
      201,
    );
    const path = `/v1/terminal/enrollment/${session_id}/samples`;
    const { token } = terminal;
    for (const answer of [
      await api("POST", path, { token, body: { sample_id: randomUUID(), template } }),
      await api("POST", "/v1/terminal/scans", { token, body: { template } }),
    ]) {
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(answer.body.errors, [
        { path: "template", message: "must not be sent in a global environment; send a picture" },
      ]);
    }
    const body = { sample_id: randomUUID(), image: picture(9520, 0) };
    assert.equal(ok(await api("POST", path, { token, body })).status, "completed");
  });

  it("lets nobody replace a palm from before projects were kept", async () => {
    // As it was stored then: neither sealed nor bound, and without a project.
    const place = `environments/${owner.environment.id}`;
    const sealer = createSealer(parseKeyring("TEMPLATE_KEYS", process.env["TEMPLATE_KEYS"] ?? ""));
    const wrapped_key = sealer.seal(randomBytes(32), `datakey:${owner.environment.id}`);
    await db().doc(`${place}/gallery/current`).update({ wrapped_key });
    const door = await register(owner);
    ok(await enrol(owner, door, { image: picture(9530, 0) }));
    const [palm] = await palms();
    await db().doc(`${place}/palms/${palm?.["id"]}`).update({ project_id: null, mac: null });
    const before = await palms();
    const again = ok(await enrol(owner, door, { image: picture(9530, 1) }));
    assert.deepEqual([again.status, again.last_rejection?.code], ["failed", "duplicate_palm"]);
    assert.deepEqual(await palms(), before);
    assert.equal((await scan(door, 9530, 2)).outcome, "identified");
  });

  it("cannot have vectors, for those are templates", async () => {
    await assert.rejects(
      createEnvironment(deps, {
        ...owner.environment,
        id: randomUUID(),
        template_format: "vector-512.v1",
      }),
      { code: "conflict", message: /global environment accepts only images/ },
    );
  });

  describe("at two instances", () => {
    let instances: [Instance, Instance];

    before(async () => {
      instances = await Promise.all([startInstance("identify"), startInstance("identify")]);
    });
    after(() => Promise.all(instances.map((instance) => instance.stop())));

    it("gives a palm to the project that committed first, in five races", async () => {
      const other = await newCustomer();
      const terminals = [await register(owner), await register(other)] as const;
      for (let round = 0; round < 5; round++) {
        const seed = 9540 + round;
        const [mine, theirs] = await Promise.all([
          enrol(owner, terminals[0], { image: picture(seed, 0) }, instances[0].api),
          enrol(other, terminals[1], { image: picture(seed, 1) }, instances[1].api),
        ]);
        const ends = [mine, theirs].map(({ body }) => body.status).sort();
        assert.deepEqual(ends, ["completed", "failed"], `${mine.text} ${theirs.text}`);
        const first = mine.body.status === "completed" ? owner : other;
        const palm = (await palms()).find(({ seq }) => seq === round + 1);
        assert.equal(palm?.["project_id"], first.project.id);
      }
      assert.equal((await palms()).length, 5);
    });
  });
});
