import type { Problem } from "./api.ts";
import type { Client } from "./client.ts";
import { PalmgateConnectionError, PalmgateError } from "./errors.ts";
import { retryAfterOf } from "./retryAfter.ts";

/** A request of an operation, as api.ts tells it. */
interface Request {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/v1`; `ids` go into its braces. */
  path: string;
  ids?: Readonly<Record<string, string>>;
  query?: object;
  body?: unknown;
  /** Whether it takes an `Idempotency-Key`. */
  idempotent?: true;
  /** Statuses besides 2xx that are no errors. */
  answers?: readonly number[];
}

const MAX_RETRIES = 4;
const TIMEOUT_MS = 65_000;
/** Before a request is sent again, in ms: a random part of 500, 1,000, 2,000 … */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
/** What is to be waited for longer than that, in seconds, the caller is to decide about: limits are of 60 s. */
const LONGEST_RETRY_AFTER = 60;

/**
 * Sends a request; again what 429 or 503 refused, and what was not answered if it cannot have its effect twice.
 * @throws PalmgateError for a refusal, PalmgateConnectionError when no answer came, the signal's reason
 */
export async function send<T>(client: Client, request: Request): Promise<T> {
  const { key, signal, maxRetries = MAX_RETRIES } = client;
  const { method, path, body, idempotent } = request;
  const url = urlOf(client, request);
  const headers = new Headers(client.headers);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (idempotent) headers.set("Idempotency-Key", client.idempotencyKey ?? crypto.randomUUID());
  // A POST that follows a redirect becomes a GET.
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body !== undefined) init.body = JSON.stringify(body);
  // A PATCH here sets fields to values: done twice it is as done once, like PUT and DELETE.
  const repeatable = idempotent === true || method !== "POST";
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    const credential = typeof key === "function" ? await key() : key;
    if (credential !== undefined) headers.set("Authorization", `Bearer ${credential}`);
    let retryAfter = 0;
    try {
      return await sendOnce<T>(client, request, url, init);
    } catch (error) {
      signal?.throwIfAborted();
      const again = tries <= maxRetries;
      if (error instanceof PalmgateError) {
        if (!again || !isForNow(error, repeatable)) throw error;
        retryAfter = error.retryAfter ?? 0;
      } else if (!again || !repeatable) {
        const tried = tries === 1 ? "once" : `${tries} times`;
        throw new PalmgateConnectionError(
          `${method} ${path} was not answered, tried ${tried}: ${causeOf(error)}`,
          { cause: error },
        );
      }
    }
    const longest = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** (tries - 1));
    await sleep(retryAfter * 1000 + Math.random() * longest, signal);
  }
}

/** Whether it may be another answer soon. */
function isForNow({ status, retryAfter }: PalmgateError, repeatable: boolean): boolean {
  if (retryAfter !== undefined && retryAfter > LONGEST_RETRY_AFTER) return false;
  // A conflict that says when: the same request is under way.
  if (status === 409) return retryAfter !== undefined;
  // A proxy's 502 or 504: the API did not answer it.
  return status === 429 || status === 503 || (repeatable && (status === 502 || status === 504));
}

/** Node says why in the cause, and of several addresses in the first one's. */
function causeOf(error: unknown): unknown {
  const { cause = error } = error as { cause?: { errors?: unknown[] } };
  return (cause as { errors?: unknown[] }).errors?.[0] ?? cause;
}

/** @throws TypeError for an id that can be none: it would make another path. */
function urlOf({ baseUrl }: Client, { path, ids = {}, query = {} }: Request): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (!/^[\w-]+$/.test(`${id}`)) throw new TypeError(`${name} is no id: ${id}`);
    return `${id}`;
  });
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = `${new URLSearchParams(given)}`;
  return `${baseUrl.replace(/\/+$/, "")}/v1${filled}${search && `?${search}`}`;
}

async function sendOnce<T>(client: Client, { answers }: Request, url: string, init: RequestInit): Promise<T> {
  const { signal, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch } = client;
  const end = new AbortController();
  const stop = () => end.abort(signal?.reason);
  signal?.addEventListener("abort", stop);
  const timer = setTimeout(
    () => end.abort(new DOMException(`no answer within ${timeoutMs / 1000} s`, "TimeoutError")),
    timeoutMs,
  );
  try {
    const response = await fetch(url, { ...init, signal: end.signal });
    const text = await response.text();
    return response.ok || answers?.includes(response.status)
      ? (read(response, text) as T)
      : refuse(response, text);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** @throws SyntaxError when the end of it is missing: an answer that is streamed may be cut. */
function read(response: Response, text: string): unknown {
  if (response.status === 204) return undefined;
  const type = typeOf(response);
  if (type === "application/json") return JSON.parse(text);
  if (type !== "text/csv") return refuse(response, text);
  if (text.endsWith("\r\n")) return text;
  throw new SyntaxError("the CSV ends without CRLF");
}

function refuse(response: Response, text: string): never {
  const { status, headers } = response;
  const type = typeOf(response);
  const problem: Partial<Problem> = type === "application/problem+json" ? JSON.parse(text) : {};
  const { detail = `${type || "an answer"} instead of JSON: ${text.slice(0, 200)}`, code, errors } = problem;
  throw new PalmgateError({
    status,
    detail,
    code,
    request_id: problem.request_id ?? headers.get("x-request-id") ?? undefined,
    errors,
    retryAfter: retryAfterOf(headers),
  });
}

const typeOf = ({ headers }: Response): string | undefined =>
  headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
