import { createHmac, timingSafeEqual } from "node:crypto";
import { EventEmitter, once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { answers } from "../ports.ts";

const HOSTS = ["127.0.0.1", "::1"];

/** What Standard Webhooks' library says, in the words of somebody who looks for the reason. */
const FAULTS: Readonly<Record<string, string>> = {
  "Missing required headers": "webhook-id, webhook-timestamp or webhook-signature is missing",
  "Invalid Signature Headers": "webhook-timestamp is no number",
  "Message timestamp too old": "webhook-timestamp is more than 5 minutes old",
  "Message timestamp too new": "webhook-timestamp is more than 5 minutes ahead",
  "No matching signature found": "webhook-signature is by another secret, or of another body",
};

/** How it answers: 200 at once, without `status`, `delay_ms` and `drop`. */
export interface ReceiverOptions {
  /** 200 to 599. */
  status?: number | undefined;
  /** How long it takes, in ms. */
  delay_ms?: number | undefined;
  /** Cuts the connection instead of answering. */
  drop?: boolean | undefined;
  /** How many requests are treated so, before the others are answered well; all of them without it. */
  times?: number | undefined;
  /** Any that is free without it. */
  port?: number | undefined;
  /** Those that may have signed. */
  secrets?: readonly string[] | undefined;
  /** Is told of each request as soon as it is read, before it is answered. */
  tell?: ((received: Received) => void) | undefined;
}

/** One request that came. */
export interface Received {
  at: Date;
  /** `webhook-id`: the same in every attempt of an event. */
  event_id: string | null;
  /** As the body says; `null` when that is no event. */
  event_type: string | null;
  /** How often this `webhook-id` has come, this time included. */
  time: number;
  /** Whether both signatures are by a secret that is known here; `null` when none is. */
  verified: boolean | null;
  /** Why it is not verified, each in words. */
  faults: readonly string[];
  /** The status that it is answered with; `null` when the connection is cut. */
  answer: number | null;
  delay_ms: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** An endpoint for webhooks on this computer. */
export interface Receiver {
  /** What to register. */
  url: string;
  /** What has come so far, oldest first. */
  received: readonly Received[];
  /** Knows one more secret from now on: it is told only after the URL was registered. @throws Error as below */
  trust(secret: string): void;
  /** The first request that matches, of those that came and that will. @throws Error when none does in time. */
  waitFor(matches: (received: Received) => boolean, within_ms?: number): Promise<Received>;
  /** Cuts what is not answered yet. */
  close(): Promise<void>;
}

/**
 * Receives webhooks at `http://localhost:<port>/`, on IPv4 and, where there is such, IPv6, and checks both signatures.
 * @throws Error in one line when the port is taken or a secret is none; it does not repeat the secret.
 */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { status = 200, delay_ms = 0, drop = false, times = Number.POSITIVE_INFINITY, tell } = options;
  const secrets: string[] = [];
  const received: Received[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0); // as many as wait at once
  const closing = new AbortController();

  const trust = (secret: string): void => {
    if (!/^whsec_[A-Za-z0-9+/]{43}=$/.test(secret)) {
      throw new Error("a secret is whsec_ and 44 characters of base64, as it was shown when it was made");
    }
    secrets.push(secret);
  };
  for (const secret of options.secrets ?? []) trust(secret);

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "POST") {
      response.writeHead(405, { Allow: "POST" }).end("Webhooks are POSTed here.\n");
      return;
    }
    const bytes = await buffer(request);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const event_id = headers["webhook-id"] ?? null;
    const faults = secrets.length > 0 ? faultsOf(headers, bytes, secrets) : [];
    const isBad = received.length < times;
    const one: Received = {
      at: new Date(),
      event_id,
      event_type: typeOf(bytes),
      time: 1 + received.filter((before) => event_id !== null && before.event_id === event_id).length,
      verified: secrets.length > 0 ? faults.length === 0 : null,
      faults,
      answer: !isBad ? 200 : drop ? null : status,
      delay_ms: isBad ? delay_ms : 0,
      headers,
      body: bytes.toString(),
    };
    received.push(one);
    tell?.(one);
    arrivals.emit("arrival");
    if (one.delay_ms > 0) await setTimeout(one.delay_ms, undefined, { signal: closing.signal });
    if (one.answer === null) request.socket.destroy();
    else response.writeHead(one.answer).end();
  };

  const servers = await listen(options.port ?? 0, (request, response) => {
    // A sender that breaks off is no fault of ours, and neither is closing.
    take(request, response).catch(() => request.socket.destroy());
  });
  return {
    url: `http://localhost:${portOf(servers)}/`,
    received,
    trust,
    async waitFor(matches, within_ms = 10_000) {
      const signal = AbortSignal.timeout(within_ms);
      for (;;) {
        const found = received.find(matches);
        if (found) return found;
        await once(arrivals, "arrival", { signal }).catch(() => {
          throw new Error(`no such webhook came within ${within_ms / 1000} s`);
        });
      }
    },
    async close() {
      closing.abort();
      await Promise.all(
        servers.map((server) => {
          const closed = once(server, "close");
          server.close();
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

/** Why the headers do not prove the body, one reason a signature. */
function faultsOf(
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  secrets: readonly string[],
): string[] {
  const standard = secrets.map((secret) => {
    try {
      new Webhook(secret).verify(body, headers, { jsonParse: false });
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      return FAULTS[message] ?? message;
    }
  });
  const faults = standard.includes(undefined) ? [] : standard.slice(0, 1);
  const legacy = legacyFault(headers["x-webhook-signature"], body, secrets);
  return [...faults, legacy].filter((fault) => fault !== undefined);
}

function legacyFault(
  signature: string | undefined,
  body: Buffer,
  secrets: readonly string[],
): string | undefined {
  if (signature === undefined) return "X-Webhook-Signature is missing";
  const sent = Buffer.from(signature);
  const isSigned = secrets.some((secret) => {
    const expected = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
    return sent.length === expected.length && timingSafeEqual(sent, expected);
  });
  return isSigned ? undefined : "X-Webhook-Signature is by another secret, or of another body";
}

function typeOf(body: Buffer): string | null {
  try {
    const type = JSON.parse(body.toString()).event_type;
    return typeof type === "string" ? type : null;
  } catch {
    return null;
  }
}

/** Listens on both loopback addresses, as a sender may try either for `localhost`. */
async function listen(port: number, take: RequestListener): Promise<Server[]> {
  const taken = new Error(`port ${port} is taken: end that program first, or choose another port`);
  if (port !== 0 && (await Promise.all(HOSTS.map((host) => answers(port, host)))).includes(true)) throw taken;
  const servers: Server[] = [];
  for (const host of HOSTS) {
    const server = createServer(take).listen(portOf(servers) ?? port, host);
    try {
      await once(server, "listening");
      servers.push(server);
    } catch (error) {
      // There are computers without IPv6, and none without IPv4.
      if (/EADDRNOTAVAIL|EAFNOSUPPORT/.test((error as Error).message) && servers.length > 0) break;
      for (const other of servers) other.close();
      throw (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? taken : error;
    }
  }
  return servers;
}

/** `undefined` for one that does not listen. */
export function portOf([server]: readonly Server[]): number | undefined {
  const address = server?.address();
  return typeof address === "object" ? address?.port : undefined;
}
