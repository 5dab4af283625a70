import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { unavailable } from "../domain/errors.ts";
import type { Extraction } from "../domain/palm/extraction.ts";
import { decodeImage, extractTemplate, PalmError } from "../palm/index.ts";
import type { Result, Task } from "./extraction/worker.ts";

/** The bundle has the worker beside the file that this becomes a part of. */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./extraction/worker.ts" : "./extraction-worker.js",
  import.meta.url,
);

/** A picture takes 0.1 s, on a busy machine a second; after so many ms its worker is given up. */
const DEADLINE_MS = 10_000;

type Extracted = Awaited<ReturnType<Extraction["extract"]>>;

interface Job {
  task: Task;
  owner: string;
  resolve(extracted: Extracted): void;
  reject(error: unknown): void;
}

interface Options {
  /** Threads; by default one less than there are processors, at least two, so that one owner cannot take them all. */
  threads?: number;
  deadline_ms?: number;
  /** The worker's module, in tests. */
  worker?: URL;
}

/** A pool of threads, started as they are needed and replaced when they die. */
export class ExtractionPool implements Extraction {
  readonly #size: number;
  readonly #deadline_ms: number;
  readonly #module: URL;
  readonly #idle: Worker[] = [];
  /** How many threads each owner's pictures keep busy. */
  readonly #running = new Map<string, number>();
  /** Those who wait, the next one first. */
  readonly #waiting = new Map<string, Job[]>();
  #threads = 0;

  constructor({ threads, deadline_ms = DEADLINE_MS, worker = WORKER }: Options = {}) {
    this.#size = threads ?? Math.max(2, availableParallelism() - 1);
    this.#deadline_ms = deadline_ms;
    this.#module = worker;
  }

  extract({ image, hand, owner }: Parameters<Extraction["extract"]>[0]): Promise<Extracted> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? [];
      queue.push({ task: { image, hand }, owner, resolve, reject });
      this.#waiting.set(owner, queue);
      this.#dispatch();
    });
  }

  /** Ends every idle thread. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#idle.length > 0 || this.#threads < this.#size) {
      const job = this.#next();
      if (!job) return;
      this.#run(this.#idle.pop() ?? this.#start(), job);
    }
  }

  /** Of the owner who has waited longest, unless its pictures have all threads but one. */
  #next(): Job | undefined {
    const most = Math.max(1, this.#size - 1);
    for (const [owner, queue] of this.#waiting) {
      if ((this.#running.get(owner) ?? 0) >= most) continue;
      const job = queue.shift();
      this.#waiting.delete(owner);
      if (queue.length > 0) this.#waiting.set(owner, queue);
      return job;
    }
    return undefined;
  }

  #start(): Worker {
    this.#threads += 1;
    const worker = new Worker(this.#module, {
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
    });
    worker.unref();
    // A thread may also die idle; an error without a listener would end the process.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      this.#threads -= 1;
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#dispatch();
    });
    return worker;
  }

  #run(worker: Worker, { task, owner, resolve, reject }: Job): void {
    this.#running.set(owner, (this.#running.get(owner) ?? 0) + 1);
    const end = () => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onDeath).off("exit", onDeath).unref();
      const running = (this.#running.get(owner) ?? 1) - 1;
      if (running > 0) this.#running.set(owner, running);
      else this.#running.delete(owner);
    };
    const onMessage = (result: Result) => {
      end();
      this.#idle.push(worker);
      if ("template" in result) resolve(result);
      else reject(new PalmError(result.code, result.message));
      this.#dispatch();
    };
    const onDeath = (cause: unknown) => {
      end();
      void worker.terminate();
      reject(unavailable(cause instanceof Error ? cause : new Error(`an extraction thread ended: ${cause}`)));
    };
    const timer = setTimeout(() => onDeath(new Error("an extraction took too long")), this.#deadline_ms);
    worker.on("message", onMessage).on("error", onDeath).on("exit", onDeath).ref();
    worker.postMessage(task);
  }
}

/** On the caller's own thread, for programs that serve nobody else. */
export const extractionHere: Extraction = {
  extract: async ({ image, hand }) => extractTemplate(decodeImage(image), { hand }),
};
