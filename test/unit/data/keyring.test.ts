import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSealer, createSealing, parseKeyring } from "../../../functions/src/data/keyring.ts";

const key = () => randomBytes(32).toString("base64");
const ring = (keys: Record<string, string>) => parseKeyring("RING", JSON.stringify(keys));

describe("The keyring", () => {
  it("seals with its last key and opens with all", () => {
    const old = { a: key() };
    const wrapped = createSealing(ring(old)).newDataKey("e1");
    assert.equal(wrapped.kid, "a");
    const rotated = createSealing(ring({ ...old, b: key() }));
    assert.equal(rotated.newDataKey("e1").kid, "b");
    rotated.unwrap("e1", wrapped);
    assert.throws(() => createSealing(ring({ b: key() })).unwrap("e1", wrapped), /no key a/);
  });

  it("gives a data key that opens what it sealed, about the same thing, unaltered, alone", () => {
    const sealing = createSealing(ring({ a: key() }));
    const wrapped = sealing.newDataKey("e1");
    const data = sealing.unwrap("e1", wrapped);
    const sealed = data.seal(Buffer.from("palm"), "p1");
    assert.ok(!Buffer.from(sealed).includes("palm"));
    assert.equal(Buffer.from(data.open(sealed, "p1")).toString(), "palm");
    assert.notDeepEqual(sealed, data.seal(Buffer.from("palm"), "p1"));
    assert.throws(() => data.open(sealed, "p2"));
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      assert.throws(() => data.open(altered, "p1"), `byte ${at}`);
    }
    assert.throws(() => data.open(sealed.subarray(0, 20), "p1"));
    assert.throws(() => sealing.unwrap("e1", sealing.newDataKey("e2")), "the key of another environment");
  });

  it("marks a data key as that of an environment whose links are sealed, in a way that only it can undo", () => {
    const keys = { a: key() };
    const [sealing, rotated] = [createSealing(ring(keys)), createSealing(ring({ ...keys, b: key() }))];
    const before = createSealer(ring(keys)).seal(randomBytes(32), "datakey:e1");
    const text = (wrapped: typeof before, by = sealing) => {
      const { linksSealed, ...data } = by.unwrap("e1", wrapped);
      return { linksSealed, secret: Buffer.from(data.derive("x")).toString("hex") };
    };
    assert.equal(text(before).linksSealed, false);
    assert.equal(text(rotated.rewrap("e1", before), rotated).linksSealed, false);
    const marked = sealing.markLinksSealed("e1", before);
    assert.deepEqual(text(marked), { ...text(before), linksSealed: true });
    assert.deepEqual(text(rotated.rewrap("e1", marked), rotated), text(marked));
    assert.equal(sealing.unwrap("e1", sealing.newDataKey("e1")).linksSealed, true);
    assert.throws(() => sealing.unwrap("e2", marked), "the key of another environment");
    assert.throws(() => sealing.markLinksSealed("e2", before));
  });

  it("derives secrets that follow from the data key and the purpose, and tell nothing of either", () => {
    const sealing = createSealing(ring({ a: key() }));
    const wrapped = sealing.newDataKey("e1");
    const derive = (purpose: string) =>
      Buffer.from(sealing.unwrap("e1", wrapped).derive(purpose)).toString("hex");
    assert.match(derive("rotation"), /^[0-9a-f]{64}$/);
    assert.equal(derive("rotation"), derive("rotation"));
    assert.notEqual(derive("rotation"), derive("rotations"));
    const other = sealing.unwrap("e1", sealing.newDataKey("e1"));
    assert.notEqual(Buffer.from(other.derive("rotation")).toString("hex"), derive("rotation"));
  });

  for (const [what, secret] of [
    ["nothing", ""],
    ["an empty ring", "{}"],
    ["no JSON", "abc"],
    ["a list", "[]"],
    ["a short key", JSON.stringify({ a: randomBytes(16).toString("base64") })],
    ["no base64", JSON.stringify({ a: "*".repeat(44) })],
    ["an id that JSON.parse would reorder", JSON.stringify({ 1: key() })],
  ] as const) {
    it(`is not ${what}, and the error repeats none of it`, () => {
      assert.throws(
        () => parseKeyring("RING", secret),
        (error: Error) =>
          error.message.startsWith("RING is") && (secret.length < 4 || !error.message.includes(secret)),
      );
    });
  }
});
