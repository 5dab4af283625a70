import assert from "node:assert/strict";
import * as z from "zod";
import { IdentificationShape, VerificationShape } from "../../../functions/src/api/biometrics/schemas.ts";
import { allRoutes } from "../../../functions/src/api/routes.ts";
import { scoreOut } from "../../../functions/src/domain/palm/score.ts";

/** Numbers that are not whole and no score: what an environment was set to. */
const NO_SCORES = ["target_fpir"];

interface Json {
  type?: string;
  multipleOf?: number;
  properties?: Record<string, Json>;
  [more: string]: unknown;
}

/** Every property that may be a number which is not whole, wherever it stands in a shape. */
function* fractions(json: unknown, name = ""): Iterable<{ name: string; json: Json }> {
  if (typeof json !== "object" || json === null) return;
  const here = json as Json;
  if (here.type === "number") yield { name, json: here };
  for (const [key, value] of Object.entries(here)) {
    if (key !== "properties") yield* fractions(value, Array.isArray(json) ? name : name || key);
  }
  for (const [key, value] of Object.entries(here.properties ?? {})) yield* fractions(value, key);
}

describe("Scores and thresholds", () => {
  const found = allRoutes.flatMap((route) =>
    route.response
      ? [...fractions(z.toJSONSchema(route.response))].map((field) => ({
          ...field,
          operation: route.operationId,
        }))
      : [],
  );

  it("are found in the shapes of identify, verify and scan", () => {
    const names = found
      .filter(({ name }) => !NO_SCORES.includes(name))
      .map(({ operation, name }) => `${operation} ${name}`);
    assert.deepEqual(names.sort(), [
      "identify score",
      "identify threshold",
      "scan score",
      "scan threshold",
      "verifyPalm score",
      "verifyPalm threshold",
    ]);
  });

  for (const { operation, name, json } of found) {
    if (NO_SCORES.includes(name)) continue;
    it(`leave ${operation} with two digits: ${name}`, () => assert.equal(json.multipleOf, 0.01));
  }

  it("pass their shape with every two digits, and with no third", () => {
    for (let hundredths = 0; hundredths <= 100; hundredths++) {
      const score = hundredths / 100;
      const shared = { scan_id: crypto.randomUUID(), threshold: score, score, hand: null, took_ms: 1 };
      const verified = { ...shared, outcome: "no_match" };
      VerificationShape.parse(verified);
      IdentificationShape.parse({ ...verified, member_id: null, searched: 0 });
      assert.ok(!VerificationShape.safeParse({ ...verified, score: score / 2 + 0.0013 }).success);
      assert.ok(!VerificationShape.safeParse({ ...verified, threshold: score / 2 + 0.0013 }).success);
    }
  });

  it("are told so that a score reaches the threshold exactly when the palm did", () => {
    for (let hundredths = 1; hundredths <= 100; hundredths++) {
      const threshold = hundredths / 100;
      assert.equal(scoreOut(threshold), threshold);
      for (const less of [1e-3, 1e-6]) {
        assert.ok(scoreOut(threshold - less) < threshold);
        assert.ok(scoreOut(threshold + less) >= threshold);
      }
    }
  });
});
