import { type Transferable, Worker } from "node:worker_threads";
import { unavailable } from "./domain/errors.ts";
import { type TurnLimits, Turns } from "./domain/turns.ts";

/** A task takes 0.1 s, or a second on a busy machine. A thread that takes longer than this is terminated. */
const DEADLINE_MS = 10_000;
const HEAP_MIB = 128;

/** Limits of threads, of threads per owner, and of waiting tasks per owner. */
interface ThreadOptions extends TurnLimits {
  deadline_ms?: number;
  /** Of one thread, without the bytes of buffers. */
  heap_mib?: number;
}

/**
 * A worker's module as its owner starts it: from source, or from the bundle, where it is a file beside the owner's chunk.
 * @param owner `import.meta.url` of the owner
 */
export const workerUrl = (owner: string, source: string, bundled: string): URL =>
  new URL(owner.endsWith(".ts") ? source : bundled, owner);

/** A pool of worker threads, started on demand and replaced when they die. Waiting owners are served in turn. */
export class Threads<Task, Result> {
  readonly #module: URL;
  readonly #deadline_ms: number;
  readonly #heap_mib: number;
  readonly #turns: Turns;
  readonly #idle = new Set<Worker>();

  constructor(module: URL, { deadline_ms = DEADLINE_MS, heap_mib = HEAP_MIB, ...limits }: ThreadOptions) {
    this.#module = module;
    this.#deadline_ms = deadline_ms;
    this.#heap_mib = heap_mib;
    this.#turns = new Turns(limits);
  }

  /**
   * Runs a task on a thread.
   * @param options.transfer buffers to move to the thread instead of copying them; `signal` as for `Turns.take`
   * @throws DomainError `unavailable` when the thread dies, takes too long or cannot start; those of `Turns.take`
   */
  async run(
    owner: string,
    task: Task,
    { transfer = [], signal }: { transfer?: readonly Transferable[]; signal?: AbortSignal | undefined } = {},
  ): Promise<Result> {
    const end = await this.#turns.take(owner, signal);
    let thread: Worker | undefined;
    try {
      thread = this.#idle.values().next().value ?? this.#start();
      this.#idle.delete(thread);
      const result = await this.#ask(thread, task, transfer);
      // The exit event can arrive before the answer.
      if (thread.threadId !== -1) this.#idle.add(thread);
      return result;
    } catch (cause) {
      await thread?.terminate();
      throw unavailable(cause);
    } finally {
      end();
    }
  }

  /** Ends every idle thread. */
  async close(): Promise<void> {
    await Promise.all([...this.#idle].map((thread) => thread.terminate()));
  }

  #start(): Worker {
    const thread = new Worker(this.#module, {
      resourceLimits: { maxOldGenerationSizeMb: this.#heap_mib, maxYoungGenerationSizeMb: 8 },
    });
    thread.unref();
    // An idle thread can die, too; an error without a listener would end the process.
    thread.on("error", () => undefined);
    thread.once("exit", () => this.#idle.delete(thread));
    return thread;
  }

  async #ask(thread: Worker, task: Task, transfer: readonly Transferable[]): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const onExit = (code: number) => reject(new Error(`a thread ended with ${code}`));
    const timer = setTimeout(() => reject(new Error("a thread took too long")), this.#deadline_ms);
    thread.on("message", resolve).on("error", reject).on("exit", onExit).ref();
    try {
      thread.postMessage(task, transfer);
      return await promise;
    } finally {
      clearTimeout(timer);
      thread.off("message", resolve).off("error", reject).off("exit", onExit).unref();
    }
  }
}
