import type {
  ClaimedRegistration,
  Command,
  EnrollmentSession,
  PendingRegistration,
  Registration,
  ScannedPalm,
} from "../../clients/typescript/src/index.ts";
import type { Tell } from "./screen.ts";

/** What a program has of time and chance. */
export interface World {
  /** In ms since 1970; only differences count. */
  now(): number;
  /** @throws the signal's reason as soon as it aborts */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0 ≤ u < 1 */
  random(): number;
}

/** An answer that refuses, and will go on refusing. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  /** An earlier attempt of the same request got no answer: what became of it is not known. */
  readonly lost: boolean;

  constructor(problem: { status: number; code: string; detail: string }, lost: boolean) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
    this.lost = lost;
  }
}

/** No answer within the time that the caller had. */
export class NoAnswer extends Error {}

/** An answer to what was asked. */
export interface Answer<Body> {
  body: Body;
  /** The server's clock as its answer tells it, in ms, to the second; a terminal's own may be wrong. */
  server_ms: number | undefined;
}

interface Request {
  path: string;
  /** JSON; the same bytes in every attempt. */
  body: string;
  token?: string;
  idempotencyKey?: string;
  /** How long one attempt may take. It is more than what the server may take. */
  timeout_ms: number;
  /** How long all of them may take; for ever without it. */
  within_ms?: number;
  signal: AbortSignal;
}

/** What became of one attempt. */
type Outcome =
  | { is: "answer"; status: number; body: unknown; server_ms: number | undefined }
  | { is: "refusal"; status: number; code: string; detail: string }
  /** To be tried again: nobody answered (`code` null), or the answer says so. */
  | { is: "trouble"; code: string | null; reason: string; retry_after_s: number | undefined; lost: boolean };

const TIMEOUT_MS = 30_000;
/** A server that begins to search loads its palms first, and Hosting waits for it a minute. */
const SEARCH_TIMEOUT_MS = 65_000;
const LEAST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 30_000;

/** How long to wait after `failures` attempts (from 1) that failed in a row: 1..2 s, then twice as long, 15..30 s at last. */
export function backoff(failures: number, random: () => number): number {
  const most = Math.min(2 ** Math.min(failures, 5) * LEAST_PAUSE_MS, MOST_PAUSE_MS);
  return most / 2 + (most / 2) * random();
}

/**
 * The API as a terminal sees it. Every call may be sent again, and is: until it is answered for good, or the signal
 * aborts. 429 and 503 are answered by waiting as long as they say.
 * @throws Refused, NoAnswer, the signal's reason
 */
export class Api {
  readonly #base: string;
  readonly #searchBase: string;
  readonly #tell: Tell;
  readonly #world: World;
  readonly #timeouts: { request_ms: number; search_ms: number; beyond_wait_ms: number };
  /** What is the matter at present, and since when. */
  #trouble: { code: string | null; since: number } | undefined;

  /** @param searchBase where samples and scans go */
  constructor(
    base: string,
    tell: Tell,
    world: World,
    {
      searchBase = base,
      timeouts = { request_ms: TIMEOUT_MS, search_ms: SEARCH_TIMEOUT_MS, beyond_wait_ms: 10_000 },
    } = {},
  ) {
    this.#base = base;
    this.#searchBase = searchBase;
    this.#tell = tell;
    this.#world = world;
    this.#timeouts = timeouts;
  }

