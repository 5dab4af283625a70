import { type Transferable, Worker } from "node:worker_threads";
import { unavailable } from "./domain/errors.ts";
import { type TurnLimits, Turns } from "./domain/turns.ts";

/** A task takes 0.1 s, on a busy machine a second; after so many ms its thread is given up. */
const DEADLINE_MS = 10_000;

/** How many threads there are at most, of them for one owner, and tasks of one owner that wait. */
export interface ThreadOptions extends TurnLimits {
  deadline_ms?: number;
}

/**
 * Threads that answer each message with one, started as they are needed and replaced when they die. Owners who wait are
 * served in turn.
 */
export class Threads<Task, Result> {
  readonly #module: URL;
  readonly #deadline_ms: number;
  readonly #turns: Turns;
  readonly #idle = new Set<Worker>();

  constructor(module: URL, { deadline_ms = DEADLINE_MS, ...limits }: ThreadOptions) {
    this.#module = module;
    this.#deadline_ms = deadline_ms;
    this.#turns = new Turns(limits);
  }

  /**
   * Has a thread do a task.
   * @param more.transfer what the thread gets instead of a copy; `signal` as for `Turns.take`
   * @throws DomainError `unavailable` when the thread died, took too long or could not start; as `Turns.take`
   */
  async run(
    owner: string,
    task: Task,
    { transfer = [], signal }: { transfer?: readonly Transferable[]; signal?: AbortSignal } = {},
  ): Promise<Result> {
    const end = await this.#turns.take(owner, signal);
    let thread: Worker | undefined;
    try {
      thread = this.#idle.values().next().value ?? this.#start();
      this.#idle.delete(thread);
      const result = await this.#ask(thread, task, transfer);
      // Its end may have been told before its answer.
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
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
    });
    thread.unref();
    // A thread may also die idle; an error without a listener would end the process.
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
