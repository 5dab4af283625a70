import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { keyPrefix, newKey, parseKey } from "../../functions/src/domain/credential/key.ts";
import { newSecret } from "../../functions/src/domain/webhook/signature.ts";
import { Disguise } from "../../scripts/openapi/disguise.ts";
import { ACME_HQ, apiKeyNamed } from "../../scripts/world.ts";

const ENDPOINT = "http://localhost:54321";

describe("What examples show in place of what differs each time", () => {
  let disguise: Disguise;
  beforeEach(() => {
    disguise = new Disguise(ENDPOINT);
    disguise.begin();
  });

  it("is the same for the same id ever after, and another for another", () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const shown = [
      "00000000-0000-4000-8000-000000000001",
      "00000000-0000-4000-8000-000000000002",
      "00000000-0000-4000-8000-000000000001",
    ];
    assert.deepEqual(disguise.hide([one, other, one]), shown);
    assert.deepEqual(disguise.reveal(shown), [one, other, one]);
  });

  it("is found inside of text, as in CSV", () => {
    const id = randomUUID();
    assert.equal(disguise.hide(`a,${id}\r\n`), "a,00000000-0000-4000-8000-000000000001\r\n");
  });

  it("is nothing else for what the demo world has", () => {
    const { id, prefix } = apiKeyNamed("acme_hq");
    const own = { id, prefix, project_id: ACME_HQ, created_at: "2026-09-01T08:05:00.000Z" };
    assert.deepEqual(disguise.hide(own), own);
    assert.deepEqual(disguise.reveal(own), own);
  });

  it("is a sound key that no suite knows, of the id that is shown", () => {
    const id = randomUUID();
    const { key, prefix } = newKey("pg", id);
    const shown = disguise.hide({ id, prefix, key }) as { id: string; prefix: string; key: string };
    assert.notEqual(shown.key, key);
    assert.equal(parseKey("pg", shown.key)?.id, shown.id);
    assert.equal(shown.prefix, keyPrefix("pg", shown.id));
    assert.deepEqual(disguise.reveal(shown), { id, prefix, key });
  });

  it("is another key when the key of an id is another", () => {
    const id = randomUUID();
    const [first, second] = [newKey("pd", id).key, newKey("pd", id).key];
    const [one, other] = disguise.hide([first, second]) as string[];
    assert.notEqual(one, other);
    assert.deepEqual(disguise.reveal([one, other] as string[]), [first, second]);
  });

  it("is a secret of the right form, a code, and the endpoint that people have", () => {
    const live = { secret: newSecret(), registration_code: "7K3M9QX0", url: `${ENDPOINT}/hooks` };
    const shown = disguise.hide(live);
    assert.deepEqual(shown, {
      secret: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
      registration_code: "DEM00002",
      url: "http://localhost:4000/hooks",
    });
    assert.deepEqual(disguise.reveal(shown), live);
  });

  it("is one moment for all that happens in a call, and a known span ahead for what it sets an end to", () => {
    const now = Date.now();
    const at = (ms: number) => new Date(now + ms).toISOString();
    assert.deepEqual(disguise.hide([at(0), at(120_000), at(900_000), at(86_400_000)]), [
      "2026-10-01T09:00:00.000Z",
      "2026-10-01T09:02:00.000Z",
      "2026-10-01T09:15:00.000Z",
      "2026-10-02T09:00:00.000Z",
    ]);
    disguise.begin();
    assert.equal(disguise.hide(new Date().toISOString()), "2026-10-01T09:00:01.000Z");
  });

  it("is the moment at which a call began, when a range is asked for from there", () => {
    const began = disguise.reveal("2026-10-01T09:00:00.000Z") as string;
    assert.ok(Math.abs(Date.parse(began) - Date.now()) < 1000);
  });

  it("is refused for a moment that is of neither the world nor a call", () => {
    for (const ms of [-3_600_000, 3_600_000]) {
      const moment = new Date(Date.now() + ms).toISOString();
      assert.throws(() => disguise.hide({ created_at: moment }), /neither the world nor a call/);
    }
  });

  it("is refused in a request before an answer has told of it", () => {
    for (const unheard of [
      "00000000-0000-4000-8000-000000000001",
      "DEM00001",
      "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
      newKey("pg", "00000000-0000-4000-8000-000000000001").key,
    ]) {
      assert.throws(() => disguise.reveal({ value: unheard }), /nobody has told of/);
    }
  });

  it("is a cursor that leads back to the place it was told for", () => {
    const cursor = Buffer.from(`${Date.now()}.${randomUUID()}`).toString("base64url");
    const { next_cursor: shown } = disguise.hide({ next_cursor: cursor }) as { next_cursor: string };
    assert.equal(
      Buffer.from(shown, "base64url").toString(),
      `${Date.parse("2026-10-01T09:00:00.000Z")}.00000000-0000-4000-8000-000000000001`,
    );
    assert.equal(disguise.reveal(shown), cursor);
  });

  it("is one number for every time that something took", () => {
    assert.deepEqual(disguise.hide({ took_ms: 7, score: 0.81 }), { took_ms: 18, score: 0.81 });
  });
});
