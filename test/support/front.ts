import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { World } from "../../scripts/terminal/api.ts";
import { newChance } from "./chance.ts";

/** What happens to one request instead of a good answer. */
export type Fault =
  /** The connection breaks before, or after, the server has done what was asked. */
  | "lost before"
  | "lost after"
  /** Nothing comes. */
  | "hangs"
  | { status: number; code?: string; headers?: Record<string, string>; html?: true };

export interface Asked {
  path: string;
  token: string | undefined;
  key: string | undefined;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whoever looks compares what came
  body: any;
  /** Virtual ms since the start. */
  at: number;
}

const START = Date.parse("2026-11-24T12:00:00Z");
const DEVICE_ID = "dddddddd-0000-4000-8000-00000000000d";
const PROJECT_ID = "bbbbbbbb-0000-4000-8000-00000000000b";

/**
 * What terminals see of the platform, on a clock that runs only while somebody waits. A picture is a text that says what
 * is thought of it: `poor`, `other`, `broken`, `stranger`; anything else is a good one.
 */
export class Front {
  readonly asked: Asked[] = [];
  /** Every sleep of the terminal, in ms. */
  readonly sleeps: number[] = [];
  readonly payments: string[] = [];
  /** Codes that were given out, in their order. */
  readonly codes: string[] = [];
  /** Keys that were handed out. */
  readonly keys: string[] = [];
  url = "";
  /** Whether the terminal's code is entered as soon as it has it. */
  isEntered = true;
  /** Whether a poll is answered at once, whatever it asks. */
  isHasty = false;
  deadKey = false;
  device = { id: DEVICE_ID, project_id: PROJECT_ID, name: "Door", enabled: true, mode: "standard" };
  // biome-ignore lint/suspicious/noExplicitAny: as the wire shows it
  session: any = null;
  readonly #faults = new Map<string, Fault[]>();
  readonly #agenda: { at: number; happen: () => void }[] = [];
  readonly #judged = new Set<string>();
  readonly #answered = new Map<string, { text: string; body: object }>();
  readonly #server = createServer((request, response) => void this.#take(request, response));
  #now = START;

