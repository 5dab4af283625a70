import { readFileSync } from "node:fs";
import type { ExampleRequest, Json } from "../../functions/src/http/openapi.ts";

/** Examples by their names, in one place of the document. */
export type Shown = Record<string, { summary: string; value: Json }>;
interface Parameter {
  $ref?: string;
  name: string;
  in: "path" | "query" | "header";
  examples?: Shown;
}
export type Content = Record<string, { examples?: Shown }>;
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

/** The committed document. */
export const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"));
/** What it says of each operation. */
export const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      ...operation,
    })),
);
type Found = (typeof operations)[number];

const mapsOf = ({ parameters, requestBody, responses }: Found): (Shown | undefined)[] => [
  ...parameters.map(({ examples }) => examples),
  ...[requestBody, ...Object.values(responses)].flatMap((part) =>
    Object.values(part?.content ?? {}).map(({ examples }) => examples),
  ),
];

/** Names of the operation's examples. */
export const namesOf = (operation: Found): string[] => [
  ...new Set(mapsOf(operation).flatMap((examples) => Object.keys(examples ?? {}))),
];

/** All that the document has under one name. */
export function exampleOf(operation: Found, name: string): Example {
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
