import { AsyncLocalStorage } from "node:async_hooks";
import { openStorage } from "../../functions/src/data/storage.ts";
import {
  type Bill,
  type Kind,
  type Make,
  type Message,
  PROCEDURES,
  surroundFirestore,
} from "./procedures.ts";

/** One call to Firestore or Storage. */
export interface Operation extends Bill {
  name: string;
  kind: "read" | "write";
  /** From 1: how many round trips deep it is, itself included. */
  round: number;
  by: "pipeline" | "handler";
}

/** Methods of a Storage object (https://cloud.google.com/storage/pricing#operations-by-class); deletes are free. */
const METHODS: Record<string, Kind> = {
  save: { kind: "write", bill: () => ({ classA: 1 }) },
  delete: { kind: "write", bill: () => ({}) },
  exists: { kind: "read", bill: () => ({ classB: 1 }) },
};

/** What is asked past the clients, by plain HTTP: health's checks. */
const REQUESTS = [
  { url: /\/documents:batchGet$/, kinds: PROCEDURES, name: "batchGetDocuments" },
  { url: /\/storage\/v1\/b\/[^/]+\/o\/[^/]+$/, kinds: METHODS, name: "exists" },
];

const metering = new AsyncLocalStorage<Meter>();

/**
 * Counts what one request asks of Firestore and Storage. What it asks at once is answered at once, when all of it is
 * in: so an operation's round depends on what it waited for, and never on how fast an emulator was.
 */
export class Meter {
  readonly #calls: (() => Operation)[] = [];
  #by: Operation["by"] = "pipeline";
  #round = 1;
  #asked = 0;
  #waiting = 0;
  #answers = Promise.withResolvers<void>();

  /** Counts the operations of `work`, and of all that it begins. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return metering.run(this, work);
  }

  /** Says that the request that is being counted has come to its handler. */
  static handling(): void {
    const meter = metering.getStore();
    if (meter) meter.#by = "handler";
  }

  get operations(): Operation[] {
    return this.#calls.map((call) => call());
  }

  /** Makes one call of a request. */
  async call<T>(name: string, { kind, bill }: Kind, sent: Message, make: Make<T>): Promise<T> {
    const place = { name, kind, round: this.#round, by: this.#by };
    const received: Message[] = [];
    const nothing: Bill = { reads: 0, writes: 0, deletes: 0, classA: 0, classB: 0 };
    this.#calls.push(() => ({ ...place, ...nothing, ...bill(sent, received) }));
    this.#asked++;
    try {
      return await make((message) => received.push(message));
    } finally {
      this.#asked--;
      await this.#allAnswers();
    }
  }

  #allAnswers(): Promise<void> {
    this.#waiting++;
    setImmediate(() => {
      if (this.#asked > 0 || this.#waiting === 0) return;
      this.#round++;
      this.#waiting = 0;
      this.#answers.resolve();
      this.#answers = Promise.withResolvers();
    });
    return this.#answers.promise;
  }
}

let installed = false;

/** Puts the meter under what speaks to Firestore and Storage in this process; outside of `run` it counts nothing. */
export function installMeter(): void {
  if (installed) return;
  installed = true;

  surroundFirestore((procedure, sent, make) => metered(PROCEDURES, procedure, sent, make));

  const object = Object.getPrototypeOf(openStorage("demo").bucket("demo").file("demo"));
  for (const method of Object.keys(METHODS)) {
    const original = object[method] as (...args: unknown[]) => Promise<unknown>;
    object[method] = function (...args: unknown[]) {
      return metered(METHODS, method, {}, () => original.apply(this, args));
    };
  }

  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    const request = REQUESTS.find(({ url }) => url.test(String(input)));
    if (!request) return fetch(input, init);
    const sent = JSON.parse(String(init?.body ?? "{}")) as Message;
    return metered(request.kinds, request.name, sent, () => fetch(input, init));
  };
}

function metered<T>(kinds: Record<string, Kind>, name: string, sent: Message, make: Make<T>): Promise<T> {
  const meter = metering.getStore();
  if (!meter) return make(() => {});
  const kind = kinds[name];
  if (!kind) throw new Error(`nobody has said what ${name} costs: add it to bench/cost/procedures.ts`);
  return meter.call(name, kind, sent, make);
}
