import { operations } from "./document.ts";
import { type Answered, judge, operationOf, type Sent } from "./oracle.ts";
import type { App, World } from "./world.ts";

/** What was answered to the requests of one operation. */
export interface Row {
  operation: string;
  requests: number;
  statuses: Record<string, number>;
  /** Requests in which nothing was wrong, and how many of them succeeded. */
  right: number;
  succeeded: number;
  /** Documented codes that were never answered. */
  unseen: string[];
}

/** Requests of paths and methods that the document has not. */
export const NONE = "(none)";

/** What the log says when a store has taken longer than any request may. */
const STALL = /did not answer in \d+ ms/;

/** An answer with its parsed body. */
export interface Heard extends Answered {
  // biome-ignore lint/suspicious/noExplicitAny: a chain reads what it was answered, as an integrator does
  body: any;
}

/** How a request of an operation differs from its path. */
export interface Asked {
  ids?: Record<string, string | undefined>;
  token?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Sends requests, holds their answers to the document, and counts. */
export class Journal {
  requests = 0;
  /** Errors that were answered while the emulator did not. */
  readonly stalls: string[] = [];
  readonly #world: World;
  readonly #progress: (requests: number) => void;
  readonly #rows = new Map<string, Row & { codes: Set<string> }>();

  constructor(world: World, progress: (requests: number) => void = () => undefined) {
    this.#world = world;
    this.#progress = progress;
    for (const operation of [...operations.map(({ id }) => id), NONE]) {
      const counts = { requests: 0, statuses: {}, right: 0, succeeded: 0, unseen: [] };
      this.#rows.set(operation, { operation, ...counts, codes: new Set() });
    }
  }

  /**
   * Sends a request.
   * @throws Error when the answer is not as documented
   */
  async ask(
    sent: Sent,
    { app = this.#world.app, right = false }: { app?: App; right?: boolean } = {},
  ): Promise<Heard> {
    const answered = await this.#send(app, sent);
    const operation = operationOf(sent);
    const row = this.#rows.get(operation?.id ?? NONE);
    if (!row) throw new Error("no such row");
    this.requests += 1;
    this.#progress(this.requests);
    row.requests += 1;
    const { status } = answered;
    row.statuses[status] = (row.statuses[status] ?? 0) + 1;
    if (right) row.right += 1;
    if (right && status < 300) row.succeeded += 1;
    const isForeign = sent.headers["Authorization"]?.includes(this.#world.foreign.key) ?? false;
    const faults = judge(sent, answered, isForeign ? [] : Object.values(this.#world.foreign.ids));
    if (faults.length > 0) throw new Error(`${inWords(sent)}\n    ${faults.join("\n    ")}`);
    const body =
      /json/.test(answered.headers.get("content-type") ?? "") && answered.text
        ? JSON.parse(answered.text)
        : undefined;
    if (status >= 400 && typeof body?.code === "string") row.codes.add(body.code);
    return { ...answered, body };
  }

  /** Sends it once more where the emulator has not answered in time: that says nothing of the service. */
  async #send(app: App, sent: Sent): Promise<Answered> {
    const answered = await send(app, sent);
    const id = answered.headers.get("x-request-id");
    const at = this.#world.errors.findIndex((error) => error.includes(`"${id}"`) && STALL.test(error));
    if (answered.status !== 503 || at < 0) return answered;
    this.stalls.push(...this.#world.errors.splice(at, 1));
    return send(app, sent);
  }

  /**
   * Sends a request of an operation by its id.
   * @throws Error when the status is another one than wanted, or the answer is not as documented
   */
  async call(id: string, asked: Asked, wanted?: number | string): Promise<Heard> {
    const operation = operations.find((one) => one.id === id);
    if (!operation) throw new Error(`openapi.json has no ${id}`);
    const { ids = {}, token, query = {}, headers = {}, body } = asked;
    const sent: Sent = {
      method: operation.method,
      pathname: operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? `no-${name}`),
      query: Object.entries(query),
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    const heard = await this.ask(sent);
    if (wanted !== undefined && heard.status !== wanted && heard.body?.code !== wanted) {
      throw new Error(`${inWords(sent)}\n    answers not ${wanted} but ${heard.status}: ${heard.text}`);
    }
    return heard;
  }

  /** What was counted. */
  rows(): Row[] {
    return [...this.#rows.values()].map(({ codes, ...row }) => {
      const operation = operations.find(({ id }) => id === row.operation);
      const documented = Object.values(operation?.responses ?? {}).flatMap((response) => response.codes);
      return { ...row, unseen: documented.filter((code) => !codes.has(code)) };
    });
  }
}

/** Hands the request to the application, as a server would. */
async function send(app: App, { method, pathname, query, headers, body }: Sent): Promise<Answered> {
  const search = new URLSearchParams(
    query.map(([name, value]): [string, string] => [name, value]),
  ).toString();
  const response = await app(
    new Request(`http://palmgate.test${pathname}${search && `?${search}`}`, {
      method,
      headers,
      // Bytes, so that no content type is added.
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    }),
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A request for people: what is long is cut. */
export function inWords({ method, pathname, query, headers, body }: Sent): string {
  const search = query.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join("&");
  const shown = {
    ...headers,
    ...(headers["Authorization"] ? { Authorization: `${headers["Authorization"].slice(0, 16)}…` } : {}),
  };
  const text =
    body === undefined ? "" : ` ${body.length > 600 ? `${body.slice(0, 600)}… (${body.length})` : body}`;
  return `${method} ${pathname.slice(0, 300)}${search && `?${search.slice(0, 300)}`} ${JSON.stringify(shown)}${text}`;
}
