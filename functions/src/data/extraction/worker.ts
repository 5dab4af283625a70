import { parentPort } from "node:worker_threads";
import { decodeImage, extractTemplate, type Hand, PalmError, type PalmErrorCode } from "../../palm/index.ts";

/** What a worker is sent. */
export interface Task {
  image: Uint8Array;
  hand: Hand;
}

/** What it answers: a template, or why the picture has none. */
export type Result = { template: Uint8Array; quality: number } | { code: PalmErrorCode; message: string };

parentPort?.on("message", ({ image, hand }: Task) => parentPort?.postMessage(extract(image, hand)));

/** An error loses its class on the way between threads. Any other than these ends the worker. */
function extract(image: Uint8Array, hand: Hand): Result {
  try {
    return extractTemplate(decodeImage(image), { hand });
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    return { code: error.code, message: error.message };
  }
}
