import { Client } from "undici";
import { type AttemptError, RESPONSE_BYTES, type Sent } from "../../domain/webhook/outbound.ts";
import { openConnection, type Setup } from "./connect.ts";
import { watchStatus } from "./watchStatus.ts";

/** Of every request; the caller's are added. None is a customer's: one would open a metadata server. */
const HEADERS = { "User-Agent": "Palmgate-Webhooks/1.0", "Accept-Encoding": "identity" };

/** What a response's head may take, in bytes. */
const HEAD_BYTES = 16_384;

/** What has come of an answer, at any time. */
export class Answer {
  /** Of the status line alone, when the head is not here yet. */
  #line: { status_code?: number } = {};
  #status_code: number | undefined;
  #retry_after: string | null = null;
  /** Of one piece from the start: kept one by one, a body of tiny chunks would take a hundred times its size. */
  #body: Buffer | undefined;
  #bytes = 0;
  #isWhole = false;

  /**
   * Sends a request and takes what is answered, until that is the whole or enough.
   * @throws Failure or undici's error when it breaks off, and what has come stays
   */
  async fetch(
    url: URL,
    { headers, body }: { headers: Readonly<Record<string, string>>; body: string },
    setup: Setup,
    signal: AbortSignal,
  ): Promise<void> {
    const client = new Client(url.origin, {
      connect: ({ protocol, host }, done) => {
        openConnection(`${protocol}//${host}`, setup, signal).then(
          (socket) => {
            this.#line = watchStatus(socket);
            done(null, socket);
          },
          (error) => done(error, null),
        );
      },
      allowH2: false,
      // One request a connection. The deadline is ours: undici's begin anew with each chunk.
      pipelining: 0,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEAD_BYTES,
    });
    const end = () => void client.destroy().catch(() => undefined);
    signal.addEventListener("abort", end);
    try {
      const response = await client.request({
        method: "POST",
        path: url.pathname + url.search,
        headers: { ...HEADERS, ...headers },
        body,
      });
      this.#status_code = response.statusCode;
      // White space around a header's value is not part of it (RFC 9110, 5.5); undici keeps what follows.
      this.#retry_after = [response.headers["retry-after"] ?? []].flat()[0]?.trim() ?? null;
      for await (const chunk of response.body) if (!this.#take(chunk)) return;
      this.#isWhole = true;
    } finally {
      end();
    }
  }

  /** What it comes to, after `error` or nothing has ended it. */
  sent(error: AttemptError | null, duration_ms: number): Sent {
    // A head that came too slowly is no answer. One that broke off is: who got to say 200 has our event.
    const status_code = this.#status_code ?? (error === "timeout" ? undefined : this.#line.status_code);
    if (status_code === undefined) {
      const nothing = {
        status_code: null,
        response_body: null,
        response_truncated: false,
        retry_after: null,
      };
      return { ...nothing, error, duration_ms };
    }
    return {
      status_code,
      response_body: this.#body?.toString("utf8", 0, this.#bytes) ?? "",
      response_truncated: !this.#isWhole,
      error: status_code >= 200 && status_code < 300 ? null : "http_error",
      retry_after: this.#retry_after,
      duration_ms,
    };
  }

  /** Keeps what is to be kept, and says whether there may be more. */
  #take(chunk: Buffer): boolean {
    this.#body ??= Buffer.alloc(RESPONSE_BYTES);
    const kept = chunk.copy(this.#body, this.#bytes);
    this.#bytes += kept;
    return kept === chunk.length;
  }
}
