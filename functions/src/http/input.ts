import * as z from "zod";
import { DomainError, type FieldError } from "../domain/errors.ts";
import { IDEMPOTENCY_KEY, isIdempotencyKey } from "./idempotency.ts";
import { BODY_LIMITS, type Route } from "./route.ts";

const MAX_DEPTH = 32;

/** The query of a route that takes none. Made once: zod compiles an object's schema when it first parses. */
const NO_QUERY = z.strictObject({});

/** A custom zod issue with this parameter is 413, not 400. */
export const TOO_LARGE = { code: "too_large" } as const;

/** A request's input, validated; `raw` are the body's bytes. */
interface Input {
  query: unknown;
  body: unknown;
  raw: Uint8Array;
}

/**
 * Reads and validates query, body and headers.
 * @throws DomainError `too_large`, `unsupported_media_type`, `invalid_request`, in this order.
 */
export async function readInput(route: Route, request: Request): Promise<Input> {
  const raw = route.body ? await readBody(route, request) : undefined;
  const faults = new Faults();
  const json = raw === undefined ? undefined : faults.collect(() => parseJson(raw));
  const body = route.body && json !== undefined ? faults.validate(route.body, json) : undefined;
  const query = readQuery(route, new URL(request.url).searchParams, faults);
  const key = request.headers.get(IDEMPOTENCY_KEY);
  if (route.idempotent && key !== null && !isIdempotencyKey(key)) {
    faults.add(IDEMPOTENCY_KEY, "is not 1 to 255 characters of printable ASCII");
  }
  if (key === null && body !== undefined && route.needsKey?.(body)) {
    faults.add(IDEMPOTENCY_KEY, "is required with such a body");
  }
  faults.refuse();
  return { query, body, raw: raw ?? new Uint8Array() };
}

async function readBody(route: Route, request: Request): Promise<Uint8Array> {
  const limit = BODY_LIMITS[route.bodyLimit];
  const tooLarge = (): DomainError =>
    new DomainError("too_large", `A request body here has at most ${limit} bytes.`);
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge();
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.length > limit) throw tooLarge();
  if (bytes.length > 0 && !isJson(request.headers.get("content-type"))) {
    throw new DomainError("unsupported_media_type", "Send application/json in UTF-8.");
  }
  return bytes;
}

const isJson = (contentType: string | null): boolean =>
  /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(contentType?.trim() ?? "");

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw fault("", "is not JSON in UTF-8");
  }
  refuseUnfit(json);
  return json;
}

/** Walks level by level: depth, and the one key that validators would drop in silence. */
function refuseUnfit(json: unknown): void {
  let level = [json];
  for (let depth = 0; ; depth++) {
    const inner = level.filter((value) => typeof value === "object" && value !== null);
    if (inner.length === 0) return;
    if (depth === MAX_DEPTH) throw fault("", `is nested deeper than ${MAX_DEPTH} levels`);
    if (inner.some((value) => Object.hasOwn(value as object, "__proto__"))) {
      throw fault("", "has a key __proto__");
    }
    level = inner.flatMap((value) => Object.values(value as object));
  }
}

function readQuery(route: Route, params: URLSearchParams, faults: Faults): unknown {
  const query: Record<string, string> = {};
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name);
    if (values.length > 1) faults.add(name, "is given more than once");
    else if (values[0] === "") faults.add(name, "is empty");
    else Object.defineProperty(query, name, { value: values[0], enumerable: true });
  }
  return faults.validate(route.query ?? NO_QUERY, query);
}

const fault = (path: string, message: string): DomainError =>
  new DomainError("invalid_request", "", { errors: [{ path, message }] });

/** The faults of one request, gathered so that the caller sees all at once. */
class Faults {
  readonly #errors: FieldError[] = [];
  #tooLarge = false;

  add(path: string, message: string): void {
    this.#errors.push({ path, message });
  }

  collect<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.#errors.push(...(error.errors ?? []));
      return undefined;
    }
  }

  validate<T>(schema: z.ZodType<T>, value: unknown): T | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const { issues } = result.error;
    const placeOf = ({ path }: z.core.$ZodIssue) => path.join(".");
    const mistyped = issues.filter(({ code }) => code === "invalid_type").map(placeOf);
    for (const issue of issues) {
      // The length of a text says nothing of the list that it should have been.
      if (issue.code !== "invalid_type" && mistyped.includes(placeOf(issue))) continue;
      if (issue.code === "custom" && issue.params?.["code"] === TOO_LARGE.code) this.#tooLarge = true;
      const path = issue.path.map(String);
      if (issue.code === "unrecognized_keys") {
        for (const key of issue.keys) this.add([...path, key].join("."), "is not known here");
      } else {
        this.add(path.join("."), issue.message);
      }
    }
    return undefined;
  }

  refuse(): void {
    if (this.#tooLarge) throw new DomainError("too_large", "A picture has at most 1 MiB.");
    if (this.#errors.length === 0) return;
    throw new DomainError("invalid_request", "The request is not valid.", { errors: this.#errors });
  }
}
