import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { templateSeal } from "../../functions/src/domain/palm/sealing.ts";
import { assertProblem } from "../support/client.ts";
import { type Instance, startInstance } from "../support/instance.ts";
import { encodePng, steadyPalm } from "../support/palms.ts";
import { everyDocument, flatten, objectsBelow } from "../support/stores.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../support/tenant.ts";
import { floatBytes, int8Bytes, syntheticVector } from "../support/vectors.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

const picture = (seed: number, sample: number): Uint8Array => encodePng(steadyPalm({ seed, sample }));
const vector = (seed: number, sample: number): Uint8Array => floatBytes(syntheticVector({ seed, sample }));

/** What each format is sent as, and what of it must be found nowhere. */
const FORMATS = {
  "palm-code.v1": (seed: number, sample: number) => {
    const bytes = picture(seed, sample);
    return { body: { image: base64(bytes) }, secret: bytes };
  },
  "vector-512.v1": (seed: number, sample: number) => {
    const bytes = vector(seed, sample);
    return { body: { template: base64(bytes) }, secret: bytes };
  },
} as const;

/** Something to look for: as bytes, as base64 as it is sent, as hex. */
class Needle {
  readonly #forms: Buffer[];

  constructor(bytes: Uint8Array) {
    // From the middle, where a header tells nothing, and from a multiple of three, where base64 begins anew.
    const start = 3 * Math.floor(bytes.length / 6);
    const part = Buffer.from(bytes.subarray(start, start + 24));
    this.#forms = [part, Buffer.from(part.toString("base64")), Buffer.from(part.toString("hex"))];
  }

  in(hay: Buffer): boolean {
    return this.#forms.some((form) => hay.includes(form));
  }
}

