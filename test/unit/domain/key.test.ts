import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import {
  hashSecret,
  keyPrefix,
  newKey,
  parseKey,
  secretMatches,
} from "../../../functions/src/domain/credential/key.ts";

describe("API keys", () => {
  it("have the form of the contract, whatever the id", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (id, entropy) => {
        const { key, prefix, secret_hash } = newKey("pg", id, entropy);
        assert.match(key, /^pg_[0-9A-Za-z]{22}\.[0-9A-Za-z]{49}$/);
        assert.equal(prefix, key.slice(0, 25));
        const parsed = parseKey("pg", key);
        assert.equal(parsed?.id, id);
        assert.equal(hashSecret(parsed?.secret ?? ""), secret_hash);
        assert.ok(secretMatches(parsed?.secret ?? "", secret_hash));
      }),
    );
  });

  it("are the same on every machine", () => {
    const key = newKey("pg", "aaaaaaaa-0000-4000-8000-000000000001", new Uint8Array(32).fill(7));
    assert.equal(key.key, "pg_5C2go9nMhlQPG26fjv1acL.1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF11Fd5jZ");
  });

  it("are told from mistyped ones without a read: every single character counts", () => {
    const { key } = newKey("pg", randomUUID());
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === "x" ? "y" : "x";
      assert.equal(parseKey("pg", key.slice(0, at) + other + key.slice(at + 1)), undefined);
    }
  });

  for (const [what, key] of [
    ["nothing", ""],
    ["a prefix alone", keyPrefix("pg", randomUUID())],
    ["another kind", newKey("pg", randomUUID()).key.replace("pg_", "pd_")],
    ["a line break behind", `${newKey("pg", randomUUID()).key}\n`],
    ["an id beyond 128 bits", `pg_${"z".repeat(22)}.${"0".repeat(49)}`],
  ] as const) {
    it(`are not ${what}`, () => assert.equal(parseKey("pg", key), undefined));
  }

  it("do not open with another secret", () => {
    const { secret_hash } = newKey("pg", randomUUID());
    assert.equal(secretMatches("0".repeat(43), secret_hash), false);
  });
});
