import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { DomainError } from "../../../functions/src/domain/errors.ts";
import { bodyOf, type ReceivedBody, readBody } from "../../../functions/src/http/body.ts";

const LIMIT = { bytes: 1000, ms: 200 };
const json = (size: number): Buffer => Buffer.from(`"${"x".repeat(size - 2)}"`);

const read = (body: ReceivedBody, headers: Record<string, string> = {}) =>
  readBody(LIMIT, new Headers({ "Content-Type": "application/json", ...headers }), body);

async function refusal(promise: Promise<unknown>): Promise<[string, unknown]> {
  const error = await promise.then(
    () => assert.fail("was not refused"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof DomainError, String(error));
  return [error.code, error.errors?.[0]?.message];
}

async function* chunks(size: number, count: number, counted: { sent: number }): AsyncIterable<Buffer> {
  for (; counted.sent < count; counted.sent += 1) yield Buffer.alloc(size);
}

describe("readBody", () => {
  it("reads as many bytes as the limit, and not one more", async () => {
    assert.equal((await read([json(1000)])).length, 1000);
    assert.deepEqual(await refusal(read([json(1001)])), ["too_large", undefined]);
  });

  it("reads every byte in its order, whatever length was announced", async () => {
    const whole = Buffer.from(JSON.stringify("abcdefghijklmnopqrstuvwxyz"));
    const parts = [whole.subarray(0, 3), whole.subarray(3, 10), whole.subarray(10)];
    for (const announced of ["", "0", "1", "5", "10", "28", "900", "-1", "x"]) {
      const headers = announced === "" ? {} : { "Content-Length": announced };
      assert.deepEqual(Buffer.from(await read(parts, headers)), whole, announced);
    }
  });

  it("refuses a declared length over the limit without reading", async () => {
    const counted = { sent: 0 };
    const body = chunks(10, 1000, counted);
    assert.deepEqual(await refusal(read(body, { "Content-Length": "1001" })), ["too_large", undefined]);
    assert.equal(counted.sent, 0);
  });

  it("stops reading where the limit is passed", async () => {
    const counted = { sent: 0 };
    assert.deepEqual(await refusal(read(chunks(400, 1_000_000, counted))), ["too_large", undefined]);
    assert.equal(counted.sent, 2);
  });

  it("inflates gzip up to the limit", async () => {
    const headers = { "Content-Encoding": " GZIP " };
    assert.deepEqual(await read([gzipSync(json(1000))], headers), json(1000));
    assert.deepEqual(await refusal(read([gzipSync(json(1001))], headers)), ["too_large", undefined]);
    const bomb = gzipSync(Buffer.alloc(900_000, "[]"), { level: 9 });
    assert.ok(bomb.length < LIMIT.bytes);
    assert.deepEqual(await refusal(read([bomb], headers)), ["too_large", undefined]);
  });

  it("refuses a stream that is not whole gzip", async () => {
    const packed = gzipSync(json(500));
    const damaged = Buffer.from(packed);
    damaged[packed.length - 6] = (damaged[packed.length - 6] as number) ^ 1;
    for (const body of [json(100), packed.subarray(0, -5), damaged]) {
      assert.deepEqual(await refusal(read([body], { "Content-Encoding": "gzip" })), [
        "invalid_request",
        "must be a whole gzip stream, as Content-Encoding says",
      ]);
    }
  });

  it("refuses every other encoding, and says which it takes", async () => {
    for (const encoding of ["br", "deflate", "zstd", "compress", "gzip, gzip", "identity, gzip", "x"]) {
      const error = await read([json(10)], { "Content-Encoding": encoding }).catch((error: unknown) => error);
      assert.ok(error instanceof DomainError);
      assert.equal(error.code, "unsupported_media_type");
      assert.deepEqual(error.headers, { "Accept-Encoding": "gzip, identity" });
    }
    assert.equal((await read([json(10)], { "Content-Encoding": "identity" })).length, 10);
  });

  it("refuses a body that has not arrived in time, however it drips", async () => {
    async function* dripping(): AsyncIterable<Buffer> {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield Buffer.from(" ");
      }
    }
    assert.deepEqual(await refusal(read(dripping())), ["invalid_request", "must arrive within 0.2 s"]);
  });

  it("refuses a body that breaks off", async () => {
    // biome-ignore lint/correctness/useYield: it breaks off before its first chunk
    async function* broken(): AsyncIterable<Buffer> {
      throw new Error("ECONNRESET");
    }
    assert.deepEqual(await refusal(read(broken())), ["invalid_request", "broke off before its end"]);
  });

  it("leaves the connection open for the answer to a body that is refused half-way", async () => {
    const server = createServer(async (incoming: IncomingMessage, outgoing) => {
      const [code] = await refusal(read(bodyOf(new Request("http://palmgate.test/"), incoming)));
      outgoing.end(code);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.write(`7d0\r\n${" ".repeat(2000)}\r\n`);
    assert.match(await text(socket), /\r\n\r\n.*too_large/s);
    server.closeAllConnections();
    server.close();
  });
});
