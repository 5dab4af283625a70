import assert from "node:assert/strict";
import { mock } from "node:test";
import { routes } from "../../functions/src/api/biometrics/routes.ts";
import { type InputReader, ReaderInTurn, SMALL } from "../../functions/src/http/inputReader.ts";
import type { Route } from "../../functions/src/http/route.ts";
import { ReaderAside } from "../../functions/src/inputs.ts";

const byId = new Map((routes as readonly Route[]).map((route) => [route.operationId, route]));
const image = Buffer.alloc(600_000, 7).toString("base64");
const member_id = "00000000-0000-4000-8000-000000000001";

describe("Inputs read on a thread", () => {
  const here = new ReaderInTurn();
  let aside: ReaderAside;
  before(() => {
    aside = new ReaderAside();
  });
  after(() => aside.close());

  const read = async (reader: InputReader, operationId: string, body: string, search = "") => {
    const route = byId.get(operationId) as Route;
    try {
      const { raw, ...input } = await reader.read(
        route,
        { search, key: null, raw: Buffer.from(body) },
        { owner: "a", signal },
      );
      return { ...input, raw: Buffer.from(raw).toString() };
    } catch (error) {
      const { name, code, message, errors } = error as Record<string, unknown>;
      return { name, code, message, errors };
    }
  };

  const { signal } = new AbortController();
  const long = "x".repeat(SMALL);
  const cases: [what: string, operationId: string, body: string, search?: string][] = [
    ["pictures", "enrollPalm", JSON.stringify({ member_id, samples: [{ image }, { image, hand: "left" }] })],
    ["one picture", "identify", JSON.stringify({ image, pad_score: 0.5 })],
    ["a small body", "identify", JSON.stringify({ image: "AAAA" })],
    ["a wrong field and a wrong query", "identify", JSON.stringify({ image, other: 1 }), "?x=1"],
    ["no base64", "identify", JSON.stringify({ image: `${image}!` })],
    ["too large a picture", "identify", JSON.stringify({ image: image + image })],
    ["a photograph", "identify", JSON.stringify({ photo: image + image })],
    ["too large a photograph", "identify", JSON.stringify({ photo: image.repeat(14) })],
    [
      "24 MiB of two bytes a character",
      "enrollPalm",
      JSON.stringify({ x: `\u00e9\u4e2d${"A".repeat(25_000_000)}` }),
    ],
    ["no JSON", "enrollPalm", `{"member_id":"${long}`],
    ["a name twice", "enrollPalm", `{"member_id":"${long}","member_id":""}`],
  ];
  for (const [what, operationId, body, search] of cases) {
    it(`are, and are refused, as on this one: ${what}`, async () => {
      assert.ok(byId.has(operationId));
      assert.deepEqual(
        await read(aside, operationId, body, search),
        await read(here, operationId, body, search),
      );
    });
  }

  it("of one owner wait for as long as the last one took, and those of others do not", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const route = byId.get("identify") as Route;
      const raw = () => Buffer.from(JSON.stringify({ image }));
      const done: string[] = [];
      const send = (owner: string, name: string) =>
        aside
          .read(route, { search: "", key: null, raw: raw() }, { owner, signal })
          .then(() => done.push(name));
      const first = send("flood", "first");
      const second = send("flood", "second");
      await first;
      for (const name of ["b1", "b2"]) {
        await send(name, name);
      }
      assert.deepEqual(done, ["first", "b1", "b2"]);
      mock.timers.tick(60_000);
      await second;
      assert.equal(done.at(-1), "second");
      mock.timers.tick(60_000);
    } finally {
      mock.timers.reset();
    }
  });

  it("are handed over as they are: no picture shares its bytes with another", async () => {
    const body = { member_id, samples: [{ image }, { image }] };
    const { body: found } = (await read(aside, "enrollPalm", JSON.stringify(body))) as {
      body: { samples: { image: Uint8Array }[] };
    };
    const [first, second] = found.samples.map((sample) => sample.image);
    assert.equal(first?.buffer.byteLength, 600_000);
    assert.notEqual(first?.buffer, second?.buffer);
  });
});
