import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { NOT_SHOWN, TOUR } from "../../scripts/openapi/tour.ts";
import { type Content, document, exampleOf, namesOf, operations, type Shown } from "../support/examples.ts";

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