describe("Erasure, with the built bundle", () => {
  let deps: Deps;
  let identify: Instance;
  let members: Instance;

  before(async () => {
    deps = await openDeps();
    [identify, members] = await Promise.all([startInstance("identify"), startInstance("members")]);
  });
  after(() => Promise.all([identify.stop(), members.stop()]));

  /** Where a needle is: paths of documents, of objects, and what the instances have printed. */
  const find = async (needles: readonly Needle[]): Promise<string[]> => {
    const places = [
      ...(await everyDocument()).map(({ path, fields }) => ({ path, bytes: flatten(fields) })),
      ...(await objectsBelow("")),
      ...[identify, members].map(({ output }) => ({ path: "a log", bytes: Buffer.from(output()) })),
    ];
    assert.ok(places.length >= 10);
    return places.filter(({ bytes }) => needles.some((needle) => needle.in(bytes))).map(({ path }) => path);
  };

  /** What is stored of the only palm of an environment, sealed and opened. */
  async function stored({ environment }: Tenant) {
    const [object] = await objectsBelow(`environments/${environment.id}/`);
    const { changes, manifest } = await deps.changes.readAfter(environment.id, 0, 1);
    const [change] = changes;
    assert.ok(object && change && manifest?.wrapped_key);
    assert.ok(object.bytes.equals(Buffer.from(change.template ?? [])));
    const key = deps.sealing.unwrap(environment.id, manifest.wrapped_key);
    const plain = key.open(object.bytes, templateSeal(environment.id, change.palm_id));
    return { object: object.path, sealed: new Needle(object.bytes), plain: new Needle(plain) };
  }

  for (const [template_format, sample] of Object.entries(FORMATS) as [
    keyof typeof FORMATS,
    (typeof FORMATS)[keyof typeof FORMATS],
  ][]) {
    it(`leaves nothing of a ${template_format} palm, and no plain one was ever anywhere`, async () => {
      const tenant = await newTenant(deps, { environment: { template_format } });
      const { key: token } = tenant;
      const path = (rest: string) => `/v1/project/${tenant.project.id}/${rest}`;
      const { body: member } = await members.api("POST", path("members"), {
        token,
        body: { external_id: "gone" },
      });
      const samples = [0, 1, 2, 3, 4].map((k) => sample(7700, k));
      const [first, second, third, fresh, verified] = samples;
      const enrolled = await identify.api("POST", path("enroll"), {
        token,
        body: { member_id: member.id, samples: [first, second, third].map((one) => one?.body) },
      });
      assert.equal(enrolled.status, 201, enrolled.text);
      assert.equal(enrolled.body.template_format, template_format);

      const { object, sealed, plain } = await stored(tenant);
      const secrets = [plain, ...samples.map(({ secret }) => new Needle(secret))];
      const places = await find([sealed]);
      assert.deepEqual(
        places.toSorted(),
        [`environments/${tenant.environment.id}/changes/000000000001`, object].toSorted(),
        "the search finds what is there",
      );
      assert.deepEqual(await find(secrets), []);

      const found = await identify.api("POST", path("identify"), { token, body: fresh?.body });
      assert.equal(found.body.member_id, member.id, found.text);
      const verify = path(`members/${member.id}/verify`);
      assert.equal(
        (await identify.api("POST", verify, { token, body: verified?.body })).body.outcome,
        "match",
      );
      // Refusals must not tell in a log what they refused.
      const other = await members.api("POST", path("members"), { token });
      const twice = { member_id: other.body.id, samples: [fresh?.body] };
      assertProblem(
        await identify.api("POST", path("enroll"), { token, body: twice }),
        409,
        "duplicate_palm",
      );
      const cut = { template: base64((fresh?.secret ?? new Uint8Array()).subarray(0, 1000)) };
      assertProblem(
        await identify.api("POST", path("identify"), { token, body: cut }),
        400,
        "invalid_request",
      );
      assert.deepEqual(await find(secrets), []);

      const gone = await members.api("DELETE", path(`members/${member.id}`), { token });
      assert.equal(gone.status, 204, gone.text);
      const after = await identify.api("POST", path("identify"), { token, body: fresh?.body });
      assert.deepEqual(
        { outcome: after.body.outcome, searched: after.body.searched },
        { outcome: "no_match", searched: 0 },
      );
      assertProblem(await members.api("GET", path(`members/${member.id}`), { token }), 404, "not_found");
      assertProblem(await members.api("DELETE", path(`members/${member.id}`), { token }), 404, "not_found");
      assertProblem(await identify.api("POST", verify, { token, body: verified?.body }), 404, "not_found");
      const again = await members.api("POST", path("members"), { token, body: { external_id: "gone" } });
      assert.equal(again.status, 201, "the external id is free");

      // The suite's clock runs the sweeper.
      const left = async () => (await objectsBelow(object)).length;
      for (let tries = 0; tries < 80 && (await left()) > 0; tries++) await sleep(250);
      assert.deepEqual(await find([sealed, ...secrets]), []);
      assert.equal(await left(), 0);
    });
  }

  it("takes vectors as float32 and as int8, and refuses what is neither", async () => {
    const tenant = await newTenant(deps, { environment: { template_format: "vector-512.v1" } });
    const { key: token } = tenant;
    const path = (rest: string) => `/v1/project/${tenant.project.id}/${rest}`;
    const { body: member } = await members.api("POST", path("members"), { token });
    const enrolled = await identify.api("POST", path("enroll"), {
      token,
      body: {
        member_id: member.id,
        samples: [{ template: base64(int8Bytes(syntheticVector({ seed: 7800 }))), hand: "left" }],
      },
    });
    const { id, created_at } = enrolled.body;
    assert.deepEqual(enrolled.body, {
      id,
      member_id: member.id,
      hand: "left",
      template_format: "vector-512.v1",
      samples: 1,
      quality: null,
      created_at,
    });
    const found = await identify.api("POST", path("identify"), {
      token,
      body: { template: base64(vector(7800, 1)), hand: "left" },
    });
    assert.deepEqual(
      { member_id: found.body.member_id, hand: found.body.hand },
      { member_id: member.id, hand: "left" },
    );
    assert.ok(found.body.score >= found.body.threshold);
    const stranger = await identify.api("POST", path("identify"), {
      token,
      body: { template: base64(vector(7801, 0)) },
    });
    assert.equal(stranger.body.outcome, "no_match", stranger.text);

    const broken = vector(7800, 2);
    new DataView(broken.buffer).setFloat32(400, Number.NaN, true);
    for (const [body, where] of [
      [{ image: base64(picture(1, 0)) }, "image"],
      [{ template: base64(broken) }, "template"],
      [{ template: base64(new Uint8Array(2048)) }, "template"],
      [{ template: base64(new Uint8Array(511).fill(1)) }, "template"],
      [{ template: base64(new Uint8Array(528).fill(1)) }, "template"],
    ] as const) {
      const answer = await identify.api("POST", path("identify"), { token, body });
      assertProblem(answer, 400, "invalid_request");
      assert.deepEqual(
        answer.body.errors.map((error: { path: string }) => error.path),
        [where],
      );
    }
    const codes = await newTenant(deps);
    const refused = await identify.api("POST", `/v1/project/${codes.project.id}/identify`, {
      token: codes.key,
      body: { template: base64(vector(7800, 3)) },
    });
    assertProblem(refused, 400, "invalid_request");
    assert.equal(refused.body.errors[0].path, "template");
  });
});
