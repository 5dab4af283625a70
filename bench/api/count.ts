/**
 * Loaded before an instance's own code: counts what it asks of Firestore. A message from whoever started it is answered
 * by the counts since the last one.
 */
import { type Message, PROCEDURES, surroundFirestore } from "../cost/procedures.ts";

/** Documents read and written, those of them in which the limiter keeps budgets, and the process's processor time. */
export interface Counts {
  reads: number;
  writes: number;
  budgetReads: number;
  budgetWrites: number;
  cpu_ms: number;
}

let cpu = process.cpuUsage();
let calls: { procedure: string; sent: Message; received: Message[] }[] = [];

surroundFirestore((procedure, sent, make) => {
  const received: Message[] = [];
  calls.push({ procedure, sent, received });
  return make((message) => received.push(message));
});

process.on("message", () => {
  const { user, system } = process.cpuUsage(cpu);
  const counts: Counts = {
    reads: 0,
    writes: 0,
    budgetReads: 0,
    budgetWrites: 0,
    cpu_ms: (user + system) / 1000,
  };
  for (const { procedure, sent, received } of calls) {
    const { reads = 0, writes = 0 } = PROCEDURES[procedure]?.bill(sent, received) ?? {};
    counts.reads += reads;
    counts.writes += writes;
    if (!/\/documents\/budgets\//.test(nameIn(sent))) continue;
    counts.budgetReads += reads;
    counts.budgetWrites += writes;
  }
  calls = [];
  cpu = process.cpuUsage();
  process.send?.(counts);
});

/** The name of the first document that a call is about; a query has none. */
const nameIn = ({ documents = [], writes = [] }: Message): string =>
  String(documents[0] ?? writes[0]?.update?.name ?? "");
