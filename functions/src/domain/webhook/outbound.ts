/** Why an attempt failed, as the customer is told: no address, no time, nothing that a port scanner could use. */
export const ATTEMPT_ERRORS = [
  "dns_error",
  "connect_error",
  "tls_error",
  "timeout",
  "http_error",
  "destination_not_allowed",
] as const;
export type AttemptError = (typeof ATTEMPT_ERRORS)[number];

/** What is kept of a response's body, in bytes. */
export const RESPONSE_BYTES = 102_400;

/** What became of one POST. It never throws for what a customer's endpoint does. */
export interface Sent {
  /** `null` when there was no response: no status line came, or what follows it was still coming in when time was up. */
  status_code: number | null;
  /** The first `RESPONSE_BYTES` of the body, U+FFFD for what is no UTF-8; `null` when there was no response. */
  response_body: string | null;
  /** Whether the body was longer than what is kept, or the response broke off after its status line. */
  response_truncated: boolean;
  /** `null` for 2xx alone; `http_error` for any other status. */
  error: AttemptError | null;
  /** The response's `Retry-After`, as it came. */
  retry_after: string | null;
  /** From the beginning until the outcome was known, whole ms; 0 for `destination_not_allowed`, always. */
  duration_ms: number;
}

/** Every request that leaves for somewhere a customer named goes through here. */
export interface Outbound {
  /**
   * The destination in canonical form (WHATWG); `undefined` for any that is not allowed, whatever the reason. A name
   * that does not resolve, or not in 2 s, is allowed: it may later.
   */
  check(url: string): Promise<string | undefined>;
  /** Checks the destination anew, then posts these bytes to it; 20 s at most. The headers are ours, never a customer's. */
  post(request: { url: string; headers: Readonly<Record<string, string>>; body: string }): Promise<Sent>;
}
