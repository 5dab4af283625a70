import { emitKeypressEvents } from "node:readline";
import type { ReadStream } from "node:tty";

export type Key = "scan" | "pay" | "next" | "yes" | "no";

/** The keys that somebody presses, one after the other. */
export interface Keys {
  /** @throws the signal's reason when it aborts before one is pressed */
  next(signal: AbortSignal): Promise<Key>;
  /** Those that were pressed meanwhile and nobody has asked for. */
  forget(): void;
  close(): void;
}

const KEYS: Readonly<Record<string, Key>> = {
  return: "scan",
  enter: "scan",
  space: "scan",
  p: "pay",
  n: "next",
  y: "yes",
};

/** @param onEnd is told of q and of Ctrl-C, which a terminal in raw mode hands over as a key */
export function readKeys(input: ReadStream, onEnd: (how: "quit" | "interrupt") => void): Keys {
  const pressed: Key[] = [];
  let waiting: ((key: Key) => void) | undefined;
  const hear = (_: string | undefined, { name = "", ctrl = false }: { name?: string; ctrl?: boolean }) => {
    if (ctrl) {
      if (name === "c") onEnd("interrupt");
      return;
    }
    if (name === "q") return onEnd("quit");
    const key = KEYS[name] ?? "no";
    if (waiting) waiting(key);
    else pressed.push(key);
  };
  emitKeypressEvents(input);
  input.setRawMode(true).on("keypress", hear).resume();
  return {
    async next(signal) {
      const first = pressed.shift();
      if (first) return first;
      const { promise, resolve, reject } = Promise.withResolvers<Key>();
      const giveUp = () => reject(signal.reason);
      signal.addEventListener("abort", giveUp);
      waiting = resolve;
      try {
        return await promise;
      } finally {
        waiting = undefined;
        signal.removeEventListener("abort", giveUp);
      }
    },
    forget: () => void pressed.splice(0),
    close() {
      input.off("keypress", hear).setRawMode(false).pause();
    },
  };
}
