import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { allRoutes } from "../../functions/src/api/routes.ts";
import { errorsOf } from "../../functions/src/http/route.ts";

interface Operation {
  operationId: string;
  description: string;
  "x-permission"?: string;
  security: Record<string, []>[];
  responses: Record<string, { $ref?: string }>;
}

const text = readFileSync(new URL("../../openapi.json", import.meta.url), "utf8");
const document = JSON.parse(text);

describe("openapi.json", () => {
  it("has nothing that a linter's recommended rules complain of", async () => {
    assert.deepEqual(await complaints(text), []);
  });

  it("would be complained of without a summary", async () => {
    const [first] = (await complaints(text.replace('"summary": "Get a member",', ""))) as [string];
    assert.match(first, /operation-summary/);
  });

  it("names the permission that an API key needs, in words and for programs, where it takes API keys", () => {
    for (const route of allRoutes) {
      const operation: Operation = document.paths[route.path.slice("/v1".length)][route.method.toLowerCase()];
      assert.equal(operation["x-permission"], route.permission, route.operationId);
      const sentence = / An API key needs the permission `([a-z:]+)`\.$/.exec(operation.description)?.[1];
      assert.equal(sentence, route.permission, route.operationId);
    }
  });

  it("has every route as it is: path, method, credentials, every code that it can answer; and no other", () => {
    assert.equal(Object.values<object>(document.paths).flatMap(Object.keys).length, allRoutes.length);
    for (const route of allRoutes) {
      const operation: Operation = document.paths[route.path.slice("/v1".length)][route.method.toLowerCase()];
      const security = route.auth === "public" ? [] : route.auth.map((kind) => ({ [kind]: [] }));
      assert.deepEqual([operation.operationId, operation.security], [route.operationId, security]);
      const told = Object.values(operation.responses).flatMap(({ $ref }) => {
        if ($ref === undefined) return [];
        const { content } = document.components.responses[$ref.split("/").at(-1) as string];
        return content["application/problem+json"].schema.allOf[1].properties.code.enum;
      });
      // Health's 503 is a document of its own.
      const wanted = errorsOf(route).filter((code) => !(route.statusOf && code === "unavailable"));
      assert.deepEqual(told.toSorted(), wanted.toSorted(), route.operationId);
    }
  });
});

async function complaints(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${message} ${location[0]?.pointer}`);
}
