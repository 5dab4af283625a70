import { setTimeout as sleep } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { BOMBS, sendRaw } from "../../test/support/hostile.ts";

/** What a sender does until it is told to stop: waves of requests, each wave when the one before is answered. */
export interface Attack {
  baseUrl: string;
  path: string;
  token: string;
  atOnce: number;
  /** From the answers to one wave until the next one. */
  pause_ms: number;
  /** A bomb's name, or bodies of which each request takes the next one. */
  bodies: keyof typeof BOMBS | Uint8Array[];
}

/** What the sender answers in the end: how long each request took, and how often each status came. */
export interface Attacked {
  took_ms: number[];
  statuses: Record<number, number>;
}

let isOver = false;

parentPort?.on("message", async (message: Attack | "stop") => {
  if (message === "stop") {
    isOver = true;
    return;
  }
  isOver = false;
  parentPort?.postMessage(await attack(message));
});

/** On a thread of its own, so that sending delays no measurement. */
async function attack({ baseUrl, path, token, atOnce, pause_ms, bodies }: Attack): Promise<Attacked> {
  const result: Attacked = { took_ms: [], statuses: {} };
  const Authorization = `Bearer ${token}`;
  let sent = 0;
  const send = async () => {
    const { headers, body } =
      typeof bodies === "string" ? BOMBS[bodies] : jsonOf(bodies[sent++ % bodies.length] as Uint8Array);
    const request = { path, headers: { ...headers, Authorization }, body: body() };
    const { took_ms, status } = await sendRaw(baseUrl, request);
    result.took_ms.push(took_ms);
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
  };
  while (!isOver) {
    await Promise.all(Array.from({ length: atOnce }, send));
    await sleep(pause_ms);
  }
  return result;
}

function jsonOf(bytes: Uint8Array) {
  const headers = { "Content-Type": "application/json", "Content-Length": String(bytes.length) };
  return { headers, body: () => [bytes] };
}
