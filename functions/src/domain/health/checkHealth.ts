/** One dependency: `run` resolves when it answers, rejects when it fails. */
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

/** Checks end within 800 ms of the request; this leaves time to answer. */
const DEADLINE_MS = 700;
/** How long an instance answers from its last report. */
const REUSE_MS = 2000;

/** The dependencies of this instance: one set of checks at a time, its report used again for 2 s. */
export class Checks {
  readonly #checks: readonly Check[];
  readonly #now: () => Date;
  #last: { at: number; report: Promise<HealthReport> } | undefined;

  constructor(checks: readonly Check[], now: () => Date) {
    this.#checks = checks;
    this.#now = now;
  }

  report(): Promise<HealthReport> {
    const at = this.#now().getTime();
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
    const started = this.#now().getTime();
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
    return { name, critical, status, took_ms: this.#now().getTime() - started };
  }
}
