import { setTimeout as sleep } from "node:timers/promises";
import type { Range } from "../../functions/src/domain/list.ts";
import type { Transaction } from "../../functions/src/domain/transaction/transaction.ts";
import type { Gate } from "./faults.ts";
import { newTransaction } from "./rows.ts";

/** How two ways of sending transactions look from outside. */
export const FORMATS = {
  csv: { path: "transactions/csv", row: "\r\n", end: "\r\n", rows: (found: number) => found - 1 },
  array: { path: "transactions", row: '{"id":', end: "]", rows: (found: number) => found },
} as const;

export type Format = keyof typeof FORMATS;

/** A body, read to its end or to where it was cut. */
export interface Download {
  status: number;
  firstByteMs: number;
  totalMs: number;
  rows: number;
  /** Whether the connection ended as it should. */
  ended: boolean;
  /** Whether it has the end without which it is incomplete. */
  whole: boolean;
}

/** Downloads transactions as an integrator does, keeping nothing. */
export async function download(
  format: Format,
  of: { baseUrl: string; project_id: string; range: Range; token: string },
  onChunk: () => void = () => undefined,
  signal?: AbortSignal,
): Promise<Download> {
  const { path, row, end, rows } = FORMATS[format];
  const range = `from=${of.range.from.toISOString()}&to=${of.range.to.toISOString()}`;
  const started = performance.now();
  const response = await fetch(`${of.baseUrl}/v1/project/${of.project_id}/${path}?${range}`, {
    headers: { Authorization: `Bearer ${of.token}` },
    ...(signal ? { signal } : {}),
  });
  const decoder = new TextDecoder();
  let [found, carried, last, firstByteMs, ended] = [0, "", "", 0, true];
  try {
    for await (const chunk of response.body ?? []) {
      firstByteMs ||= performance.now() - started;
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      // A row's mark may be cut by the chunk's end.
      found += (carried + text).split(row).length - 1;
      carried = (carried + text).slice(1 - row.length);
      last = (last + text).slice(-2);
      onChunk();
    }
  } catch {
    ended = false;
  }
  const totalMs = performance.now() - started;
  return {
    status: response.status,
    firstByteMs,
    totalMs,
    rows: rows(found),
    ended,
    whole: last.endsWith(end),
  };
}

/** What becomes of a download that is broken off while it runs, and how much of the whole was read for it. */
export interface Broken extends Download {
  /** Of the bytes that a whole download takes from Firestore. */
  share: number;
}

/** How a download is broken off: Firestore refuses everybody, or the client goes away. */
export const BREAKS = {
  failure: (gate: Gate) => void gate.turn("refuse"),
  leaving: (_gate: Gate, client: AbortController) => client.abort(),
};

/** Breaks a download off after some chunks, through an instance that reaches Firestore by the gate alone. */
export async function breakOff(
  how: keyof typeof BREAKS,
  format: Format,
  gate: Gate,
  of: Parameters<typeof download>[1],
): Promise<Broken> {
  const [, whole] = await reading(gate, () => restored(() => download(format, of)));
  const client = new AbortController();
  let chunks = 0;
  const onChunk = () => {
    if (++chunks === CHUNKS) BREAKS[how](gate, client);
  };
  const [broken, read] = await reading(gate, () => download(format, of, onChunk, client.signal));
  await gate.turn("pass");
  return { ...broken, share: read / whole };
}

const CHUNKS = 5;

/** What was done, and how many bytes Firestore sent for it, those that came late included. */
async function reading<T>(gate: Gate, act: () => Promise<T>): Promise<[T, number]> {
  const before = gate.sent;
  const done = await act();
  for (let last = -1; last !== gate.sent; await sleep(1500)) last = gate.sent;
  return [done, gate.sent - before];
}

/** A client of Firestore takes its time to connect again after a fault. */
async function restored(act: () => Promise<Download>): Promise<Download> {
  for (;;) {
    const done = await act();
    if (done.status === 200) return done;
    await sleep(500);
  }
}

/** Many transactions, evenly spread over a range. */
export function* manyTransactions(
  project_id: string,
  count: number,
  { from, to }: Range,
): Iterable<Transaction> {
  const step = (to.getTime() - from.getTime()) / count;
  for (let n = 0; n < count; n++) {
    const created_at = new Date(from.getTime() + Math.floor(n * step));
    yield newTransaction({ project_id, reference: `Lunch ${n}`, created_at });
  }
}
