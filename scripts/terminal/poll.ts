import type { Command, EnrollmentSession } from "../../clients/typescript/src/index.ts";
import { type Answer, backoff } from "./api.ts";
import type { Registered } from "./identity.ts";
import type { Terminal } from "./terminal.ts";

/** In seconds; the most that the server waits. */
export const LONGEST_WAIT_S = 25;

/** An answer that tells nothing new and came sooner than this was not waited for. */
const TOO_SOON_MS = 1000;

/** What the terminal knows of its session: a poll that names it is answered when something else holds. */
export type Known = Pick<EnrollmentSession, "session_id" | "version">;

/** Asks what there is to do. It tells of the device's settings, and never asks faster than it learns something. */
export class Poll {
  readonly #terminal: Terminal;
  readonly #device_key: string;
  #settings = "";
  #learnedNothing = 0;

  constructor(terminal: Terminal, { device_key }: Registered) {
    this.#terminal = terminal;
    this.#device_key = device_key;
  }

  /** @param wait_s for how long the server may wait for something new; the first time it does not, as all is new */
  async next(
    known: Known | undefined,
    wait_s: number,
    signal = this.#terminal.signal,
  ): Promise<Answer<Command>> {
    const { api, about, world } = this.#terminal;
    const began = world.now();
    const wait = this.#settings === "" ? 0 : wait_s;
    const ask = {
      wait,
      app_version: about.app_version,
      ...(known ? { session_id: known.session_id, session_version: known.version } : {}),
    };
    const answer = await api.nextCommand(this.#device_key, ask, signal);
    const { session } = answer.body;
    const isNew =
      this.#tellSettings(answer.body) ||
      session?.session_id !== known?.session_id ||
      session?.version !== known?.version;
    const isTooSoon = !isNew && wait > 0 && world.now() - began < TOO_SOON_MS;
    this.#learnedNothing = isTooSoon ? this.#learnedNothing + 1 : 0;
    if (isTooSoon) await world.sleep(backoff(this.#learnedNothing, world.random), signal);
    return answer;
  }

  #tellSettings({ device: { name, enabled, mode }, template_format }: Command): boolean {
    const settings = { name, enabled, mode, template_format };
    const text = JSON.stringify(settings);
    if (text === this.#settings) return false;
    this.#settings = text;
    this.#terminal.tell({ event: "device", ...settings });
    return true;
  }
}
