import { createHash } from "node:crypto";
import type { Surroundings } from "../domain/context.ts";

/** How long a credential counts as proven after it last passed, in ms. */
const PROVEN_MS = 10 * 60_000;
/** How many credentials are remembered. */
const CAPACITY = 10_000;

/**
 * The credentials that this instance has recently seen to be valid, by their SHA-256. It authenticates nobody: a proven
 * credential is still looked up on every request. It only decides whose look-up an address over its limit still gets.
 */
export class ProvenCredentials {
  readonly #ctx: Pick<Surroundings, "now">;
  /** Until when, in ms since the epoch. The map's last entry is the one that passed last. */
  readonly #until = new Map<string, number>();

  constructor(ctx: Pick<Surroundings, "now">) {
    this.#ctx = ctx;
  }

  has(credential: string): boolean {
    const until = this.#until.get(digest(credential));
    return until !== undefined && this.#ctx.now().getTime() < until;
  }

  add(credential: string): void {
    const key = digest(credential);
    this.#until.delete(key);
    this.#until.set(key, this.#ctx.now().getTime() + PROVEN_MS);
    if (this.#until.size <= CAPACITY) return;
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }

  remove(credential: string): void {
    this.#until.delete(digest(credential));
  }
}

const digest = (credential: string): string => createHash("sha256").update(credential).digest("base64");
