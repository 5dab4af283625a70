import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GeneratorVerbOptions, generate } from "orval";
import { keep } from "./generated/keep.ts";
import { ROOT } from "./profiles.ts";

/*
 * clients/typescript/src/api.ts, made of openapi.json: orval writes the types, and for each operation a function that
 * says as data what `send` is to do. `--write` writes it, `--check` compares it.
 */

interface Schema {
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  $ref?: string;
  [keyword: string]: unknown;
}

interface Body {
  content?: Record<string, { schema: Schema }>;
}

interface Operation {
  /** Whether it takes an `Idempotency-Key`. */
  "x-idempotent"?: boolean;
  summary: string;
  description: string;
  deprecated?: boolean;
  parameters: { $ref?: string; in?: string; name?: string }[];
  requestBody?: Body;
  responses: Record<string, Body>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: { requestBody: Required<Body> } }>;
  components: { schemas: Record<string, Schema>; responses?: unknown; parameters?: unknown };
}

const PATH = "clients/typescript/src/api.ts";
const HEADER = `// Made of openapi.json by orval: npm run client. Not to be edited by hand.

import type { Client } from "./client.ts";
import type { AsksForAll, AsksForPage } from "./pages.ts";
import { send } from "./send.ts";

`;

const IDEMPOTENCY_KEY = "#/components/parameters/idempotencyKey";

await keep(PATH, "npm run client", () =>
  generateApi(JSON.parse(readFileSync(join(ROOT, "openapi.json"), "utf8"))),
);

async function generateApi(document: Document): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "palmgate-client-"));
  const target = join(folder, "api.ts");
  try {
    await generate(
      {
        input: { target: { ...prepare(document) } },
        output: {
          target,
          mode: "single",
          client: () => ({ client: functionOf, header: () => "" }),
          tsconfig: { compilerOptions: { exactOptionalPropertyTypes: true } },
          override: {
            header: () => HEADER,
            enumGenerationType: "union",
            jsDoc: { filter: describe },
          },
        },
      },
      folder,
      { logLevel: "error", throwOnError: true },
    );
    return format(tidy(readFileSync(target, "utf8")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The document as far as types need it: without problems, which are all one type, and without webhooks' headers. */
function prepare({ paths, webhooks, components, ...document }: Document): Document {
  for (const operation of operationsOf(paths)) {
    operation.responses = Object.fromEntries(
      Object.entries(operation.responses).filter(
        // The client sends no If-None-Match.
        ([status, response]) => status !== "304" && !("$ref" in response),
      ),
    );
    if (isEmpty(jsonOf(operation.requestBody))) delete operation.requestBody;
    operation["x-idempotent"] = operation.parameters.some(
      ({ $ref, name }) => $ref === IDEMPOTENCY_KEY || name === "Idempotency-Key",
    );
    operation.parameters = operation.parameters.filter((parameter) =>
      /^(path|query)$/.test(`${parameter.in}`),
    );
  }
  const events = Object.values(webhooks).map(({ post }) => jsonOf(post.requestBody) as Schema);
  const { schemas, responses: _, parameters: __, ...rest } = components;
  return {
    ...document,
    paths,
    webhooks: {},
    components: {
      ...rest,
      schemas: {
        ...Object.fromEntries(
          Object.entries(schemas).map(([name, schema]) => [name, alternativesOf(schema)]),
        ),
        WebhookEvent: { description: "What webhooks are sent.", oneOf: events },
      },
    },
  };
}

/** An object that must fit one of several alternatives, as one object for each of them. */
function alternativesOf({ oneOf, anyOf, ...schema }: Schema): Schema {
  const alternatives = oneOf ?? anyOf ?? [];
  if (schema["type"] !== "object" || alternatives.length === 0) {
    return { ...schema, ...(oneOf ? { oneOf } : {}), ...(anyOf ? { anyOf } : {}) };
  }
  const required = alternatives.flatMap((alternative) => alternative.required ?? []);
  return {
    oneOf: alternatives.map((alternative) => {
      const absent = oneOf ? required.filter((name) => !alternative.required?.includes(name)) : [];
      const nothing = Object.fromEntries(absent.map((name) => [name, { type: "null" }]));
      return narrowed(schema, alternative, { ...nothing, ...alternative.properties });
    }),
  };
}

/** An object whose fields have these types in one of its alternatives. */
function narrowed(schema: Schema, alternative: Schema, types: Record<string, Schema>): Schema {
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, { anyOf, ...field }]) => {
    const type = types[name]?.["type"];
    if (type === undefined) return [[name, anyOf ? { ...field, anyOf } : field]];
    const fitting = (anyOf ?? [field]).filter((one) => one["type"] === type);
    const [only] = fitting;
    return only ? [[name, type === "null" ? only : { ...field, ...only }]] : [];
  });
  return {
    ...schema,
    properties: Object.fromEntries(properties),
    required: [...new Set([...(schema.required ?? []), ...(alternative.required ?? [])])],
  };
}

