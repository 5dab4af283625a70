import { availableParallelism } from "node:os";
import type { Extraction } from "../domain/palm/extraction.ts";
import { PalmError } from "../palm/index.ts";
import { Threads, workerUrl } from "../threads.ts";
import { extract, type Task } from "./extraction/extract.ts";
import type { Result } from "./extraction/worker.ts";

const WORKER = workerUrl(import.meta.url, "./extraction/worker.ts", "./extraction-worker.js");

/** Of one owner. Five pictures of 16 enrollments are 80; each takes up to a second. */
const MOST_WAITING = 80;

interface Options {
  /** Threads; by default one less than there are processors, at least two, so that one owner cannot take them all. */
  threads?: number;
  deadline_ms?: number;
  /** The worker's module, in tests. */
  worker?: URL;
}

/** Extracts templates on worker threads. */
export class ExtractionPool implements Extraction {
  readonly #threads: Threads<Task, Result>;

  constructor({ threads, worker = WORKER, ...options }: Options = {}) {
    const most = threads ?? Math.max(2, availableParallelism() - 1);
    this.#threads = new Threads(worker, {
      ...{ most, mostOfOne: Math.max(1, most - 1), mostWaiting: MOST_WAITING },
      ...options,
    });
  }

  async extract({
    owner,
    signal,
    ...task
  }: Parameters<Extraction["extract"]>[0]): ReturnType<Extraction["extract"]> {
    const result = await this.#threads.run(owner, task, { signal });
    if ("template" in result) return result;
    throw new PalmError(result.code, result.message);
  }

  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** On the caller's own thread, for programs that serve nobody else. */
export const extractionHere: Extraction = { extract };
