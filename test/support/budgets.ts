import type { Budget, Budgets } from "../../functions/src/domain/budget/budget.ts";
import type { Surroundings } from "../../functions/src/domain/context.ts";
import type { Stored } from "../../functions/src/domain/store.ts";

/** How a store of budgets can be. */
type Mode = "answer" | "hang" | "fail";

/** Budgets in memory: an operation takes `latency()` ms, and effect in its middle. */
export class MemoryBudgets implements Budgets {
  mode: Mode = "answer";
  gets = 0;
  puts = 0;
  /** When each document was written, in ms. */
  readonly written = new Map<string, number[]>();
  readonly #stored = new Map<string, Stored<Budget>>();
  readonly #ctx: Surroundings;
  readonly #latency: () => number;

  constructor(ctx: Surroundings, latency: () => number = () => 5 + 25 * ctx.random()) {
    this.#ctx = ctx;
    this.#latency = latency;
  }

  get operations(): number {
    return this.gets + this.puts;
  }

  get(subject: string, shard: number): Promise<Stored<Budget> | undefined> {
    this.gets += 1;
    return this.#operate(() => this.#stored.get(`${subject}-${shard}`));
  }

  put(subject: string, shard: number, was: Stored<Budget> | undefined, now: Budget) {
    this.puts += 1;
    const id = `${subject}-${shard}`;
    return this.#operate((): Stored<Budget> | "conflict" => {
      if (this.#stored.get(id) !== was) return "conflict";
      const stored = { value: now, version: {} } as Stored<Budget>;
      this.#stored.set(id, stored);
      const times = this.written.get(id) ?? [];
      this.written.set(id, times);
      times.push(this.#ctx.now().getTime());
      return stored;
    });
  }

  /** What is stored of a subject's shard. */
  peek(subject: string, shard = 0): Budget | undefined {
    return this.#stored.get(`${subject}-${shard}`)?.value;
  }

  /** As the time to live does. */
  remove(subject: string, shard = 0): void {
    this.#stored.delete(`${subject}-${shard}`);
  }

  async #operate<T>(effect: () => T): Promise<T> {
    const { mode } = this;
    const latency = this.#latency();
    await this.#ctx.sleep(latency / 2);
    if (mode === "hang") return new Promise(() => undefined);
    if (mode === "fail") throw new Error("the store is down");
    const result = effect();
    await this.#ctx.sleep(latency / 2);
    return result;
  }
}
