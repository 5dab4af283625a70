import * as z from "zod";
import { DomainError, type FieldError } from "../domain/errors.ts";
import { IDEMPOTENCY_KEY, isIdempotencyKey } from "./idempotency.ts";
import { parseJson } from "./json.ts";
import { messageOf } from "./messages.ts";
import { withoutNulls } from "./nulls.ts";
import type { Route } from "./route.ts";

/** How many faults one answer names. */
const MAX_FAULTS = 100;
/** Longer paths are cut, because the caller chooses the names in them. */
const MAX_PATH = 200;

/** The query of a route that takes none. Made once: zod compiles an object's schema when it first parses. */
const NO_QUERY = z.strictObject({});

/** A custom zod issue with this parameter is 413, not 400. */
export const TOO_LARGE = { code: "too_large" } as const;

/** The parts of a request that are validated. */
export interface Received {
  /** The query string with its question mark, or an empty string. */
  search: string;
  /** The `Idempotency-Key` header. */
  key: string | null;
  /** The body's bytes, empty for a route without a body. */
  raw: Uint8Array;
}

/** A request's input, validated. */
export interface Input {
  query: unknown;
  body: unknown;
  /** The body's bytes. Use these, not the ones that were passed in: a reader may have moved those to a thread. */
  raw: Uint8Array;
}

/**
 * Validates query, body and headers.
 * @throws DomainError `too_large`, `invalid_request`, in this order.
 */
export function readInput(route: Route, { search, key, raw }: Received): Input {
  const faults = new Faults();
  const json = route.body ? faults.collect(() => parseJson(raw)) : undefined;
  const body =
    route.body && json !== undefined ? faults.validate(route.body, bodyOf(route, json)) : undefined;
  const query = readQuery(route, new URLSearchParams(search), faults);
  if (route.idempotent && key !== null && !isIdempotencyKey(key)) {
    faults.add(IDEMPOTENCY_KEY, "is not 1 to 255 characters of printable ASCII");
  }
  if (key === null && body !== undefined && route.needsKey?.(body)) {
    faults.add(IDEMPOTENCY_KEY, "is required with such a body");
  }
  faults.refuse();
  return { query, body, raw };
}

/** In a POST null for an optional field means absent; in a PATCH it clears the field. */
const bodyOf = ({ method, body }: Route, json: unknown): unknown =>
  method === "POST" && body ? withoutNulls(body, json) : json;

function readQuery(route: Route, params: URLSearchParams, faults: Faults): unknown {
  const query: Record<string, string> = {};
  // Grouped once: looking up each name takes quadratic time.
  for (const [name, pairs] of Map.groupBy(params, ([name]) => name)) {
    const value = pairs[0]?.[1];
    if (pairs.length > 1) faults.add(name, "is given more than once");
    else if (value === "") faults.add(name, "is empty");
    else Object.defineProperty(query, name, { value, enumerable: true });
  }
  return faults.validate(route.query ?? NO_QUERY, query);
}

/** The faults of one request, gathered so that the caller sees all at once: 100 of them at most. */
class Faults {
  readonly #errors: FieldError[] = [];
  #count = 0;
  /** What is too large, in a sentence. */
  #tooLarge: string | undefined;

  add(path: string, message: string): void {
    this.#count += 1;
    if (this.#count > MAX_FAULTS) return;
    const shown = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
    this.#errors.push({ path: shown, message });
  }

  collect<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      for (const { path, message } of error.errors ?? []) this.add(path, message);
      return undefined;
    }
  }

  validate<T>(schema: z.ZodType<T>, value: unknown): T | undefined {
    const result = schema.safeParse(value, { error: messageOf });
    if (result.success) return result.data;
    const { issues } = result.error;
    const placeOf = ({ path }: z.core.$ZodIssue) => path.join(".");
    const mistyped = new Set(issues.filter(({ code }) => code === "invalid_type").map(placeOf));
    for (const issue of issues) {
      // The length of a text says nothing of the list that it should have been.
      if (issue.code !== "invalid_type" && mistyped.has(placeOf(issue))) continue;
      if (issue.code === "custom" && issue.params?.["code"] === TOO_LARGE.code) {
        this.#tooLarge ??= `${placeOf(issue)} ${issue.message}.`;
      }
      const path = issue.path.map(String);
      if (issue.code === "unrecognized_keys") {
        for (const key of issue.keys) this.add([...path, key].join("."), "is not known here");
      } else if (issue.code === "invalid_key") {
        for (const { message } of issue.issues) this.add(path.join("."), `has a key that ${message}`);
      } else {
        this.add(path.join("."), issue.message);
      }
    }
    return undefined;
  }

  refuse(): void {
    if (this.#tooLarge !== undefined) throw new DomainError("too_large", this.#tooLarge);
    if (this.#count === 0) return;
    const errors = this.#count > MAX_FAULTS ? this.#errors.slice(0, MAX_FAULTS - 1) : this.#errors;
    const unnamed = this.#count - errors.length;
    if (unnamed > 0) errors.push({ path: "", message: `and ${unnamed} more` });
    throw new DomainError("invalid_request", "The request is not valid.", { errors });
  }
}