  startRegistration(about: { app_version: string; model: string }, signal: AbortSignal) {
    return this.#send<Registration>({
      path: `${this.#base}/v1/terminal/registrations`,
      body: JSON.stringify(about),
      timeout_ms: this.#timeouts.request_ms,
      signal,
    });
  }

  claimRegistration(token: string, signal: AbortSignal) {
    return this.#send<PendingRegistration | ClaimedRegistration>({
      path: `${this.#base}/v1/terminal/registrations/claim`,
      body: "{}",
      token,
      timeout_ms: this.#timeouts.request_ms,
      signal,
    });
  }

  nextCommand(
    token: string,
    ask: { wait: number; app_version: string; session_id?: string; session_version?: number },
    signal: AbortSignal,
  ) {
    return this.#send<Command>({
      path: `${this.#base}/v1/terminal/poll`,
      body: JSON.stringify(ask),
      token,
      timeout_ms: ask.wait * 1000 + this.#timeouts.beyond_wait_ms,
      signal,
    });
  }

  /** Sent again it is still one sample, by its `sample_id`. */
  submitSample(
    token: string,
    session_id: string,
    sample: { sample_id: string; image: string; hand?: "left" | "right" },
    signal: AbortSignal,
  ) {
    return this.#send<EnrollmentSession>({
      path: `${this.#searchBase}/v1/terminal/enrollment/${session_id}/samples`,
      body: JSON.stringify(sample),
      token,
      timeout_ms: this.#timeouts.search_ms,
      signal,
    });
  }

  /** Sent again it is still one scan, by its key. */
  scan(
    token: string,
    body: string,
    idempotencyKey: string,
    signal: AbortSignal,
    { within_ms }: { within_ms?: number } = {},
  ) {
    return this.#send<ScannedPalm>({
      path: `${this.#searchBase}/v1/terminal/scans`,
      body,
      token,
      idempotencyKey,
      timeout_ms: this.#timeouts.search_ms,
      ...(within_ms === undefined ? {} : { within_ms }),
      signal,
    });
  }

  async #send<Body>(request: Request): Promise<Answer<Body>> {
    const until = this.#world.now() + (request.within_ms ?? Number.POSITIVE_INFINITY);
    let lost = false;
    for (let failures = 1; ; failures++) {
      const outcome = await this.#attempt(request);
      if (outcome.is !== "trouble") {
        this.#isWell();
        if (outcome.is === "refusal") throw new Refused(outcome, lost);
        return { body: outcome.body as Body, server_ms: outcome.server_ms };
      }
      lost ||= outcome.lost;
      const { retry_after_s } = outcome;
      const pause =
        retry_after_s === undefined
          ? backoff(failures, this.#world.random)
          : retry_after_s * 1000 + LEAST_PAUSE_MS * this.#world.random();
      this.#isNotWell(outcome, pause);
      if (this.#world.now() + pause > until) throw new NoAnswer(outcome.reason);
      await this.#world.sleep(pause, request.signal);
    }
  }

  async #attempt({ path, body, token, idempotencyKey, timeout_ms, signal }: Request): Promise<Outcome> {
    const timeout = AbortSignal.timeout(timeout_ms);
    try {
      const response = await fetch(path, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
        },
        body,
        redirect: "manual",
        signal: AbortSignal.any([signal, timeout]),
      });
      return outcomeOf(response, parse(await response.text()));
    } catch (error) {
      signal.throwIfAborted();
      const reason = timeout.aborted ? `no answer within ${timeout_ms / 1000} s` : causeOf(error);
      return { is: "trouble", code: null, reason, retry_after_s: undefined, lost: true };
    }
  }

  #isNotWell({ code, reason }: Outcome & { is: "trouble" }, pause: number): void {
    if (this.#trouble?.code === code) return;
    const since = this.#trouble?.since ?? this.#world.now();
    this.#trouble = { code, since };
    if (code === null) this.#tell({ event: "offline", reason });
    else this.#tell({ event: "busy", code, retry_in_s: Math.ceil(pause / 1000) });
  }

  #isWell(): void {
    if (this.#trouble === undefined) return;
    this.#tell({ event: "online", after_s: Math.round((this.#world.now() - this.#trouble.since) / 1000) });
    this.#trouble = undefined;
  }
}

function outcomeOf({ status, ok, headers }: Response, body: unknown): Outcome {
  const server_ms = Date.parse(headers.get("Date") ?? "");
  const isObject = typeof body === "object" && body !== null;
  if (ok && isObject) {
    return { is: "answer", status, body, server_ms: Number.isNaN(server_ms) ? undefined : server_ms };
  }
  const problem = (isObject ? body : {}) as { code?: string; detail?: string };
  const { code = String(status), detail = `the answer is ${status}` } = problem;
  const retry_after_s = secondsOf(headers.get("Retry-After"));
  // The first of two equal requests is still under way: its answer will come.
  const isUnderWay = status === 409 && retry_after_s !== undefined;
  if (status === 429 || status === 408 || status >= 500 || isUnderWay) {
    return { is: "trouble", code, reason: detail, retry_after_s, lost: status !== 429 };
  }
  // A page of whoever stands between, as in a hotel.
  if (status < 400) {
    const reason = `something else answers there (${status}, no JSON)`;
    return { is: "trouble", code: null, reason, retry_after_s: undefined, lost: true };
  }
  return { is: "refusal", status, code, detail };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const secondsOf = (header: string | null): number | undefined =>
  header !== null && /^\d{1,6}$/.test(header) ? Number(header) : undefined;

/** Node says why in the cause, and of several addresses in the first one's error. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : String(first);
}
