import { readFileSync } from "node:fs";
import type { Credential } from "../../../functions/src/http/route.ts";

/** A JSON Schema, as far as openapi.json uses it. */
export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

interface Header {
  required?: boolean;
  schema: Schema;
}

/** One documented answer, by its status. */
export interface Documented {
  headers: Record<string, Header>;
  /** By media type; without one there is no body. */
  content: Record<string, { schema: Schema }>;
  /** The codes of a problem. */
  codes: string[];
}

/** One operation of the document, its references resolved but for those inside of schemas. */
export interface Operation {
  id: string;
  method: string;
  /** With `/v1`; parameters in braces. */
  path: string;
  /** What the braces of the path hold. */
  params: string[];
  query: { name: string; required?: boolean; schema: Schema }[];
  body: Schema | undefined;
  credentials: Credential[];
  /** What an API key needs for it. */
  permission: string | undefined;
  idempotent: boolean;
  responses: Record<string, Documented>;
}

interface Ref {
  $ref?: string;
}

interface RawOperation {
  operationId: string;
  "x-permission"?: string;
  security: Record<string, []>[];
  parameters: (Ref & { in: string; name: string; required?: boolean; schema: Schema })[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<
    string,
    Ref & { headers?: Record<string, Ref & Header>; content?: Documented["content"] }
  >;
}

interface Document {
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
}

const document: Document = JSON.parse(
  readFileSync(new URL("../../../openapi.json", import.meta.url), "utf8"),
);

/** The document's schemas, by the name that references use. */
export const schemas = document.components.schemas;

/** What a reference within the document stands for. */
export function resolve<T extends object>(value: T & Ref): T {
  if (value.$ref === undefined) return value;
  let found: unknown = document;
  for (const step of value.$ref.slice("#/".length).split("/"))
    found = (found as Record<string, unknown>)[step];
  if (found === undefined) throw new Error(`openapi.json has no ${value.$ref}`);
  return found as T;
}

/** Every operation of openapi.json. */
export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, raw]) => {
    const parameters = raw.parameters.map((parameter) => resolve(parameter));
    return {
      id: raw.operationId,
      method: method.toUpperCase(),
      path: `/v1${path}`,
      params: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string),
      query: parameters.filter((parameter) => parameter.in === "query"),
      body: raw.requestBody?.content["application/json"]?.schema,
      credentials: raw.security.flatMap((one) => Object.keys(one) as Credential[]),
      permission: raw["x-permission"],
      idempotent: parameters.some(({ name }) => name === "Idempotency-Key"),
      responses: Object.fromEntries(
        Object.entries(raw.responses).map(([status, response]) => [status, documented(resolve(response))]),
      ),
    };
  }),
);

function documented({ headers = {}, content = {} }: RawOperation["responses"][string]): Documented {
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, resolve(header)])),
    content,
    codes: Object.values(content).flatMap(({ schema }) => codesOf(schema)),
  };
}

/** A problem says its codes in the last part of its schema. */
function codesOf(schema: Schema & { allOf?: Schema[] }): string[] {
  return (schema.allOf?.at(-1)?.properties?.["code"]?.enum ?? []) as string[];
}

const patterns = operations
  .map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }))
  // What is said in words goes before what a parameter may be, too.
  .sort((a, b) => a.operation.params.length - b.operation.params.length);

/** The operations of a path without its query, by method; empty for a path that the document has not. */
export function operationsAt(pathname: string): Map<string, Operation> {
  const [first] = patterns.filter(({ pattern }) => pattern.test(pathname));
  return new Map(
    operations.filter(({ path }) => path === first?.operation.path).map((one) => [one.method, one]),
  );
}
