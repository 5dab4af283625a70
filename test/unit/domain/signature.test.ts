import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { newSecret, signedHeaders } from "../../../functions/src/domain/webhook/signature.ts";

const BODY = '{"event_id":"1","text":"Zoë, 掌静脈, 👋🏽 – \\u2028"}';
const MINUTE = 60_000;

const before = newSecret();
const after = newSecret();
/** What a rotation goes through, and whose receivers each stage serves: both headers are for each of them. */
const STAGES = {
  "before a rotation": { secrets: [before], legacy: before, standard: [before], hex: before },
  "during its grace": { secrets: [after, before], legacy: before, standard: [after, before], hex: before },
  "after it": { secrets: [after], legacy: after, standard: [after], hex: after },
} as const;

type Sent = { body: string; at?: Date; secrets: readonly [string, ...string[]]; legacy: string };

const sign = ({ body, at = new Date(), secrets, legacy }: Sent) =>
  signedHeaders({ event_id: "5f0c1b1e-6a53-4c0e-9a52-7b6f5f3e2a10", body, at, secrets, legacy });

/** What a receiver with Standard Webhooks' own library does; throws what that does. */
const verify = (secret: string, body: string, headers: Record<string, string>) =>
  new Webhook(secret).verify(Buffer.from(body), headers, { jsonParse: false });

/** What a receiver without any library does. */
function verifyLegacy(secret: string, body: string, headers: Record<string, string>): boolean {
  const expected = `sha256=${createHmac("sha256", secret).update(Buffer.from(body)).digest("hex")}`;
  const sent = headers["X-Webhook-Signature"] ?? "";
  return sent.length === expected.length && timingSafeEqual(Buffer.from(sent), Buffer.from(expected));
}

describe("A webhook's secret", () => {
  it("is whsec_ and the base64 of 32 bytes, another one each time", () => {
    assert.match(before, /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.equal(Buffer.from(before.slice(6), "base64").length, 32);
    assert.notEqual(before, after);
  });
});

describe("A delivery's signatures", () => {
  it("are these, for this delivery and these secrets", () => {
    const secret = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`;
    const headers = signedHeaders({
      event_id: "5f0c1b1e-6a53-4c0e-9a52-7b6f5f3e2a10",
      body: '{"name":"Zoë"}',
      at: new Date("2026-11-24T12:00:00.999Z"),
      secrets: [secret(2), secret(1)],
      legacy: secret(1),
    });
    assert.deepEqual(headers, {
      "webhook-id": "5f0c1b1e-6a53-4c0e-9a52-7b6f5f3e2a10",
      "webhook-timestamp": "1795521600",
      "webhook-signature":
        "v1,uVXvRK0JzC+huJJjo6+3hhmJ8EPGvtiz+BeqR8uFf7M= v1,uXJ6PL9lCVwSNSaVCA5xOLtvZQ7/MIHLSO8b8zN7Adk=",
      "X-Webhook-Signature": "sha256=26975e0efe6720fd2b413dde418f57a44318ab039aba104aff8469d2b3ad9612",
    });
  });

  for (const [stage, { secrets, legacy, standard, hex }] of Object.entries(STAGES)) {
    describe(stage, () => {
      const headers = () => sign({ body: BODY, secrets, legacy });

      it("are accepted by Standard Webhooks with each secret alive", () => {
        for (const secret of standard) verify(secret, BODY, headers());
        assert.equal(headers()["webhook-signature"]?.split(" ").length, standard.length);
      });

      it("are accepted by a plain HMAC of the body", () => {
        assert.ok(verifyLegacy(hex, BODY, headers()));
      });

      it("are refused with any other secret", () => {
        const others = [before, after, newSecret()];
        for (const secret of others.filter((one) => !(standard as readonly string[]).includes(one))) {
          assert.throws(() => verify(secret, BODY, headers()), /No matching signature/);
        }
        for (const secret of others.filter((one) => one !== hex)) {
          assert.equal(verifyLegacy(secret, BODY, headers()), false);
        }
      });

      it("are refused for a body that differs in one character", () => {
        const tampered = BODY.replace("ë", "e");
        for (const secret of standard) {
          assert.throws(() => verify(secret, tampered, headers()), /No matching signature/);
        }
        assert.equal(verifyLegacy(hex, tampered, headers()), false);
      });
    });
  }

  it("are refused when they are old, from the future, or of another event", () => {
    const { secrets, legacy } = STAGES["before a rotation"];
    const at = (ms: number) => sign({ body: BODY, at: new Date(Date.now() + ms), secrets, legacy });
    assert.throws(() => verify(before, BODY, at(-6 * MINUTE)), /too old/);
    assert.throws(() => verify(before, BODY, at(6 * MINUTE)), /too new/);
    const headers = at(0);
    assert.throws(() => verify(before, BODY, { ...headers, "webhook-id": "another" }), /No matching/);
    const renewed = { ...at(-6 * MINUTE), "webhook-timestamp": headers["webhook-timestamp"] ?? "" };
    assert.throws(() => verify(before, BODY, renewed), /No matching/);
  });

  it("are of the bytes that are sent, whatever stands in them", () => {
    const { secrets, legacy } = STAGES["during its grace"];
    // No lone surrogates: JSON.stringify escapes them, so no body has them.
    const text = fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ text }, null, 1));
    fc.assert(
      fc.property(text, (body) => {
        const headers = sign({ body, secrets, legacy });
        verify(before, body, headers);
        verify(after, body, headers);
        assert.ok(verifyLegacy(before, body, headers));
      }),
    );
  });
});
