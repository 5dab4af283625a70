import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { DEMO_KEY_DIGESTS } from "../../../functions/src/data/demoKeys.ts";
import {
  createDeviceKeySealing,
  createSealer,
  createSealing,
  createSecretSealing,
  openKeyring,
  parseKeyring,
} from "../../../functions/src/data/keyring.ts";

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

  describe("seals each record by a key of its own", () => {
    const bytes = randomBytes(32);
    const sealer = createSealer(ring({ a: bytes.toString("base64") }));
    /** AES-256-GCM, written out: form, nonce, ciphertext, tag. */
    const decrypt = (by: Uint8Array, sealed: Uint8Array, about: string): string => {
      const decipher = createDecipheriv("aes-256-gcm", by, sealed.subarray(1, 13))
        .setAAD(Buffer.from(about))
        .setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()]).toString();
    };
    const recordKey = (about: string) => new Uint8Array(hkdfSync("sha256", bytes, "", about, 32));

    it("which HKDF-SHA256 derives from the ring's key and what the record is about", () => {
      const [one, other] = [sealer.seal(Buffer.from("1"), "r:1"), sealer.seal(Buffer.from("2"), "r:2")];
      assert.deepEqual([one.sealed[0], other.sealed[0]], [2, 2]);
      assert.equal(decrypt(recordKey("r:1"), one.sealed, "r:1"), "1");
      assert.equal(decrypt(recordKey("r:2"), other.sealed, "r:2"), "2");
      // Two records have two keys, and neither is the ring's.
      assert.throws(() => decrypt(recordKey("r:1"), other.sealed, "r:2"), /unable to authenticate/);
      assert.throws(() => decrypt(bytes, one.sealed, "r:1"), /unable to authenticate/);
    });

    it("and opens it for that record, unaltered, alone", () => {
      const { kid, sealed } = sealer.seal(Buffer.from("text"), "r:1");
      assert.equal(Buffer.from(sealer.open({ kid, sealed }, "r:1")).toString(), "text");
      assert.throws(() => sealer.open({ kid, sealed }, "r:2"), /unable to authenticate/);
      for (let at = 0; at < sealed.length; at++) {
        const altered = Buffer.from(sealed);
        altered[at] = (altered[at] ?? 0) ^ 3;
        assert.throws(() => sealer.open({ kid, sealed: altered }, "r:1"), `byte ${at}`);
      }
    });

    /** As records were sealed before each had a key of its own. */
    const sealDirectly = (text: string, about: string): Uint8Array => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", bytes, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
      return Buffer.concat([Buffer.of(1), nonce, sealed, cipher.getAuthTag()]);
    };

    it("and still opens what was sealed by the ring's key itself, in every use of a ring", () => {
      const keyring = ring({ a: bytes.toString("base64") });
      const old = (text: string, about: string) => ({ kid: "a", sealed: sealDirectly(text, about) });
      assert.equal(
        Buffer.from(sealer.open(old("answer", "idempotency:1"), "idempotency:1")).toString(),
        "answer",
      );
      assert.throws(
        () => sealer.open(old("answer", "idempotency:1"), "idempotency:2"),
        /unable to authenticate/,
      );
      assert.equal(createDeviceKeySealing(keyring).open("d", old("pd_x", "devicekey:d")), "pd_x");
      const webhook = { project_id: "p", id: "w" };
      assert.equal(createSecretSealing(keyring).open(webhook, old("whsec_x", "webhook:p:w")), "whsec_x");
      const dataKey = "k".repeat(32);
      const wrapped = old(dataKey, "datakey:e");
      const sealed = createSealing(keyring).unwrap("e", wrapped).seal(Buffer.from("palm"), "t");
      assert.equal(decrypt(Buffer.from(dataKey), sealed, "t"), "palm");
      const rewrapped = createSealing(keyring).rewrap("e", wrapped);
      assert.equal(decrypt(recordKey("datakey:e"), rewrapped.sealed, "datakey:e"), dataKey);
    });

    it("for device keys, webhook secrets and data keys of environments, too", () => {
      const keyring = ring({ a: bytes.toString("base64") });
      const { sealed: device } = createDeviceKeySealing(keyring).seal("d", "pd_x");
      assert.equal(decrypt(recordKey("devicekey:d"), device, "devicekey:d"), "pd_x");
      const { sealed: secret } = createSecretSealing(keyring).seal({ project_id: "p", id: "w" }, "whsec_x");
      assert.equal(decrypt(recordKey("webhook:p:w"), secret, "webhook:p:w"), "whsec_x");
      const { sealed: dataKey } = createSealing(keyring).newDataKey("e");
      const about = "datakey:links-sealed:e";
      assert.doesNotThrow(() => decrypt(recordKey(about), dataKey, about));
    });
  });

  describe("refuses keys that protect nothing", () => {
    const file = new URL("../../../functions/.secret.local", import.meta.url);
    const demo = parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
    const demoKeys = Object.entries(demo).flatMap(([name, secret]) =>
      Object.values(JSON.parse(secret) as Record<string, string>).map((text) => [name, text] as const),
    );
    const secret = (keys: Record<string, string>) => JSON.stringify(keys);
    /** The message of the refusal; fails the test when there is none, or when it repeats a key. */
    const refusal = (secrets: Record<string, string>, isDemo = false): string => {
      let message = "";
      assert.throws(
        () => openKeyring(Object.keys(secrets)[0] ?? "", secrets, { isDemo }),
        (error: Error) => {
          message = error.message;
          return true;
        },
      );
      for (const text of Object.values(secrets).flatMap((one) => Object.values<string>(JSON.parse(one)))) {
        assert.ok(!message.includes(text), "the message repeats a key");
        assert.ok(!message.includes(text.slice(0, 12)), "the message repeats part of a key");
      }
      return message;
    };

    it("knows exactly the keys of functions/.secret.local as demo keys", () => {
      const digests = demoKeys.map(([, text]) =>
        createHash("sha256").update(Buffer.from(text, "base64")).digest("hex"),
      );
      assert.equal(demoKeys.length, 3);
      assert.deepEqual([...DEMO_KEY_DIGESTS].sort(), digests.sort());
    });

    it("in production, a committed demo key under any id, in any keyring, first or last", () => {
      for (const [, text] of demoKeys) {
        for (const ringName of Object.keys(demo)) {
          for (const keys of [{ k1: text }, { k1: key(), k2: text }, { k1: text, k2: key() }]) {
            assert.match(
              refusal({ [ringName]: secret(keys) }),
              new RegExp(`of ${ringName}: this is a public demo key`),
            );
          }
        }
      }
      // Base64 of 32 bytes leaves two bits over, so one key can be written in several ways.
      const [, text = ""] = demoKeys.find(([, one]) => one.endsWith("4=")) ?? [];
      const respelt = text.replace(/4=$/, "5=");
      assert.notEqual(respelt, text);
      assert.deepEqual(Buffer.from(respelt, "base64"), Buffer.from(text, "base64"));
      assert.match(
        refusal({ SEAL_KEYS: secret({ k1: respelt }) }),
        /k1 of SEAL_KEYS: this is a public demo key/,
      );
    });

    it("but opens the demo keyrings in a demo project, and keys of your own whatever they are called", () => {
      for (const name of Object.keys(demo))
        assert.ok(openKeyring(name, demo, { isDemo: true }).kids.length > 0);
      const own = { SEAL_KEYS: secret({ "demo-1": key() }), TEMPLATE_KEYS: secret({ k1: key() }) };
      assert.deepEqual(openKeyring("SEAL_KEYS", own, { isDemo: false }).kids, ["demo-1"]);
    });

    it("a key that is used twice, in two keyrings or in one, even in a demo project", () => {
      const same = key();
      for (const isDemo of [true, false]) {
        const two = { SEAL_KEYS: secret({ k1: key(), k2: same }), TEMPLATE_KEYS: secret({ t1: same }) };
        assert.match(refusal(two, isDemo), /^k2 of SEAL_KEYS and t1 of TEMPLATE_KEYS are the same key;/);
        const one = { SEAL_KEYS: secret({ k1: same, k2: same }) };
        assert.match(refusal(one, isDemo), /^k1 of SEAL_KEYS and k2 of SEAL_KEYS are the same key;/);
      }
    });
  });
});