/** A function of an operation: what its path names, its body, its query, the client. */
function functionOf({ verb, pathRoute, operationName, originalOperation, ...has }: GeneratorVerbOptions) {
  const operation = originalOperation as unknown as Operation;
  const ids = [...pathRoute.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  const body = has.body.definition || undefined;
  const query = has.queryParams?.schema.name;
  const success = has.response.definition.success;
  const answers = Object.keys(operation.responses).filter((status) => !status.startsWith("2"));
  const does = [
    `method: "${verb.toUpperCase()}"`,
    `path: "${pathRoute}"`,
    ...(ids.length > 0 ? [`ids: { ${ids.join(", ")} }`] : []),
    ...(body ? ["body"] : []),
    ...(query ? ["query"] : []),
    ...(operation["x-idempotent"] ? ["idempotent: true"] : []),
    ...(answers.length > 0 ? [`answers: [${answers.join(", ")}]`] : []),
  ];
  const signature = (query: string | undefined, answer: string) =>
    [
      `export function ${operationName}(`,
      ...ids.map((id) => `  ${id}: string,`),
      ...(body ? [`  body: ${body},`] : []),
      ...(query ? [`  query: ${query},`] : []),
      "  client: Client,",
      `): Promise<${answer}>`,
    ].join("\n");
  // All of a list in an array, or a page of it: which, the query says.
  const [all, page] = isListOrPage(operation) ? success.split(" | ") : [];
  const overloads =
    all && page
      ? [`${signature(`AsksForAll<${query}>`, all)};`, `${signature(`AsksForPage<${query}>`, page)};`]
      : [];
  const implementation = [
    ...overloads,
    `${signature(query, success)} {`,
    `  return send(client, { ${does.join(", ")} });`,
    "}",
    "",
  ].join("\n");
  return { implementation, imports: [], docComment: commentOf(operation) };
}

/** What the types do not say, and is for people. */
function describe({ description }: Schema) {
  return typeof description === "string" ? [{ key: "description", value: description }] : [];
}

function commentOf({ summary, description, deprecated }: Operation): string {
  const lines = [`${summary}.`, "", description, ...(deprecated ? ["", "@deprecated"] : [])];
  return ["/**", ...lines.map((line) => ` * ${line}`.trimEnd()), " */", ""].join("\n");
}

/** Each type once, where a query's and an answer's have the same name, and descriptions without their tag. */
function tidy(source: string): string {
  const lines = source.split("\n");
  return lines
    .filter((line, n) => !/^export type .*;$/.test(line) || lines.indexOf(line) === n)
    .join("\n")
    .replaceAll(/^export type \w+Params = \{$[\s\S]*?^\};$/gm, orUndefined)
    .replaceAll(/\/\*\*\s+\* @description (.*)\s+\*\//g, "/** $1 */");
}

/** A query's type with undefined allowed for what may be absent: `send` leaves it out. */
function orUndefined(type: string): string {
  return type.replaceAll(/^(\s*\w+\?: .*);$/gm, "$1 | undefined;");
}

function format(source: string): string {
  return execFileSync(join(ROOT, "node_modules/.bin/biome"), ["format", `--stdin-file-path=${PATH}`], {
    cwd: ROOT,
    input: source,
    encoding: "utf8",
  });
}

function operationsOf(paths: Document["paths"]): Operation[] {
  return Object.values(paths).flatMap(Object.values<Operation>);
}

function jsonOf(body: Body | undefined): Schema | undefined {
  return body?.content?.["application/json"]?.schema;
}

function isEmpty(body: Schema | undefined): boolean {
  return body === undefined || (!body.$ref && Object.keys(body.properties ?? {}).length === 0);
}

function isListOrPage({ responses }: Operation): boolean {
  const [first] = jsonOf(responses["200"])?.anyOf ?? [];
  return first?.["type"] === "array";
}
