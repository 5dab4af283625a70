import { Failure } from "./failure.ts";

/**
 * Gives an operation so many ms, and less when its parent ends before: its signal tells it, but nobody waits for it to
 * listen. undici's `request` hears nothing until it is connected, and a resolver never does.
 * @throws Failure `timeout` when the time is over
 */
export async function within<T>(
  ms: number,
  operation: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  if (parent?.aborted) throw new Failure("timeout");
  const end = new AbortController();
  const over = Promise.withResolvers<never>();
  const stop = () => {
    end.abort();
    over.reject(new Failure("timeout"));
  };
  const timer = setTimeout(stop, ms);
  parent?.addEventListener("abort", stop);
  try {
    return await Promise.race([operation(end.signal), over.promise]);
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener("abort", stop);
  }
}
