import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import type { Deps } from "./tenant.ts";

/** Which calls of ports wait for something outside, learnt by watching one run that lives. */
export type Calls = Map<string, "outside" | "inside">;

/** Calls of ports that change nothing: who dies around one leaves what the call before has left. */
const READS =
  /\.(get|getMany|find|after|readAfter|head|manifest|isCurrent|enrolling|ofProject|ofAdmin|verify|of|withCode|withExternalId)$/;

/** The numbers of the calls around which a death leaves something of its own. */
export const changes = (calls: readonly string[]): number[] =>
  calls.flatMap((call, index) => (READS.test(call) ? [] : index + 1));

/** Not wrapped: a process does not die of its clock or its limits, and the gallery gets the wrapped log. */
const SURROUNDINGS = new Set([
  ...["now", "id", "random", "sleep", "log"],
  ...[
    "breaker",
    "duplicates",
    "galleries",
    "guesses",
    "limiter",
    "policies",
    "schedule",
    "sealing",
    "secrets",
  ],
]);

/**
 * What befalls processes: whichever makes the `nth` call (from 1) of whatever port dies around it, and does nothing any
 * more. Before: the call does not happen; after: it took effect, but nobody hears of it.
 */
export class Fate {
  /** The calls that waited for something outside, of all processes in their order. */
  readonly calls: string[] = [];
  /** Whether a process has died of it. */
  met = false;
  readonly #learnt: Calls;
  readonly #nth: number;
  readonly #when: "before" | "after";

  constructor(learnt: Calls, nth = Infinity, when: "before" | "after" = "before") {
    this.#learnt = learnt;
    this.#nth = nth;
    this.#when = when;
  }

  /** The ports of one process. */
  process<P extends object>(ports: P): P {
    let dead = false;
    const died = () => {
      dead = true;
      this.met = true;
      return Promise.reject(new Error("died"));
    };
    const wrap =
      (name: string, call: (...args: never[]) => unknown) =>
      (...args: never[]): unknown => {
        const kind = this.#learnt.get(name);
        if (dead && kind !== "inside") return died();
        if (kind === "outside") this.calls.push(name);
        const dies = this.calls.length === this.#nth && !this.met;
        if (kind === "outside" && dies && this.#when === "before") return died();
        const result = call(...args);
        if (!(result instanceof Promise)) {
          this.#learnt.set(name, "inside");
          return result;
        }
        if (kind === undefined) this.calls.push(name);
        this.#learnt.set(name, "outside");
        return dies ? result.then(died) : result;
      };
    const wrapped = Object.entries(ports).map(([port, value]: [string, unknown]) => {
      if (SURROUNDINGS.has(port)) return [port, value];
      if (typeof value === "function") return [port, wrap(port, value as never)];
      return [port, wrapMethods(value as object, (name, method) => wrap(`${port}.${name}`, method))];
    });
    return Object.fromEntries(wrapped) as P;
  }
}

function wrapMethods(port: object, wrap: (name: string, method: (...args: never[]) => unknown) => unknown) {
  const names = new Set([...Object.keys(port), ...Object.getOwnPropertyNames(Object.getPrototypeOf(port))]);
  const methods = [...names].flatMap((name) => {
    const method = (port as Record<string, unknown>)[name];
    return typeof method === "function" && name !== "constructor"
      ? [[name, wrap(name, method.bind(port))]]
      : [];
  });
  return Object.fromEntries(methods);
}

/** An instance of its own, to which that happens. */
export function dying(deps: Deps, ...fate: ConstructorParameters<typeof Fate>): { ctx: Deps; fate: Fate } {
  const mine = new Fate(...fate);
  const ctx = mine.process(deps);
  return { ctx: { ...ctx, galleries: new Galleries(ctx, 2 ** 30) }, fate: mine };
}
