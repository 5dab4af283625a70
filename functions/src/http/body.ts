import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { DomainError, invalid } from "../domain/errors.ts";
import type { BodyLimit } from "./route.ts";

/** A body as it arrives, chunk by chunk. */
export type ReceivedBody = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The body of a request: what the platform has read of it, else what arrives at the socket. */
export function bodyOf(request: Request, incoming: IncomingMessage | undefined): ReceivedBody {
  if (!incoming) return request.body ?? [];
  const { rawBody } = incoming as { rawBody?: Buffer };
  // A request that is refused before its end must keep its connection until it is answered.
  return rawBody ? [rawBody] : incoming.iterator({ destroyOnReturn: false });
}

/**
 * Reads and decompresses a body, and holds it to the limits of its route while it arrives.
 * @throws DomainError `too_large`, `unsupported_media_type` for another encoding than gzip or another type than JSON in
 * UTF-8, `invalid_request` for a body that breaks off, arrives too slowly or is not gzip although it says so.
 */
export async function readBody(
  limit: BodyLimit,
  headers: Headers,
  received: ReceivedBody,
): Promise<Uint8Array> {
  const announced = Number(headers.get("content-length") ?? 0);
  if (announced > limit.bytes) throw tooLarge(limit);
  const sent = await collect(limit, received, new Arriving(announced));
  const body = await decompress(limit, sent, headers.get("content-encoding"));
  if (body.length > 0 && !isJson(headers.get("content-type"))) {
    throw new DomainError("unsupported_media_type", "Send application/json in UTF-8.");
  }
  return body;
}

const tooLarge = ({ bytes }: BodyLimit): DomainError =>
  new DomainError("too_large", `A request body here has at most ${bytes} bytes.`);

async function collect(limit: BodyLimit, received: ReceivedBody, arriving: Arriving): Promise<Buffer> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limit.ms);
  const iterator =
    Symbol.asyncIterator in received ? received[Symbol.asyncIterator]() : received[Symbol.iterator]();
  try {
    for (;;) {
      const next = await orLate(iterator.next(), late.signal, limit);
      if (next.done) return arriving.whole();
      if (arriving.size + next.value.length > limit.bytes) throw tooLarge(limit);
      arriving.add(next.value);
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw invalid("", "broke off before its end");
  } finally {
    clearTimeout(timer);
    // Releases the stream, so that the adapter can drain it and the connection can serve its next request. Not awaited:
    // it can queue behind a pending `next`.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** Resolves with `coming`, or rejects when `late` is aborted first. Promise.race would retain every chunk until the end. */
function orLate<T>(coming: T | Promise<T>, late: AbortSignal, { ms }: BodyLimit): Promise<T> {
  return new Promise((resolve, reject) => {
    const refuse = () => reject(invalid("", `must arrive within ${ms / 1000} s`));
    if (late.aborted) return refuse();
    late.addEventListener("abort", refuse);
    Promise.resolve(coming)
      .then(resolve, reject)
      .finally(() => late.removeEventListener("abort", refuse));
  });
}

/** Collects chunks. An announced length is allocated up front, because joining 8 MB takes 10 ms. */
class Arriving {
  size = 0;
  readonly #place: Buffer;
  /** Chunks beyond the announced length. */
  readonly #more: Uint8Array[] = [];

  constructor(announced: number) {
    // Not from Node's pool: the buffer may be moved to a thread.
    this.#place = Buffer.allocUnsafeSlow(Number.isSafeInteger(announced) ? Math.max(0, announced) : 0);
  }

  add(chunk: Uint8Array): void {
    if (this.size + chunk.length <= this.#place.length) this.#place.set(chunk, this.size);
    else this.#more.push(chunk);
    this.size += chunk.length;
  }

  whole(): Buffer {
    const more = this.#more.reduce((sum, { length }) => sum + length, 0);
    return more === 0
      ? this.#place.subarray(0, this.size)
      : Buffer.concat([this.#place.subarray(0, this.size - more), ...this.#more]);
  }
}

/** As many bytes as may come out are inflated, and no more. */
async function decompress(limit: BodyLimit, sent: Buffer, encoding: string | null): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? "";
  if (sent.length === 0 || name === "" || name === "identity") return sent;
  if (name !== "gzip" && name !== "x-gzip") {
    throw new DomainError("unsupported_media_type", "Send the body as it is, or compressed by gzip.", {
      headers: { "Accept-Encoding": "gzip, identity" },
    });
  }
  try {
    return await inflate(sent, { maxOutputLength: limit.bytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limit);
    throw invalid("", "must be a whole gzip stream, as Content-Encoding says");
  }
}

const inflate = promisify(gunzip);

/** The type before the first semicolon decides; parameters but the charset are ignored (RFC 9110, section 8.3.1). */
function isJson(contentType: string | null): boolean {
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charsets = parameters.flatMap((parameter) => /^charset=("?)(.*)\1$/.exec(parameter)?.[2] ?? []);
  return (
    type === "application/json" && charsets.every((charset) => charset === "utf-8" || charset === "utf8")
  );
}
