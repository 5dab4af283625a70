/**
 * One dependency: `run` resolves when it answers, rejects when it fails, and has let go of it after LIMIT_MS.
 * A run never outlives the set after it, so those that hang do not pile up.
 */
export interface Check {
  name: string;
  /** Without it the API is down; without another it is degraded. */
  critical: boolean;
  run(): Promise<void>;
}

export interface CheckResult {
  name: string;
  critical: boolean;
  status: "ok" | "failed" | "timeout";
  took_ms: number;
}

export interface HealthReport {
  status: "ok" | "degraded" | "down";
  checks: CheckResult[];
}

/** Checks end within 800 ms of the request; this leaves time to answer, on a busy instance too. */
const DEADLINE_MS = 600;
/** A run's own limit: after the deadline, so that a hang is told as a timeout, and before the next set. */
export const LIMIT_MS = 1000;
/** How long an instance answers from its last report, from when that began. */
const REUSE_MS = 2000;

/** The dependencies of this instance: one set of checks at a time, its report used again for 2 s. */
export class Checks {
  readonly #checks: readonly Check[];
  readonly #clock: () => number;
  #last: { at: number; report: Promise<HealthReport> } | undefined;

  /** @param clock in ms, and never set back: by the time of day a report could be used again for an hour. */
  constructor(checks: readonly Check[], clock: () => number) {
    this.#checks = checks;
    this.#clock = clock;
  }

  report(): Promise<HealthReport> {
    const at = this.#clock();
    if (!this.#last || at - this.#last.at >= REUSE_MS) this.#last = { at, report: this.#run() };
    return this.#last.report;
  }

  async #run(): Promise<HealthReport> {
    const checks = await Promise.all(this.#checks.map((check) => this.#time(check)));
    const bad = checks.filter(({ status }) => status !== "ok");
    const status = bad.length === 0 ? "ok" : bad.some(({ critical }) => critical) ? "down" : "degraded";
    return { status, checks };
  }

  async #time({ name, critical, run }: Check): Promise<CheckResult> {
    const started = this.#clock();
    const deadline = Promise.withResolvers<"timeout">();
    const timer = setTimeout(() => deadline.resolve("timeout"), DEADLINE_MS);
    const status = await Promise.race([
      deadline.promise,
      run().then(
        () => "ok" as const,
        () => "failed" as const,
      ),
    ]);
    clearTimeout(timer);
    return { name, critical, status, took_ms: Math.round(this.#clock() - started) };
  }
}
