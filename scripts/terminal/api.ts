import * as palmgate from "../../clients/typescript/src/index.ts";
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

interface Request<Body> {
  base: string;
  /** One attempt. */
  ask(client: palmgate.Client): Promise<Body>;
  key?: string;
  idempotencyKey?: string;
  /** How long one attempt may take. It is more than what the server may take. */
  timeout_ms: number;
  /** How long all of them may take; for ever without it. */
  within_ms?: number;
  signal: AbortSignal;
}

/** To be tried again: nobody answered (`code` null), or the answer says so. */
interface Trouble {
  code: string | null;
  reason: string;
  retry_after_s: number | undefined;
  lost: boolean;
}

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
    return this.#send({
      base: this.#base,
      ask: (client) => palmgate.startRegistration(about, client),
      timeout_ms: this.#timeouts.request_ms,
      signal,
    });
  }

  claimRegistration(key: string, signal: AbortSignal) {
    return this.#send({
      base: this.#base,
      ask: palmgate.claimRegistration,
      key,
      timeout_ms: this.#timeouts.request_ms,
      signal,
    });
  }

  nextCommand(key: string, ask: palmgate.NextCommand & { wait: number }, signal: AbortSignal) {
    return this.#send({
      base: this.#base,
      ask: (client) => palmgate.nextCommand(ask, client),
      key,
      timeout_ms: ask.wait * 1000 + this.#timeouts.beyond_wait_ms,
      signal,
    });
  }

  /** Sent again it is still one sample, by its `sample_id`. */
  submitSample(
    key: string,
    session_id: string,
    sample: { sample_id: string; hand?: "left" | "right" } & ({ image: string } | { photo: string }),
    signal: AbortSignal,
  ) {
    return this.#send({
      base: this.#searchBase,
      ask: (client) => palmgate.submitSample(session_id, sample, client),
      key,
      idempotencyKey: sample.sample_id,
      timeout_ms: this.#timeouts.search_ms,
      signal,
    });
  }

  /**
   * Sent again it is still one scan, by its key.
   * @param body JSON as `JSON.stringify` writes it: parsed and written again it is the same bytes, as the key wants them.
   */
  scan(
    key: string,
    body: string,
    idempotencyKey: string,
    signal: AbortSignal,
    { within_ms }: { within_ms?: number } = {},
  ) {
    return this.#send({
      base: this.#searchBase,
      ask: (client) => palmgate.scan(JSON.parse(body), client),
      key,
      idempotencyKey,
      timeout_ms: this.#timeouts.search_ms,
      ...(within_ms === undefined ? {} : { within_ms }),
      signal,
    });
  }

  async #send<Body>(request: Request<Body>): Promise<Answer<Body>> {
    const until = this.#world.now() + (request.within_ms ?? Number.POSITIVE_INFINITY);
    let lost = false;
    for (let failures = 1; ; failures++) {
      try {
        const answer = await attempt(request);
        this.#isWell();
        return answer;
      } catch (error) {
        request.signal.throwIfAborted();
        const trouble = troubleOf(error);
        if (!trouble) {
          this.#isWell();
          throw refusalOf(error, lost);
        }
        lost ||= trouble.lost;
        const { retry_after_s } = trouble;
        const pause =
          retry_after_s === undefined
            ? backoff(failures, this.#world.random)
            : retry_after_s * 1000 + LEAST_PAUSE_MS * this.#world.random();
        this.#isNotWell(trouble, pause);
        if (this.#world.now() + pause > until) throw new NoAnswer(trouble.reason);
        await this.#world.sleep(pause, request.signal);
      }
    }
  }

  #isNotWell({ code, reason }: Trouble, pause: number): void {
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

/** Sends it once: when it is sent again is decided here, with more patience than the client has. */
async function attempt<Body>({
  base,
  ask,
  timeout_ms,
  signal,
  key,
  idempotencyKey,
}: Request<Body>): Promise<Answer<Body>> {
  let server_ms = Number.NaN;
  const client = palmgate.createClient({
    ...{ baseUrl: base, maxRetries: 0, timeoutMs: timeout_ms, signal },
    ...(key === undefined ? {} : { key }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    async fetch(url, init) {
      const response = await fetch(url, init);
      server_ms = Date.parse(response.headers.get("Date") ?? "");
      return response;
    },
  });
  const body = await ask(client);
  return { body, server_ms: Number.isNaN(server_ms) ? undefined : server_ms };
}

/** What is the matter where it is worth trying again; undefined where it is not. */
function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof palmgate.PalmgateError)) {
    return { code: null, reason: causeOf(error), retry_after_s: undefined, lost: true };
  }
  const { status, code = String(status), detail, retryAfter: retry_after_s } = error;
  // The first of two equal requests is still under way: its answer will come.
  const isUnderWay = status === 409 && retry_after_s !== undefined;
  if (status === 429 || status === 408 || status >= 500 || isUnderWay) {
    return { code, reason: detail, retry_after_s, lost: status !== 429 };
  }
  // A page of whoever stands between, as in a hotel.
  if (status >= 400) return undefined;
  const reason = `something else answers there (${status}, no JSON)`;
  return { code: null, reason, retry_after_s: undefined, lost: true };
}

function refusalOf(error: unknown, lost: boolean): unknown {
  if (!(error instanceof palmgate.PalmgateError)) return error;
  const { status, code = String(status), errors } = error;
  const detail = [error.detail, ...errors.map(({ path, message }) => `${path} ${message}.`)].join(" ");
  return new Refused({ status, code, detail }, lost);
}

/** Why there was no answer, without the client's words around it; of several addresses the first one's error. */
function causeOf(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : String(first);
}
