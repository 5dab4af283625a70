import type { Surroundings } from "../../functions/src/domain/context.ts";
import type { AttemptTask, Queue, QueueName } from "../../functions/src/domain/delivery/queue.ts";
import { unavailable } from "../../functions/src/domain/errors.ts";
import type { Chance } from "./chance.ts";

const HOUR_MS = 3_600_000;

/** What is due later the adapter leaves to the sweeper: a day more, and Cloud Tasks would refuse it. */
const HORIZON_MS = 29 * 24 * HOUR_MS;
/** A name that was run or deleted is not taken again for about so long. */
const TOMBSTONE_MS = HOUR_MS;

/** How a task that rejects is run again: as the deployment table says. */
export const RETRY = { maxAttempts: 5, minBackoffSeconds: 5, maxBackoffSeconds: 60 };

interface Options {
  /** A virtual clock. */
  clock: Pick<Surroundings, "now" | "sleep">;
  random: Chance;
  /** What the queue's function does with a task. */
  run: (queue: QueueName, task: AttemptTask) => Promise<void>;
  /** How often a task comes twice, 0 to 1. Default 0.05. */
  duplicates?: number;
  /** How late a task may come, ms, so that those that are due come in any order. Default 1,000. */
  lateness?: number;
}

interface Waiting {
  queue: QueueName;
  /** As JSON: a function never gets the object that was enqueued. */
  body: string;
  /** Resolves when it is done with. */
  ended: Promise<unknown>;
}

/**
 * The queue port as Cloud Tasks and the adapter meet it, but by a virtual clock: a task comes at its time or a little
 * later, in any order, sometimes twice, and again while it rejects. A used name is taken for known, and nothing happens.
 */
export class VirtualQueue implements Queue {
  /** While it is, nothing can be enqueued. */
  isDown = false;
  /** What has happened so far; `beyond` the horizon, `known` by its name, `dropped` after the last retry. */
  readonly counts = { enqueued: 0, beyond: 0, known: 0, duplicates: 0, runs: 0, failures: 0, dropped: 0 };
  readonly #options: Required<Options>;
  /** Tasks that wait or run, by name. */
  readonly #waiting = new Map<string, Waiting>();
  /** When a used name may be used again. */
  readonly #buried = new Map<string, number>();

  constructor(options: Options) {
    this.#options = { duplicates: 0.05, lateness: 1000, ...options };
  }

  /** How many tasks wait or run. */
  get size(): number {
    return this.#waiting.size;
  }

  async enqueue(queue: QueueName, name: string, task: AttemptTask, at: Date): Promise<void> {
    if (this.isDown) throw unavailable(new Error("Cloud Tasks is down"));
    const { clock, random, duplicates } = this.#options;
    const now = clock.now().getTime();
    const id = `${queue}/${name}`;
    if (at.getTime() - now > HORIZON_MS) this.counts.beyond++;
    else if (this.#waiting.has(id) || (this.#buried.get(id) ?? 0) > now) this.counts.known++;
    else {
      this.counts.enqueued++;
      const times = random() < duplicates ? 2 : 1;
      this.counts.duplicates += times - 1;
      const waiting: Waiting = { queue, body: JSON.stringify(task), ended: Promise.resolve() };
      this.#waiting.set(id, waiting);
      const runs = Array.from({ length: times }, () => this.#bring(id, waiting, at));
      waiting.ended = Promise.all(runs).then(() => this.#end(id, waiting));
    }
  }

  /** Resolves when no task waits or runs, those included that are enqueued until then. */
  async idle(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting.values();
      if (!next) return;
      await next.ended;
    }
  }

  /** Deletes every task; those that run right now do so to their end. */
  purge(): void {
    for (const [id, waiting] of this.#waiting) this.#end(id, waiting);
  }

  async #bring(id: string, waiting: Waiting, at: Date): Promise<void> {
    const { clock, random, run, lateness } = this.#options;
    await clock.sleep(Math.max(0, at.getTime() - clock.now().getTime()) + random() * lateness);
    for (let attempt = 1; this.#waiting.get(id) === waiting; attempt++) {
      this.counts.runs++;
      try {
        return await run(waiting.queue, JSON.parse(waiting.body));
      } catch {
        this.counts.failures++;
      }
      if (attempt === RETRY.maxAttempts) {
        this.counts.dropped++;
        return;
      }
      await clock.sleep(
        Math.min(RETRY.maxBackoffSeconds, RETRY.minBackoffSeconds * 2 ** (attempt - 1)) * 1000,
      );
    }
  }

  #end(id: string, waiting: Waiting): void {
    if (this.#waiting.get(id) !== waiting) return;
    this.#waiting.delete(id);
    this.#buried.set(id, this.#options.clock.now().getTime() + TOMBSTONE_MS);
  }
}
