import { IdempotencyStrategy, Storage } from "@google-cloud/storage";

/** One operation may take this long, retries included, in seconds. */
const TIMEOUT_S = 10;

/** The Storage client; the emulator when `STORAGE_EMULATOR_HOST` is set. */
export function openStorage(projectId: string): Storage {
  return new Storage({
    projectId,
    retryOptions: {
      totalTimeout: TIMEOUT_S,
      maxRetries: 3,
      // Each object is written once, under a name of its own, so writing it again is the same.
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    },
    timeout: TIMEOUT_S * 1000,
  });
}
