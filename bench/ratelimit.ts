/**
 * What the rate limiter lets through, and what it asks of Firestore, on simulated time: requests come to
 * instances at random, an operation takes 5 to 30 ms, a write meets a conflict where another came before it.
 *
 *   npm run bench:ratelimit -- [--minutes 10] [--seed 1] [--shards 10] [--lease 500]
 *
 * over, bursts, under: 8,000 a minute; 5 s of 600 to 1,000 a second, then 10 to 30 s of nothing; 3,000 a minute.
 * most: the most that was let through in any window, in per cent of the limit; more than 100 is broken.
 * least: of all windows from a whole second on, the worst: what was let through, in per cent of what an ideal
 * limiter (one log of the last window, no latency) lets through there of the same requests; less than 95 is
 * broken. Not of bursts: what comes back a second after the ideal's may miss a burst, and be had in the next.
 * full: what had been let through in the 61 s before a refusal, in per cent of the limit, of 99 refusals in 100 at
 * least; less than 95 is broken. In `under` every request must be let through. Reads and writes are per request, conflicts included;
 * free: refusals that asked nothing of Firestore; peak: the most writes of one document in any second.
 */
import { parseArgs } from "node:util";
import { printTable } from "../scripts/table.ts";
import { POLICIES } from "../test/support/limits.ts";
import { bursts, simulate, steady } from "./ratelimit/simulate.ts";

const INSTANCES = [1, 2, 5, 10, 20, 50];
const SCENARIOS = { over: steady(8000), bursts, under: steady(3000) };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    shards: { type: "string" },
    lease: { type: "string" },
  },
});
const policy = {
  ...POLICIES.enterprise,
  ...(values.shards === undefined ? {} : { shards: Number(values.shards) }),
  ...(values.lease === undefined ? {} : { lease_ms: Number(values.lease) }),
};

const percent = (share: number): string => (100 * share).toFixed(1);
const row = printTable([
  { title: "instances", width: 9, right: true, look: "bold" },
  { title: "scenario", width: 8 },
  ...["asked", "served", "most", "least", "full", "reads", "writes", "free", "peak", "99 % ms"].map(
    (title) => ({
      title,
      width: 7,
      right: true,
    }),
  ),
  { title: "", width: 5, look: "verdict" },
]);

let good = true;
for (const [scenario, arrivals] of Object.entries(SCENARIOS)) {
  for (const instances of INSTANCES) {
    const run = await simulate({
      policy,
      instances,
      arrivals,
      minutes: Number(values.minutes),
      seed: Number(values.seed),
    });
    const most = run.most / policy.limit;
    const isEnough = run.full >= 0.95 && (scenario === "bursts" || run.least >= 0.95);
    const isAll = scenario !== "under" || run.served === run.asked;
    const fine = most <= 1 && isEnough && isAll && run.logged.length === 0;
    good &&= fine;
    row(
      [
        String(instances),
        scenario,
        String(run.asked),
        String(run.served),
        percent(most),
        scenario === "bursts" ? "" : percent(run.least),
        percent(run.full),
        (run.reads / run.asked).toFixed(3),
        (run.writes / run.asked).toFixed(3),
        percent(run.freeRefusals),
        String(run.peak),
        String(Math.round(run.slow)),
        fine ? "ok" : "FAIL",
      ],
      fine,
    );
  }
}
process.exitCode = good ? 0 : 1;
