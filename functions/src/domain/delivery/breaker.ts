/** Outcomes are remembered for so long, and tell something from so many on. */
const WINDOW_MS = 5 * 60_000;
const ENOUGH = 10;
const FAILING = 0.7;

/** While it is open one attempt in so long tries whether the endpoint is well again. */
const TRIAL_MS = 30_000;

/** The most attempts of one subscription that an instance has in flight, and how long another waits for its turn. */
const IN_FLIGHT = 10;
const TURN_MS = 1000;

/** From so many subscriptions on, those that are quiet are forgotten. */
const MANY = 1000;

/** What an instance knows of one subscription. */
interface Endpoint {
  outcomes: { at: number; failed: boolean }[];
  tried_at: number;
  in_flight: number;
  waiting: (() => void)[];
}

interface Clock {
  now(): Date;
  random(): number;
  sleep(ms: number): Promise<void>;
}

/** Leave to make an attempt; it must be given back, once. */
export interface Leave {
  /** @param failed what it said of the endpoint's health, if anything */
  done(failed: boolean | undefined): void;
}

/**
 * Keeps a poisonous endpoint from taking what others need: at most 10 attempts in flight, and while 70 % of at least 10
 * in 5 minutes have failed hardly any. In an instance's memory, so that no attempt writes to a document that all
 * attempts of a subscription would share.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Leave to try, or for how long to put the attempt off, in ms. */
  async enter(webhook_id: string): Promise<Leave | number> {
    const endpoint = this.#endpointOf(webhook_id);
    const pause = this.#pause(endpoint);
    if (pause > 0) return pause;
    if (!(await this.#turn(endpoint))) return this.#between(5_000, 15_000);
    return { done: (failed) => this.#leave(endpoint, failed) };
  }

  #endpointOf(webhook_id: string): Endpoint {
    const known = this.#endpoints.get(webhook_id);
    if (known) return known;
    if (this.#endpoints.size >= MANY) this.#forget();
    const fresh: Endpoint = { outcomes: [], tried_at: 0, in_flight: 0, waiting: [] };
    this.#endpoints.set(webhook_id, fresh);
    return fresh;
  }

  /** Those of which nothing is to be remembered. */
  #forget(): void {
    const oldest = this.#clock.now().getTime() - WINDOW_MS;
    for (const [id, { in_flight, outcomes }] of this.#endpoints) {
      if (in_flight === 0 && !outcomes.some(({ at }) => at > oldest)) this.#endpoints.delete(id);
    }
  }

  #pause(endpoint: Endpoint): number {
    const now = this.#clock.now().getTime();
    endpoint.outcomes = endpoint.outcomes.filter(({ at }) => at > now - WINDOW_MS);
    const failed = endpoint.outcomes.filter((outcome) => outcome.failed).length;
    if (endpoint.outcomes.length < ENOUGH || failed < FAILING * endpoint.outcomes.length) return 0;
    if (now - endpoint.tried_at < TRIAL_MS) return this.#between(TRIAL_MS, 4 * TRIAL_MS);
    endpoint.tried_at = now;
    return 0;
  }

  async #turn(endpoint: Endpoint): Promise<boolean> {
    if (endpoint.in_flight < IN_FLIGHT) {
      endpoint.in_flight++;
      return true;
    }
    const turn = Promise.withResolvers<boolean>();
    const take = () => turn.resolve(true);
    endpoint.waiting.push(take);
    void this.#clock.sleep(TURN_MS).then(() => {
      const place = endpoint.waiting.indexOf(take);
      if (place < 0) return;
      endpoint.waiting.splice(place, 1);
      turn.resolve(false);
    });
    return turn.promise;
  }

  #leave(endpoint: Endpoint, failed: boolean | undefined): void {
    if (failed !== undefined) endpoint.outcomes.push({ at: this.#clock.now().getTime(), failed });
    // One success is what the trial was for.
    if (failed === false && endpoint.tried_at > 0) Object.assign(endpoint, { outcomes: [], tried_at: 0 });
    const next = endpoint.waiting.shift();
    // Who is next takes over the place.
    if (next) next();
    else endpoint.in_flight--;
  }

  #between(least: number, most: number): number {
    return Math.round(least + this.#clock.random() * (most - least));
  }
}
