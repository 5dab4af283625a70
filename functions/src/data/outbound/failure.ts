import type { AttemptError } from "../../domain/webhook/outbound.ts";

/** Why nothing came of a delivery, where we know it ourselves. */
export class Failure extends Error {
  readonly kind: AttemptError;

  constructor(kind: AttemptError, options?: ErrorOptions) {
    super(kind, options);
    this.kind = kind;
  }
}

/** By the name or the code of an error that is not ours; all others are of the connection. */
const KINDS: readonly (readonly [RegExp, AttemptError])[] = [
  [/^ERR_(SSL|TLS)_/, "tls_error"],
  // undici leaves the parser's code undefined.
  [/^(HTTPParserError|HeadersOverflowError)$/, "http_error"],
];

/**
 * The class of whatever went wrong before there was a status line.
 * @throws what is our own mistake, not the endpoint's: a request that undici refuses to send
 */
export function kindOf(error: unknown): AttemptError {
  if (error instanceof Failure) return error.kind;
  const { name = "", code = "" } = error as NodeJS.ErrnoException;
  if (error instanceof TypeError || code === "UND_ERR_INVALID_ARG") throw error;
  return KINDS.find(([pattern]) => pattern.test(code) || pattern.test(name))?.[1] ?? "connect_error";
}
