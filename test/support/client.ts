import assert from "node:assert/strict";
import { held } from "./contract.ts";

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; `undefined` when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what they find
  body: any;
}

export interface Call {
  token?: string;
  /** Sent as JSON; bytes are sent as they are, as JSON too. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Calls an API by method and path. */
export type Client = (method: string, path: string, call?: Call) => Promise<Answer>;

/**
 * A client over HTTP (a base URL), whose answers are held to the contract, or of an application in this process
 * (a fetch function), which may have routes of its own.
 */
export function createClient(send: string | ((request: Request) => Response | Promise<Response>)): Client {
  const base = typeof send === "string" ? send : "http://palmgate.test";
  const go = typeof send === "string" ? (request: Request) => fetch(request) : send;
  const client: Client = async (method, path, { token, body, headers = {} } = {}) => {
    const request = new Request(base + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
    const response = await go(request);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body:
        /json/.test(response.headers.get("content-type") ?? "") && text !== "" ? JSON.parse(text) : undefined,
    };
  };
  return typeof send === "string" ? held(client) : client;
}

/** Holds a refusal against status and code; its document must be whole. */
export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.deepEqual({ status: answer.status, code: answer.body?.code }, { status, code }, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const keys = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "request_id",
    ...(status === 400 ? ["errors"] : []),
  ];
  assert.deepEqual(Object.keys(answer.body), keys);
  assert.equal(answer.body.request_id, answer.headers.get("x-request-id"));
}
