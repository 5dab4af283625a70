import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

/** A request as it is written to the socket: `body` chunk by chunk, for ever where it does not end. */
export interface RawRequest {
  method?: string;
  path: string;
  headers: Record<string, string>;
  body: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
}

export interface RawAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  text: string;
  took_ms: number;
}

/** Sends a request until it is answered, whether or not its body has ended by then. */
export async function sendRaw(
  baseUrl: string,
  { method = "POST", path, headers, body }: RawRequest,
): Promise<RawAnswer> {
  const started = performance.now();
  // As the platform's front end: with `Connection: close` Node closes before a sender that still writes can read.
  const agent = new Agent({ keepAlive: true });
  const sending = request(new URL(path, baseUrl), { method, headers, agent });
  const answered = once(sending, "response") as Promise<[IncomingMessage]>;
  let isAnswered = false;
  const stop = () => {
    isAnswered = true;
  };
  answered.then(stop, stop);
  // A server that has refused the body may close the connection while it is written.
  sending.on("error", () => undefined);
  const writing = (async () => {
    for await (const chunk of body) {
      if (isAnswered || sending.destroyed) return;
      if (!sending.write(chunk))
        await Promise.race([once(sending, "drain"), answered]).catch(() => undefined);
    }
    sending.end();
  })();
  const [response] = await answered;
  const result = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: await text(response),
    took_ms: performance.now() - started,
  };
  await writing;
  agent.destroy();
  return result;
}

/** 30 MB of small objects, which a parser makes many times as large. */
const OBJECTS = Buffer.from(`[${Array(6_000_000).fill('{"":0}').join(",")}]`.slice(0, 30_000_000));
const JSON_TYPE = { "Content-Type": "application/json" };

async function* dripping(): AsyncIterable<string> {
  yield "{";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    yield " ";
  }
}

function* endless(): Iterable<Uint8Array> {
  for (;;) yield OBJECTS.subarray(0, 65_536);
}

/** Bodies that cost their sender little and a careless reader everything. */
export const BOMBS = {
  "30 MB in a gzip of 29 KB": packed("gzip", gzipSync(OBJECTS, { level: 9 })),
  "30 MB in brotli": packed("br", brotliCompressSync(OBJECTS)),
  "30 MB deflated": packed("deflate", deflateSync(OBJECTS, { level: 9 })),
  "a chunked body without end": { headers: JSON_TYPE, body: () => endless() },
  "1 GB announced": { headers: { ...JSON_TYPE, "Content-Length": "1000000000" }, body: () => endless() },
} satisfies Record<string, { headers: Record<string, string>; body: () => RawRequest["body"] }>;

/** A body that never ends, a byte at a time. */
export const DRIP = { headers: JSON_TYPE, body: dripping };

function packed(encoding: string, bytes: Uint8Array) {
  const headers = { ...JSON_TYPE, "Content-Encoding": encoding, "Content-Length": String(bytes.length) };
  return { headers, body: () => [bytes] };
}
