import { parentPort } from "node:worker_threads";
import type { Extracted } from "../../domain/palm/extraction.ts";
import {
  decodeImage,
  extractProbe,
  extractTemplate,
  type Hand,
  PalmError,
  type PalmErrorCode,
} from "../../palm/index.ts";

/** What a worker is sent. */
export interface Task {
  image: Uint8Array;
  hand: Hand;
  poses: boolean;
}

/** What it answers: a template, or why the picture has none. */
export type Result = Extracted | { code: PalmErrorCode; message: string };

// An unhandled rejection ends the worker, like any other error.
parentPort?.on("message", async (task: Task) => parentPort?.postMessage(await extract(task)));

/** An error loses its class on the way between threads. Any other than these ends the worker. */
async function extract({ image, hand, poses }: Task): Promise<Result> {
  try {
    return (poses ? extractProbe : extractTemplate)(await decodeImage(image), { hand });
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    return { code: error.code, message: error.message };
  }
}
