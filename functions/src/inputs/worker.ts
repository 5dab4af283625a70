import { parentPort } from "node:worker_threads";
import { routes } from "../api/biometrics/routes.ts";
import { DomainError, type ErrorCode, type FieldError } from "../domain/errors.ts";
import { type Input, type Received, readInput } from "../http/input.ts";
import type { Route } from "../http/route.ts";

/** The message to the thread. */
export interface Task extends Received {
  operationId: string;
}

/** Its answer: the input, or the refusal. */
export type Result =
  | { input: Input }
  | { refusal: { code: ErrorCode; message: string; errors?: FieldError[] } };

const byId = new Map((routes as readonly Route[]).map((route) => [route.operationId, route]));

parentPort?.on("message", ({ operationId, ...received }: Task) => {
  const result = read(operationId, received);
  parentPort?.postMessage(result, "input" in result ? buffersIn(result.input) : []);
});

/** Errors lose their class between threads, so refusals are sent as values. Any other error ends the thread. */
function read(operationId: string, received: Received): Result {
  const route = byId.get(operationId);
  if (!route) throw new Error(`there is no operation ${operationId} here`);
  try {
    return { input: readInput(route, received) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { code, message, errors } = error;
    return { refusal: { code, message, ...(errors ? { errors } : {}) } };
  }
}

/** Buffers to move back instead of copying them. Body, pictures and templates each have their own. */
function buffersIn(value: unknown): ArrayBuffer[] {
  if (value instanceof Uint8Array) return [value.buffer as ArrayBuffer];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(buffersIn) : [];
}
