/** Every code that a Palmgate answer can carry; `http/problem.ts` gives each its status and title. */
export type ErrorCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "environment_not_tenant_managed"
  | "server_lookup_disabled"
  | "project_not_sandbox"
  | "device_disabled"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "duplicate_palm"
  | "session_active"
  | "limit_reached"
  | "idempotency_mismatch"
  | "expired"
  | "too_large"
  | "unsupported_media_type"
  | "poor_quality"
  | "no_hand"
  | "hand_mismatch"
  | "template_mismatch"
  | "destination_not_allowed"
  | "rate_limited"
  | "internal"
  | "unavailable";

/** One fault of a request: `path` is dotted (`samples.0.image`), `""` the whole body. */
export interface FieldError {
  path: string;
  message: string;
}

/** A refusal that the caller is told of. `message` is shown: to a caller of the API it repeats no id, no path, no secret. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "DomainError";
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** 404 for what is missing and for what is somebody else's: the two must not be told apart. `what` is for operators. */
export const notFound = (what?: string): DomainError =>
  new DomainError("not_found", what === undefined ? "There is nothing here." : `There is no ${what}.`);

/** 401: whoever asks is nobody we know, or no longer. */
export const unauthenticated = (): DomainError =>
  new DomainError("unauthenticated", "A valid credential is required.", {
    headers: { "WWW-Authenticate": "Bearer" },
  });

/** 400 at one place of the request. */
export const invalid = (path: string, message: string): DomainError =>
  new DomainError("invalid_request", "The request is not valid.", { errors: [{ path, message }] });

/** 503 with `Retry-After: 1`: a dependency did not answer, or contention outlasted our patience. */
export const unavailable = (cause?: unknown): DomainError =>
  new DomainError("unavailable", "The service is busy or a dependency is down; try again.", {
    headers: { "Retry-After": "1" },
    cause,
  });
