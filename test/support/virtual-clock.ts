import type { Surroundings } from "../../functions/src/domain/context.ts";
import { newChance } from "./chance.ts";

interface Event {
  at: number;
  happen(): void;
}

/** Events by time; those of one time in the order in which they came. */
class Agenda {
  readonly #heap: (Event & { number: number })[] = [];
  #count = 0;

  get next(): Event | undefined {
    return this.#heap[0];
  }

  add(event: Event): void {
    const heap = this.#heap;
    let i = heap.push({ ...event, number: this.#count++ }) - 1;
    while (i > 0 && this.#isBefore(i, (i - 1) >> 1)) i = this.#swap(i, (i - 1) >> 1);
  }

  take(): Event | undefined {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    const first = heap.pop();
    for (let i = 0; ; ) {
      const child = this.#isBefore(2 * i + 2, 2 * i + 1) ? 2 * i + 2 : 2 * i + 1;
      if (!this.#isBefore(child, i)) return first;
      i = this.#swap(i, child);
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [one, other] = [this.#heap[i], this.#heap[j]];
    return !!one && !!other && (one.at - other.at || one.number - other.number) < 0;
  }

  #swap(i: number, j: number): number {
    const [one, other] = [this.#heap[i], this.#heap[j]];
    if (one && other) [this.#heap[i], this.#heap[j]] = [other, one];
    return j;
  }
}

/** Surroundings whose time jumps from one sleeper's end to the next as soon as nothing else is left to do. */
export function virtualClock({ start = Date.parse("2026-01-02T03:04:05Z"), seed = 1 } = {}) {
  const agenda = new Agenda();
  const random = newChance(seed);
  const logged: string[] = [];
  let at = start;
  const ctx: Surroundings = {
    now: () => new Date(at),
    id: () => Array.from({ length: 4 }, () => random().toString(16).slice(2, 10)).join("-"),
    random,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        agenda.add({ at: at + Math.max(0, Math.ceil(ms)), happen: resolve });
        if (signal?.aborted) resolve();
        signal?.addEventListener("abort", () => resolve());
      }),
    log: {
      warn: (message, facts) => logged.push(`warn ${message} ${JSON.stringify(facts)}`),
      error: (message, facts) => logged.push(`error ${message} ${JSON.stringify(facts)}`),
    },
  };
  return {
    ...ctx,
    logged,
    /** Lets time pass until a promise is settled. */
    async until<T>(promise: Promise<T>): Promise<T> {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      promise.then(settle, settle);
      for (;;) {
        // Everything that is ready runs before an immediate does.
        await new Promise(setImmediate);
        if (settled) return promise;
        const next = agenda.next;
        if (!next) throw new Error("nothing will ever happen again");
        at = next.at;
        while (agenda.next?.at === at) agenda.take()?.happen();
      }
    },
  };
}
