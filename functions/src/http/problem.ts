import { DomainError, type ErrorCode } from "../domain/errors.ts";

interface Kind {
  status: number;
  title: string;
}

/** What each code is on the wire: the one table from code to status. */
export const PROBLEMS: Record<ErrorCode, Kind> = {
  invalid_request: { status: 400, title: "Invalid request" },
  unauthenticated: { status: 401, title: "Unauthenticated" },
  forbidden: { status: 403, title: "Forbidden" },
  environment_not_tenant_managed: { status: 403, title: "Environment is not tenant-managed" },
  server_lookup_disabled: { status: 403, title: "Server lookup is disabled" },
  project_not_sandbox: { status: 403, title: "Project is no sandbox" },
  device_disabled: { status: 403, title: "Device is disabled" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  conflict: { status: 409, title: "Conflict" },
  duplicate_palm: { status: 409, title: "Duplicate palm" },
  session_active: { status: 409, title: "A session is active" },
  limit_reached: { status: 409, title: "Limit reached" },
  idempotency_mismatch: { status: 409, title: "Idempotency key was used otherwise" },
  expired: { status: 410, title: "Expired" },
  too_large: { status: 413, title: "Too large" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  poor_quality: { status: 422, title: "Poor quality" },
  no_hand: { status: 422, title: "No hand" },
  hand_mismatch: { status: 422, title: "Hand mismatch" },
  template_mismatch: { status: 422, title: "Template mismatch" },
  destination_not_allowed: { status: 422, title: "Destination is not allowed" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Internal error" },
  unavailable: { status: 503, title: "Unavailable" },
};

/** Any thrown thing as what the caller may know of it: what is no DomainError is `internal`, and says nothing. */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  return new DomainError("internal", "Something went wrong on our side.", { cause: thrown });
}

/** An RFC 9457 problem document. `errors` is there for 400 alone. */
export function problemResponse(error: DomainError, request_id: string): Response {
  const { status, title } = PROBLEMS[error.code];
  const body = {
    type: "about:blank",
    title,
    status,
    detail: error.message,
    code: error.code,
    request_id,
    ...(status === 400 ? { errors: error.errors ?? [] } : {}),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json", ...error.headers },
  });
}