  async open(): Promise<this> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, "close");
  }

  readonly world: World = {
    now: () => this.#now,
    random: newChance(7),
    sleep: async (ms, signal) => {
      this.sleeps.push(ms);
      this.#pass(ms);
      await new Promise(setImmediate);
      signal.throwIfAborted();
    },
  };

  /** Virtual ms since the start. */
  get elapsed(): number {
    return this.#now - START;
  }

  /** The next requests whose path ends so. */
  fault(path: string, ...faults: Fault[]): void {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /** After so many virtual ms. */
  at(ms: number, happen: () => void): void {
    this.#agenda.push({ at: this.#now + ms, happen });
    this.#agenda.sort((one, other) => one.at - other.at);
  }

  askedFor(path: string): Asked[] {
    return this.asked.filter((one) => one.path.endsWith(path));
  }

  startSession(more: object = {}): string {
    const session_id = randomUUID();
    this.session = {
      session_id,
      device_id: DEVICE_ID,
      project_id: PROJECT_ID,
      member_id: "eeeeeeee-0000-4000-8000-00000000000e",
      hand: "unknown",
      status: "pending",
      samples_required: 3,
      samples_accepted: 0,
      last_rejection: null,
      version: 1,
      created_at: this.#time(),
      updated_at: this.#time(),
      expires_at: this.#time(120_000),
      completed_at: null,
      ...more,
    };
    return session_id;
  }

  endSession(status: string): void {
    this.session = { ...this.session, status, version: this.session.version + 1 };
  }

  #time = (in_ms = 0): string => new Date(this.#now + in_ms).toISOString();

  #pass(ms: number, until: () => boolean = () => false): void {
    const end = this.#now + ms;
    while (!until()) {
      const next = this.#agenda[0];
      if (!next || next.at > end) {
        this.#now = end;
        return;
      }
      this.#agenda.shift();
      this.#now = Math.max(this.#now, next.at);
      next.happen();
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const sent = await text(request);
    const token = request.headers.authorization?.replace("Bearer ", "");
    const key = request.headers["idempotency-key"] as string | undefined;
    const asked = { path, token, key, text: sent, body: JSON.parse(sent || "{}"), at: this.elapsed };
    this.asked.push(asked);
    const fault = [...this.#faults].find(([end, left]) => path.endsWith(end) && left.length > 0)?.[1].shift();
    if (fault === "hangs") return;
    if (fault === "lost before") return void request.socket.destroy();
    const [status, body, headers] =
      fault === undefined || fault === "lost after"
        ? this.#answer(asked)
        : ([
            fault.status,
            fault.html ? "<html>" : { code: fault.code, detail: "A fault." },
            fault.headers,
          ] as const);
    if (fault === "lost after") return void request.socket.destroy();
    const written = typeof body === "string" ? body : JSON.stringify(body);
    const json = status < 400 ? "application/json; charset=utf-8" : "application/problem+json";
    response
      .writeHead(status, {
        Date: new Date(this.#now).toUTCString(),
        "Content-Type": typeof body === "string" ? "text/html" : json,
        ...headers,
      })
      .end(written);
  }

  #answer(asked: Asked): readonly [status: number, body: object, headers?: Record<string, string>] {
    const refuse = (status: number, code: string) => [status, { code, detail: `Refused: ${code}.` }] as const;
    const { path, token } = asked;
    if (path === "/v1/terminal/registrations") {
      const n = this.codes.push(`CODE000${this.codes.length + 1}`);
      return [
        201,
        { registration_code: this.codes.at(-1), claim_token: `pt_${n}`, expires_at: this.#time(900_000) },
      ];
    }
    if (path === "/v1/terminal/registrations/claim") {
      if (token !== `pt_${this.codes.length}`) return refuse(401, "unauthenticated");
      if (!this.isEntered) return [200, { status: "pending" }];
      const device_key = `pd_${this.codes.length}`;
      if (this.asked.some((one) => one.token === device_key)) return refuse(410, "expired");
      this.keys.push(device_key);
      return [200, { status: "registered", device_id: DEVICE_ID, project_id: PROJECT_ID, device_key }];
    }
    if (token !== this.keys.at(-1) || this.deadKey) return refuse(401, "unauthenticated");
    if (path === "/v1/terminal/poll") return this.#poll(asked.body);
    if (!this.device.enabled) return refuse(403, "device_disabled");
    return path === "/v1/terminal/scans" ? this.#scan(asked) : this.#sample(asked);
  }

  #active(): { session_id: string; version: number } | null {
    const { session } = this;
    if (!session || !["pending", "capturing"].includes(session.status)) return null;
    return this.#now >= Date.parse(session.expires_at) ? null : session;
  }

  #poll({ wait = 0, session_id, session_version }: Asked["body"]): readonly [number, object] {
    const settings = JSON.stringify(this.device);
    const isNew = () => {
      const active = this.#active();
      return (
        JSON.stringify(this.device) !== settings ||
        active?.session_id !== session_id ||
        active?.version !== session_version
      );
    };
    if (this.session && Date.parse(this.session.expires_at) > this.#now) {
      this.at(Date.parse(this.session.expires_at) - this.#now, () => undefined);
    }
    if (!this.isHasty) this.#pass(wait * 1000, isNew);
    const device = {
      ...this.device,
      model: null,
      app_version: null,
      last_seen_at: this.#time(),
      created_at: this.#time(),
    };
    return [200, { session: this.#active(), device, template_format: "palm-code.v1" }];
  }

  #sample({ path, body }: Asked): readonly [number, object] {
    const { session } = this;
    const refuse = (status: number, code: string) => [status, { code, detail: `Refused: ${code}.` }] as const;
    if (!path.includes(session?.session_id)) return refuse(404, "not_found");
    if (this.#judged.has(body.sample_id) || session.status === "completed") return [200, session];
    if (!this.#active()) return refuse(410, "expired");
    const picture = Buffer.from(body.image ?? body.photo, "base64").toString();
    if (picture === "broken") return refuse(400, "invalid_request");
    this.#judged.add(body.sample_id);
    session.version += 1;
    const rejection = { poor: "poor_quality", other: "template_mismatch" }[picture];
    if (rejection) session.last_rejection = { code: rejection, at: this.#time() };
    else {
      session.samples_accepted += 1;
      const isLast = session.samples_accepted === session.samples_required;
      session.status = !isLast ? "capturing" : picture === "stranger" ? "failed" : "completed";
      if (session.status === "failed") session.last_rejection = { code: "duplicate_palm", at: this.#time() };
    }
    return [200, session];
  }

  #scan({ text, body, key = "" }: Asked): readonly [number, object] {
    const before = this.#answered.get(key);
    if (before) return before.text === text ? [200, before.body] : [409, { code: "idempotency_mismatch" }];
    const picture = Buffer.from(body.image ?? body.photo, "base64").toString();
    if (picture === "poor") return [422, { code: "poor_quality", detail: "No palm." }];
    const isKnown = picture !== "stranger";
    const { transaction } = body;
    if (transaction) this.payments.push(key);
    const answer = {
      scan_id: randomUUID(),
      outcome: isKnown ? "identified" : "no_match",
      member_id: isKnown ? "eeeeeeee-0000-4000-8000-00000000000e" : null,
      score: isKnown ? 0.82 : null,
      threshold: 0.67,
      hand: isKnown ? "left" : null,
      searched: 24,
      took_ms: 5,
      transaction: transaction
        ? { id: randomUUID(), status: isKnown ? "approved" : "declined", reference: null, ...transaction }
        : null,
    };
    this.#answered.set(key, { text, body: answer });
    return [200, answer];
  }
}
