import type { Problem } from "./api.ts";

/** What went wrong, for programs: see docs/errors.md for what to do about each. */
export type ErrorCode = Problem["code"];

/** The API, or what stands before it, has refused. */
export class PalmgateError extends Error {
  override readonly name = "PalmgateError";
  readonly status: number;
  /** Undefined where the answer is not the API's own: a proxy's or the platform's page. */
  readonly code: ErrorCode | undefined;
  /** What went wrong, for people; may change. */
  readonly detail: string;
  /** What we ask for when you ask us; undefined where the answer is not the API's own. */
  readonly request_id: string | undefined;
  /** With `invalid_request`: each fault, and where it is. */
  readonly errors: Problem["errors"] & {};
  /** In how many seconds it may be sent again, where that is said. */
  readonly retryAfter: number | undefined;

  constructor(answer: {
    status: number;
    detail: string;
    code?: ErrorCode | undefined;
    request_id?: string | undefined;
    errors?: Problem["errors"] | undefined;
    retryAfter?: number | undefined;
  }) {
    const { status, code, detail, request_id, errors = [], retryAfter } = answer;
    const faults = errors.map(({ path, message }) => `\n  ${path || "the body"} ${message}`);
    super(`${status} ${code ?? "(not Palmgate's)"}: ${detail}${faults.join("")}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.request_id = request_id;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** No answer came, or not all of one: `cause` says why. The request may have had its effect. */
export class PalmgateConnectionError extends Error {
  override readonly name = "PalmgateConnectionError";
}
