import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { ExampleRequest, Json } from "../../functions/src/http/openapi.ts";
import { Play } from "../../scripts/openapi/play.ts";
import { NOT_SHOWN, TOUR } from "../../scripts/openapi/tour.ts";
import { profileConfig } from "../../scripts/profiles.ts";
import { startReceiver } from "../../scripts/webhooks/receiver.ts";
import { makeWorld } from "../../scripts/world-make.ts";
import { baseUrl } from "../support/suite.ts";
import { openDeps } from "../support/tenant.ts";

type Shown = Record<string, { summary: string; value: Json }>;
interface Parameter {
  $ref?: string;
  name: string;
  in: "path" | "query" | "header";
  examples?: Shown;
}
type Content = Record<string, { examples?: Shown }>;
interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}
/** A request of the document, and what the document says that it is answered. */
interface Example {
  request: ExampleRequest;
  answered: { status: number; answer?: Json };
}

const ROOT = new URL("../../", import.meta.url);
const document = JSON.parse(readFileSync(new URL("openapi.json", ROOT), "utf8"));
const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    ...operation,
  })),
);
type Found = (typeof operations)[number];

// Beside the format e164 there is a pattern.
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { e164: true } });
addFormats.default(ajv);
ajv.addSchema(document, "openapi.json");

describe("The examples of openapi.json", () => {
  it("are those of the tour: each of its calls has one", () => {
    const shown = operations.map((operation) => [operation.operationId, namesOf(operation).length]);
    const played = operations.map(({ operationId }) => [
      operationId,
      TOUR.filter((call) => call.operationId === operationId).length,
    ]);
    assert.deepEqual(shown, played);
  });

  it("are of the shapes that the document promises, requests and answers", () => {
    const faults = operations.flatMap((operation) => {
      const at = `#/paths/${operation.path.replaceAll("/", "~1")}/${operation.method.toLowerCase()}`;
      return [
        ...operation.parameters.flatMap((parameter, n) =>
          validate(`${at}/parameters/${n}/schema`, parameter.examples),
        ),
        ...ofContent(`${at}/requestBody`, operation.requestBody?.content),
        ...Object.entries(operation.responses).flatMap(([status, { content }]) =>
          ofContent(`${at}/responses/${status}`, content),
        ),
      ];
    });
    assert.deepEqual(faults, []);
  });

  it("show of each operation its success, and its body where it takes one", () => {
    const without = operations.filter((operation) => {
      const { request, answered } = exampleOf(operation, "example1");
      const [success = ""] = Object.keys(operation.responses);
      const isBodiless = operation.requestBody !== undefined && request.body === undefined;
      const isSilent = operation.responses[success]?.content !== undefined && answered.answer === undefined;
      return isBodiless || isSilent || namesOf(operation).length === 0;
    });
    const bare = without.map(({ operationId }) => operationId);
    assert.deepEqual(bare, Object.keys(NOT_SHOWN));
  });
});

describe("Every example of openapi.json", function () {
  this.timeout(30_000);
  // A call stands on those before it.
  this.bail(true);
  let play: Play;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;

  before(async function () {
    this.timeout(240_000);
    const { project, ports } = profileConfig("test");
    await makeWorld(await openDeps(), { project }, (file) =>
      readFileSync(new URL(`emulator-data/palms/${file}`, ROOT)),
    );
    receiver = await startReceiver();
    play = await Play.begin({ baseUrl: baseUrl(), ports }, receiver.url);
  });
  after(() => receiver?.close());

  const counts = new Map<string, number>();
  for (const call of TOUR) {
    const { operationId, summary } = call;
    const nth = (counts.get(operationId) ?? 0) + 1;
    counts.set(operationId, nth);
    it(`${operationId}, example ${nth}: ${summary}`, async () => {
      const operation = operations.find((one) => one.operationId === operationId);
      assert.ok(operation, "there is no such operation");
      const { request, answered } = exampleOf(operation, `example${nth}`);
      assert.deepEqual(await play.send(call, operation, request), answered);
    });
  }

  it("GET /v1/openapi.json answers the document itself", async () => {
    const response = await fetch(`${baseUrl()}/v1/openapi.json`);
    assert.deepEqual(await response.json(), document);
  });
});

const mapsOf = ({ parameters, requestBody, responses }: Found): (Shown | undefined)[] => [
  ...parameters.map(({ examples }) => examples),
  ...[requestBody, ...Object.values(responses)].flatMap((part) =>
    Object.values(part?.content ?? {}).map(({ examples }) => examples),
  ),
];

/** Names of the operation's examples. */
const namesOf = (operation: Found): string[] => [
  ...new Set(mapsOf(operation).flatMap((examples) => Object.keys(examples ?? {}))),
];

/** All that the document has under one name. */
function exampleOf(operation: Found, name: string): Example {
  const { parameters, requestBody, responses } = operation;
  const part = (place: Parameter["in"]) => {
    const named = parameters.filter((one) => one.in === place && one.examples?.[name]);
    return Object.fromEntries(named.map((one) => [one.name, one.examples?.[name]?.value]));
  };
  const [success = ""] = Object.keys(responses);
  const found = Object.entries(responses).flatMap(([status, { content }]) =>
    Object.values(content ?? {}).flatMap(({ examples }) => {
      const example = examples?.[name];
      return example ? [{ status: Number(status), answer: example.value }] : [];
    }),
  );
  const body = Object.values(requestBody?.content ?? {})[0]?.examples?.[name]?.value;
  return {
    request: {
      path: part("path") as Record<string, string>,
      query: part("query") as Record<string, string | number>,
      headers: part("header") as Record<string, string>,
      ...(body === undefined ? {} : { body }),
    },
    // Where the success has no answer, its status is the one that was promised.
    answered: found[0] ?? { status: Number(success) },
  };
}

const ofContent = (at: string, content: Content = {}): string[] =>
  Object.entries(content).flatMap(([type, { examples }]) =>
    validate(`${at}/content/${type.replaceAll("/", "~1")}/schema`, examples),
  );

/** Says which examples are not what the schema at a place of the document asks for. */
function validate(at: string, examples: Shown = {}): string[] {
  return Object.entries(examples).flatMap(([name, { value }]) =>
    ajv.validate(`openapi.json${at}`, value) ? [] : [`${at} ${name}: ${ajv.errorsText()}`],
  );
}
