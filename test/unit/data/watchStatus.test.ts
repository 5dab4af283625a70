import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { watchStatus } from "../../../functions/src/data/outbound/watchStatus.ts";

/** Reads the chunks of a response through the watcher. */
function readAll(chunks: readonly Buffer[]) {
  const left = [...chunks].reverse();
  const socket = { read: () => left.pop() ?? null } as unknown as Socket;
  const found = watchStatus(socket);
  const steps = chunks.map(() => ({ chunk: socket.read() as Buffer | null, status: found.status_code }));
  return {
    bytes: Buffer.concat(steps.flatMap(({ chunk }) => chunk ?? [])).toString("latin1"),
    status: found.status_code,
    steps,
  };
}

const whole = (text: string) => [Buffer.from(text, "latin1")];
const bytewise = (text: string) => [...Buffer.from(text, "latin1")].map((byte) => Buffer.of(byte));

const FINAL = "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n";
const HINT = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

describe("watchStatus", () => {
  for (const [what, sent, bytes, status] of [
    ["a final response", FINAL, FINAL, 204],
    ["one after interim responses", `HTTP/1.1 100 Continue\r\n\r\n${HINT}${FINAL}`, FINAL, 204],
    ["one after bare line feeds", `HTTP/1.0 102 P\n\nHTTP/1.0 200 OK\n\n`, "HTTP/1.0 200 OK\n\n", 200],
    ["101, which is not removed", "HTTP/1.1 101 S\r\n\r\n", "HTTP/1.1 101 S\r\n\r\n", 101],
    ["another protocol", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n", undefined],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 2000 OK\r\n", undefined],
    ["a later version of HTTP", "HTTP/2 200\r\n", "HTTP/2 200\r\n", undefined],
  ] as const) {
    it(`reads ${what}, in one chunk and byte by byte`, () => {
      for (const chunks of [whole(sent), bytewise(sent)]) {
        const answer = readAll(chunks);
        assert.deepEqual([answer.bytes, answer.status], [bytes, status]);
      }
    });
  }

  it("reports the status before the head is complete", () => {
    const { steps } = readAll([...whole("HTTP/1.1 50"), ...whole("3 Busy\r\n"), ...whole("X: 1\r\n")]);
    assert.deepEqual(
      steps.map(({ chunk, status }) => [chunk?.toString() ?? null, status]),
      [
        [null, undefined],
        ["HTTP/1.1 503 Busy\r\n", 503],
        ["X: 1\r\n", 503],
      ],
    );
  });

  it("removes 200,000 interim responses in one chunk without growing the stack", () => {
    const { bytes, status } = readAll(whole("HTTP/1.1 100\n\n".repeat(200_000) + FINAL));
    assert.deepEqual([bytes, status], [FINAL, 204]);
  });

  it("leaves a response to undici that sends no status line within 4,096 bytes", () => {
    const long = `HTTP/1.1 200 ${"x".repeat(5000)}`;
    const { steps, status } = readAll(bytewise(long));
    assert.equal(status, undefined);
    assert.equal(
      steps.findIndex(({ chunk }) => chunk !== null),
      4095,
    );
    const bytes = Buffer.concat(steps.flatMap(({ chunk }) => chunk ?? []));
    assert.equal(bytes.toString("latin1"), long);
  });
});
