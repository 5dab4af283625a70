import { Galleries } from "../../functions/src/domain/palm/galleries.ts";
import type { Deps } from "./tenant.ts";

/** Which calls of ports wait for something outside, learnt by watching one run that lives. */
export type Calls = Map<string, "outside" | "inside">;

/** Not wrapped: a process does not die of its clock or its limits, and the gallery gets the wrapped log. */
const SURROUNDINGS = new Set([
  ...["now", "id", "random", "sleep", "log"],
  ...["galleries", "sealing", "limiter", "policies"],
]);

/** What a test sees of an instance that is to die. */
export interface Dying {
  ctx: Deps;
  /** The calls that waited for something outside, in order. */
  calls: string[];
}

/**
 * An instance of its own that dies around the `nth` call (from 1) of whatever port, and does nothing any more
 * afterwards. Before: the call does not happen; after: it took effect, but nobody hears of it.
 */
export function dying(deps: Deps, learnt: Calls, nth = Infinity, when: "before" | "after" = "before"): Dying {
  const calls: string[] = [];
  let dead = false;
  const died = () => {
    dead = true;
    return Promise.reject(new Error("died"));
  };
  const wrap =
    (name: string, call: (...args: never[]) => unknown) =>
    (...args: never[]): unknown => {
      const kind = learnt.get(name);
      if (dead && kind !== "inside") return died();
      if (kind === "outside") calls.push(name);
      const dies = calls.length === nth;
      if (kind === "outside" && dies && when === "before") return died();
      const result = call(...args);
      if (!(result instanceof Promise)) {
        learnt.set(name, "inside");
        return result;
      }
      if (kind === undefined) calls.push(name);
      learnt.set(name, "outside");
      return dies ? result.then(died) : result;
    };
  const ports = Object.entries(deps).map(([port, value]: [string, unknown]) => {
    if (SURROUNDINGS.has(port)) return [port, value];
    if (typeof value === "function") return [port, wrap(port, value as never)];
    const methods = Object.entries(value as object).map(([name, method]) => [
      name,
      wrap(`${port}.${name}`, method),
    ]);
    return [port, Object.fromEntries(methods)];
  });
  const ctx = Object.fromEntries(ports) as Deps;
  return { ctx: { ...ctx, galleries: new Galleries(ctx, 2 ** 30) }, calls };
}
