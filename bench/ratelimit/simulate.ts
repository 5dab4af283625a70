import type { Policy } from "../../functions/src/domain/budget/budget.ts";
import { Limiter } from "../../functions/src/domain/budget/limiter.ts";
import { MemoryBudgets } from "../../test/support/budgets.ts";
import { type Chance, newChance } from "../../test/support/chance.ts";
import { virtualClock } from "../../test/support/virtual-clock.ts";

/** How much longer than its window a token may be held: a lease, the time to decide, a rest, and the operations. */
const HELD_MS = 1000;

/** Makes the times of requests, ascending, in ms from 0 to the end. */
export type Arrivals = (end_ms: number, chance: Chance) => number[];

/** At random, so many in a minute. */
export const steady =
  (per_minute: number): Arrivals =>
  (end_ms, chance) =>
    poisson(0, end_ms, per_minute / 60_000, chance);

/** Bursts of 5 s at 600 to 1,000 a second, then 10 to 30 s of nothing. */
export const bursts: Arrivals = (end_ms, chance) => {
  const times: number[] = [];
  for (let from = 0; from < end_ms; from += 15_000 + 20_000 * chance()) {
    times.push(...poisson(from, Math.min(from + 5000, end_ms), 0.6 + 0.4 * chance(), chance));
  }
  return times;
};

function poisson(from: number, to: number, per_ms: number, chance: Chance): number[] {
  const times: number[] = [];
  for (let at = from; ; ) {
    at += -Math.log(1 - chance()) / per_ms;
    if (at >= to) return times;
    times.push(at);
  }
}

/** When a single limiter without latency lets through, of the same requests. */
function ideal(asked: readonly number[], { limit, window_ms }: Policy): number[] {
  const served: number[] = [];
  for (const at of asked) {
    const before = served[served.length - limit];
    if (before === undefined || at >= before + window_ms) served.push(at);
  }
  return served;
}

/** The most that ever lie in one window. */
export function mostInAWindow(times: readonly number[], window_ms: number): number {
  let [most, first] = [0, 0];
  times.forEach((at, i) => {
    while ((times[first] as number) <= at - window_ms) first++;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

const countIn = (times: readonly number[], from: number, to: number): number =>
  lowerBound(times, to) - lowerBound(times, from);

function lowerBound(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of what the ideal limiter serves in a window, the least share that was served: windows from each second of the run. */
function leastShare(
  served: readonly number[],
  best: readonly number[],
  end_ms: number,
  window_ms: number,
): number {
  let worst = 1;
  for (let from = 0; from + window_ms <= end_ms; from += 1000) {
    const of = countIn(best, from, from + window_ms);
    if (of > 0) worst = Math.min(worst, countIn(served, from, from + window_ms) / of);
  }
  return worst;
}

/** What share of the limit had been let through in the time before a refusal; 99 of 100 had at least this. */
function fullness(
  served: readonly number[],
  refused: readonly number[],
  limit: number,
  before_ms: number,
): number {
  const shares = refused.map((at) => countIn(served, at - before_ms, at + 1) / limit);
  return quantile(shares, 0.01) ?? 1;
}

const quantile = (values: readonly number[], share: number): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(share * values.length)];

/** Lets requests come to instances at random, over simulated time; `slow`: 99 % were decided within so many ms. */
export async function simulate({
  policy,
  instances,
  arrivals,
  minutes,
  seed = 1,
}: {
  policy: Policy;
  instances: number;
  arrivals: Arrivals;
  minutes: number;
  seed?: number;
}) {
  const end_ms = minutes * 60_000;
  const chance = newChance(seed);
  const asked = arrivals(end_ms, chance);
  const clock = virtualClock({ start: 0, seed });
  const budgets = new MemoryBudgets(clock);
  const limiters = Array.from({ length: instances }, () => new Limiter({ ...clock, budgets }));
  const served: number[] = [];
  const waits: number[] = [];
  const refused: number[] = [];
  let freeRefusals = 0;

  const ask = async (): Promise<void> => {
    const limiter = limiters[Math.floor(chance() * instances)] as Limiter;
    const came = clock.now().getTime();
    const decision = limiter.admit("somebody", async () => policy);
    const { admitted } = await decision;
    const now = clock.now().getTime();
    waits.push(now - came);
    if (admitted) served.push(now);
    else {
      refused.push(now);
      if (!(decision instanceof Promise)) freeRefusals += 1;
    }
  };
  const run = async (): Promise<void> => {
    const answers: Promise<void>[] = [];
    for (const at of asked) {
      await clock.sleep(at - clock.now().getTime());
      answers.push(ask());
    }
    await Promise.all(answers);
  };
  await clock.until(run());
  const best = ideal(asked, policy);
  return {
    asked: asked.length,
    served: served.length,
    most: mostInAWindow(served, policy.window_ms),
    least: leastShare(served, best, end_ms, policy.window_ms),
    full: fullness(served, refused, policy.limit, policy.window_ms + HELD_MS),
    reads: budgets.gets,
    writes: budgets.puts,
    freeRefusals: refused.length === 0 ? 1 : freeRefusals / refused.length,
    peak: Math.max(...budgets.written.values().map((times) => mostInAWindow(times, 1000))),
    slow: quantile(waits, 0.99) ?? 0,
    logged: clock.logged,
  };
}
