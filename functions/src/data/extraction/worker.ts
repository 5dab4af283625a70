import { parentPort } from "node:worker_threads";
import type { Extracted } from "../../domain/palm/extraction.ts";
import { PalmError, type PalmErrorCode } from "../../palm/index.ts";
import { extract, type Task } from "./extract.ts";

/** What it answers: a template, or why the picture has none. */
export type Result = Extracted | { code: PalmErrorCode; message: string };

// An unhandled rejection ends the worker, like any other error.
parentPort?.on("message", async (task: Task) => parentPort?.postMessage(await answer(task)));

/** An error loses its class on the way between threads. Any other than these ends the worker. */
async function answer(task: Task): Promise<Result> {
  try {
    return await extract(task);
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    return { code: error.code, message: error.message };
  }
}
