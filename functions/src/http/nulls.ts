import type * as z from "zod";
import type { Json } from "./openapi.ts";

/*
 * In the body of a POST, null for a field that may be left out means that it is left out. Both halves of the rule are
 * derived from the route's schema, so no route can forget it: what is accepted, and what the OpenAPI document says.
 */

type JsonObject = { [name: string]: Json | undefined };

/** Whether an object's field may be left out. */
const mayBeAbsent = (field: z.core.$ZodType): boolean => field._zod.optin !== undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The value without the fields that are null and may be left out, at every depth that the schema describes. Anything
 * else stays as it is, for the schema to judge.
 */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = schema._zod as z.core.$ZodTypes["_zod"];
  switch (def.type) {
    case "object":
      return isObject(value) ? withoutNullFields(def.shape, value) : value;
    case "array":
      return Array.isArray(value) ? value.map((item) => withoutNulls(def.element, item)) : value;
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return withoutNulls(def.innerType, value);
    case "pipe":
      return withoutNulls(def.in, value);
    default:
      return value;
  }
}

function withoutNullFields(
  shape: Readonly<Record<string, z.core.$ZodType>>,
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (!field) return [[name, inner]];
      return inner === null && mayBeAbsent(field) ? [] : [[name, withoutNulls(field, inner)]];
    }),
  );
}

/** A JSON Schema with null allowed for every property that is not required, at every depth. */
export function allowNulls(schema: Json | undefined): Json | undefined {
  if (Array.isArray(schema)) return schema.map((item) => allowNulls(item) as Json);
  if (typeof schema !== "object" || schema === null) return schema;
  const { properties, ...rest } = schema as JsonObject;
  const inner = mapValues(rest, (value, name) => (DATA.has(name) ? value : allowNulls(value)));
  if (properties === undefined) return inner;
  const required = (inner["required"] ?? []) as readonly string[];
  // Without a type the properties are a condition on an object that is described elsewhere.
  const isDescribed = inner["type"] === "object";
  const nullable = mapValues(properties as JsonObject, (property, name) =>
    isDescribed && !required.includes(name)
      ? orNull(allowNulls(property) as JsonObject)
      : allowNulls(property),
  );
  return { ...inner, properties: nullable };
}

const mapValues = (
  object: JsonObject,
  change: (value: Json | undefined, name: string) => Json | undefined,
): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));

/** Keywords whose values are data, not schemas. */
const DATA = new Set(["default", "enum", "const", "examples", "required"]);

function orNull({ description, default: byDefault, ...schema }: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  const alternatives = anyOf && Object.keys(rest).length === 0 ? (anyOf as readonly JsonObject[]) : [schema];
  const hasNull = alternatives.some(({ type }) => type === "null" || [type].flat().includes("null"));
  return {
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: hasNull ? [...alternatives] : [...alternatives, { type: "null" }],
  };
}
