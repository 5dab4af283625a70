import { unavailable } from "../domain/errors.ts";

/** One operation of a service may take this long before the caller is told that we are unavailable, in ms. */
const DEADLINE_MS = 10_000;

/**
 * Waits for a service, but not for ever: clients have time limits of their own, and not all of them hold.
 * @throws DomainError `unavailable` when it has not answered in 10 s.
 */
export function withDeadline<T>(service: string, operation: Promise<T>): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(unavailable(new Error(`${service} did not answer in ${DEADLINE_MS} ms`))),
    DEADLINE_MS,
  );
  return Promise.race([operation, deadline.promise]).finally(() => clearTimeout(timer));
}
