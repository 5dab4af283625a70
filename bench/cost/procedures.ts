import type { EventEmitter } from "node:events";
import { openFirestore } from "../../functions/src/data/firestore.ts";

/** What is paid for: documents in Firestore, operations of class A and B in Storage. */
export interface Bill {
  reads: number;
  writes: number;
  deletes: number;
  classA: number;
  classB: number;
}

/** How a call is paid, by what it sends and receives. */
export interface Kind {
  kind: "read" | "write";
  bill(sent: Message, received: readonly Message[]): Partial<Bill>;
}

/** A request or a response of Firestore's protocol, as far as it is counted; some responses are lists. */
export interface Message {
  length?: number;
  documents?: readonly unknown[];
  documentChange?: unknown;
  writes?: readonly { delete?: unknown; update?: { name?: string } }[];
  document?: unknown;
  skippedResults?: number;
  result?: { aggregateFields: Record<string, { integerValue?: string | number }> };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
/** A query that finds nothing is paid like one document. */
const atLeastOne = (reads: number): number => Math.max(1, reads);
const counted = ({ result }: Message): number =>
  Number(Object.values(result?.aggregateFields ?? {})[0]?.integerValue ?? 0);

/** Firestore's remote procedures: how each is paid (https://firebase.google.com/docs/firestore/pricing). */
export const PROCEDURES: Record<string, Kind> = {
  batchGetDocuments: { kind: "read", bill: ({ documents = [] }) => ({ reads: documents.length }) },
  runQuery: {
    kind: "read",
    bill: (_, found) => ({
      reads: atLeastOne(
        sum(found.map(({ document, skippedResults = 0 }) => (document ? 1 : 0) + skippedResults)),
      ),
    }),
  },
  // A document of a listener: as it is at first, and after each change.
  listen: {
    kind: "read",
    bill: (_, told) => ({ reads: told.filter(({ documentChange }) => documentChange).length }),
  },
  listDocuments: { kind: "read", bill: (_, [found]) => ({ reads: atLeastOne(found?.length ?? 0) }) },
  runAggregationQuery: {
    kind: "read",
    bill: (_, found) => ({ reads: atLeastOne(Math.ceil(sum(found.map(counted)) / 1000)) }),
  },
  commit: {
    kind: "write",
    bill({ writes = [] }) {
      const deletes = writes.filter((write) => write.delete).length;
      return { writes: writes.length - deletes, deletes };
    },
  },
};

/** Makes a call, and says what came back. */
export type Make<T> = (received: (message: Message) => void) => Promise<T>;

/** The two ways in which Firestore's client speaks to its server; all that it offers comes down to them. */
interface Client {
  request(procedure: string, sent: Message, ...more: unknown[]): Promise<Message>;
  requestStream(procedure: string, both: boolean, sent: Message, ...more: unknown[]): Promise<EventEmitter>;
}

/** Lets `around` make each call of Firestore's clients in this process, from now on. */
export function surroundFirestore(
  around: <T>(procedure: string, sent: Message, make: Make<T>) => Promise<T>,
): void {
  const client = Object.getPrototypeOf(openFirestore("demo")) as Client;
  const { request, requestStream } = client;
  client.request = function (procedure, sent, ...more) {
    return around(procedure, sent, async (received) => {
      const answer = await request.call(this, procedure, sent, ...more);
      received(answer);
      return answer;
    });
  };
  client.requestStream = function (procedure, both, sent, ...more) {
    return around(procedure, sent, async (received) => {
      const stream = await requestStream.call(this, procedure, both, sent, ...more);
      const { emit } = stream;
      stream.emit = (event, ...args) => {
        if (event === "data") received(args[0]);
        return emit.call(stream, event, ...args);
      };
      return stream;
    });
  };
}
