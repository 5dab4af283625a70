import { randomUUID } from "node:crypto";
import type { Surroundings } from "../../functions/src/domain/context.ts";

/** Surroundings of a test: a clock that only sleeping and the test move, and a log that is kept. */
export function testSurroundings(start = "2026-01-02T03:04:05.678Z") {
  let at = Date.parse(start);
  const logged: string[] = [];
  const ctx: Surroundings = {
    now: () => new Date(at),
    id: () => randomUUID(),
    random: () => 0.5,
    async sleep(ms) {
      at += ms;
    },
    log: {
      warn: (message, facts) => logged.push(`warn ${message} ${JSON.stringify(facts)}`),
      error: (message, facts) => logged.push(`error ${message} ${JSON.stringify(facts)}`),
    },
  };
  return { ...ctx, logged, advance: (ms: number) => (at += ms) };
}
