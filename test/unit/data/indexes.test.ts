import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { Duplex, Readable } from "node:stream";
import { openFirestore } from "../../../functions/src/data/firestore.ts";
import type { Listing } from "../../../functions/src/domain/list.ts";

const DATA = new URL("../../../functions/src/data/", import.meta.url);
const INDEXES = new URL("../../../firestore.indexes.json", import.meta.url);

type Direction = "ASCENDING" | "DESCENDING";
interface Order {
  field: string;
  direction: Direction;
}
/** What a query asks of the indexes. */
interface Asked {
  collection: string;
  /** All collections of the name, wherever they lie. */
  everywhere: boolean;
  equal: string[];
  orders: Order[];
}
interface IndexFile {
  indexes: {
    collectionGroup: string;
    queryScope: string;
    fields: { fieldPath: string; order: Direction }[];
  }[];
  fieldOverrides: {
    collectionGroup: string;
    fieldPath: string;
    indexes: { order: Direction; queryScope: string }[];
  }[];
}

const file = JSON.parse(readFileSync(INDEXES, "utf8")) as IndexFile;

/** What a method of an adapter is called with; `write` where it makes a write, and asks nothing. */
type Call = unknown[] | Several | "write";
class Several {
  readonly calls: unknown[][];
  constructor(...calls: unknown[][]) {
    this.calls = calls;
  }
}
const range = { from: new Date(0), to: new Date(1) };
const at = new Date(0);
const position = { created_at: at, id: "x" };
const place = { project_id: "p", webhook_id: "w" };
const delivery = { ...place, id: "d", status: "pending", next_attempt_at: at, manual_at: null };

/** Every method of every adapter of Firestore: one that is missing here fails the test. */
const CALLS: Record<string, Record<string, Call>> = {
  apikeys: { get: ["a"], ofOrganization: ["o"], create: "write", replace: "write", touch: "write" },
  audit: { create: "write", ofOrganization: ["o", range] },
  budgets: { get: ["s", 0], put: "write" },
  changes: {
    readAfter: ["e", 7, 10],
    head: ["e"],
    manifest: ["e"],
    createManifest: "write",
    replaceManifest: "write",
    append: "write",
    bind: "write",
    redact: "write",
  },
  deliveries: {
    get: [place, "d"],
    create: "write",
    replace: "write",
    createAttempt: "write",
    ofWebhook: new Several(
      [place, range, {}],
      [place, range, { status: "failed" }],
      [place, range, { event_type: "webhook.test" }],
      [place, range, { status: "failed", event_type: "webhook.test" }],
    ),
    attempts: [delivery],
    paused: [place, 10],
    failed: [place, range, 10, position],
    countFailed: [place, range],
    due: [3, at, 10],
    expired: [3, at, 10],
    some: [place, 10],
    erase: "write",
  },
  devices: {
    get: ["d"],
    ofProject: ["p"],
    enrolling: [{ project_id: "p", id: "m" }],
    due: [at, 10],
    create: "write",
    replace: "write",
    remove: "write",
    touch: "write",
    watch: "write",
  },
  calibrations: { get: ["e"], create: "write", replace: "write", remove: "write" },
  environments: { get: ["e"], all: [], create: "write", replace: "write" },
  events: {
    create: "write",
    get: ["p", "e"],
    markDispatched: "write",
    ofProject: new Several(
      ["p", { after: position, until: at, limit: 10 }],
      ["p", { after: position, until: at, limit: 10, event_type: "webhook.test" }],
    ),
    waiting: [10],
    expired: [3, at, 10],
    erase: "write",
  },
  garbage: {
    add: "write",
    isCurrent: "write",
    create: "write",
    replace: "write",
    remove: "write",
    forget: "write",
    due: [at, 10],
  },
  idempotency: { get: ["i"], create: "write", replace: "write" },
  members: {
    get: ["p", "m"],
    create: "write",
    replace: "write",
    remove: "write",
    ofProject: ["p"],
    claimExternalId: "write",
    releaseExternalId: "write",
    withExternalId: ["p", "x"],
  },
  organizations: { get: ["o"], ofAdmin: ["u"], all: [], create: "write", replace: "write" },
  palms: {
    getMany: ["e", ["p"]],
    find: ["e", ["p"]],
    after: new Several(["e", undefined, 10], ["e", "p", 10]),
    create: "write",
    replace: "write",
    remove: "write",
    count: ["e", "p"],
  },
  projects: { get: ["p"], getMany: [["p"]], ofOrganizations: [["o"]], create: "write", replace: "write" },
  registrations: {
    get: ["r"],
    withCode: ["c"],
    create: "write",
    claimCode: "write",
    replace: "write",
  },
  scans: { create: "write", ofProject: ["p", range], countIdentify: ["p", "no_match", range] },
  sessions: { get: ["d", "s"], create: "write" },
  transactions: { create: "write", ofProject: ["p", range] },
  webhooks: {
    get: ["p", "w"],
    ofProject: ["p"],
    create: "write",
    replace: "write",
    remove: "write",
    slots: ["p"],
    takeSlot: "write",
    freeSlot: "write",
    withChores: [10],
    again: [{ project_id: "p", id: "w" }],
    all: [],
  },
};

/** A Firestore that answers nothing and remembers every query. */
function newRecorder() {
  const db = openFirestore("demo-nothing");
  const asked: Asked[] = [];
  // Every read of the client passes here, with the request that it would send.
  Object.assign(db, {
    async requestStream(method: string, _bidirectional: boolean, request: Request) {
      if (method === "runQuery") {
        asked.push(toAsked(request.structuredQuery));
        return Readable.from([{ readTime: { seconds: 0, nanos: 0 } }]);
      }
      if (method === "runAggregationQuery") {
        asked.push(toAsked(request.structuredAggregationQuery.structuredQuery));
        const result = { aggregateFields: { aggregate_0: { integerValue: 0 } } };
        return Duplex.from([{ result, readTime: { seconds: 0, nanos: 0 } }]);
      }
      const missing = method === "batchGetDocuments" ? request.documents : [];
      return Readable.from(missing.map((name) => ({ missing: name, readTime: { seconds: 0, nanos: 0 } })));
    },
  });
  return { db, asked };
}

interface Filter {
  fieldFilter?: { field: { fieldPath: string }; op: string };
  unaryFilter?: { field: { fieldPath: string }; op: string };
  compositeFilter?: { op: string; filters: Filter[] };
}
interface Structured {
  from: { collectionId: string; allDescendants?: boolean }[];
  where?: Filter;
  orderBy?: { field: { fieldPath: string }; direction: Direction }[];
}
interface Request {
  structuredQuery: Structured;
  structuredAggregationQuery: { structuredQuery: Structured };
  documents: string[];
}

const EQUALITY = new Set(["EQUAL", "IN", "ARRAY_CONTAINS", "IS_NULL"]);
const INEQUALITY = new Set(["LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"]);

function toAsked({ from, where, orderBy = [] }: Structured): Asked {
  const [source] = from;
  assert.ok(source);
  const filters = !where ? [] : where.compositeFilter ? where.compositeFilter.filters : [where];
  const simple = filters.map(({ fieldFilter, unaryFilter }) => {
    const filter = fieldFilter ?? unaryFilter;
    assert.ok(filter, "a filter of another kind needs rules of its own");
    assert.ok(EQUALITY.has(filter.op) || INEQUALITY.has(filter.op), filter.op);
    return { field: filter.field.fieldPath, op: filter.op };
  });
  const equal = simple.filter(({ op }) => EQUALITY.has(op)).map(({ field }) => field);
  const unequal = [...new Set(simple.filter(({ op }) => INEQUALITY.has(op)).map(({ field }) => field))];
  const orders = orderBy.map(({ field, direction }) => ({ field: field.fieldPath, direction }));
  const implied = unequal
    .filter((name) => !orders.some(({ field }) => field === name))
    .map((field) => ({ field, direction: "ASCENDING" as const }));
  return {
    collection: source.collectionId,
    everywhere: source.allDescendants === true,
    equal,
    orders: [...implied, ...orders],
  };
}

/**
 * Firestore's own rules (https://firebase.google.com/docs/firestore/query-data/index-overview): the index that
 * must be made for a query, `undefined` when those of single fields serve it.
 */
function neededIndex({ everywhere, equal, orders }: Asked): { equal: string[]; orders: Order[] } | undefined {
  const last = orders.at(-1);
  const before = orders.at(-2);
  // Every index ends with the id, in the direction of what stands before it.
  const idIsImplied = last?.field === "__name__" && last.direction === (before?.direction ?? "ASCENDING");
  const ordered = idIsImplied ? orders.slice(0, -1) : orders;
  const [only] = ordered;
  // Indexes of single fields are those of one collection: of all of a name they must be made.
  if (everywhere && equal.length + ordered.length > 0) return { equal: equal.toSorted(), orders: ordered };
  if (!only) return undefined;
  if (equal.length === 0 && ordered.length === 1 && only.field !== "__name__") return undefined;
  return { equal: equal.toSorted(), orders: ordered };
}

/** The index of the file that serves a need. */
function servedBy(asked: Asked, { indexes, fieldOverrides } = file): object | undefined {
  const need = neededIndex(asked);
  const [field] = need && need.orders.length === 0 && need.equal.length === 1 ? need.equal : [];
  if (field !== undefined) {
    return fieldOverrides.find(
      ({ collectionGroup, fieldPath, indexes }) =>
        collectionGroup === asked.collection &&
        fieldPath === field &&
        indexes.some(({ queryScope }) => queryScope === "COLLECTION_GROUP"),
    );
  }
  return indexes.find(({ collectionGroup, queryScope, fields }) => {
    const equal = fields.slice(0, need?.equal.length).map(({ fieldPath }) => fieldPath);
    const orders = fields.slice(need?.equal.length);
    return (
      need !== undefined &&
      collectionGroup === asked.collection &&
      queryScope === (asked.everywhere ? "COLLECTION_GROUP" : "COLLECTION") &&
      JSON.stringify(equal.toSorted()) === JSON.stringify(need.equal) &&
      JSON.stringify(orders.map(({ fieldPath: field, order: direction }) => ({ field, direction }))) ===
        JSON.stringify(need.orders)
    );
  });
}

/** By name alone, which every index ends with. */
const isOfNames = ({ equal, orders }: Asked): boolean =>
  equal.length === 0 && orders.every(({ field }) => field === "__name__");

const fieldsOf = ({ equal, orders }: Asked): string[] => [...equal, ...orders.map(({ field }) => field)];

describe("firestore.indexes.json", () => {
  const all: (Asked & { by: string })[] = [];

  before(async () => {
    for (const [adapter, methods] of Object.entries(CALLS)) {
      const module = (await import(new URL(`${adapter}.ts`, DATA).href)) as Record<
        string,
        (db: unknown) => Record<string, (...args: unknown[]) => unknown>
      >;
      const [create] = Object.values(module);
      assert.ok(create);
      const { db, asked } = newRecorder();
      const port = create(db);
      assert.deepEqual(Object.keys(port).sort(), Object.keys(methods).sort(), `the methods of ${adapter}`);
      for (const [name, args] of Object.entries(methods)) {
        if (args === "write") continue;
        for (const call of args instanceof Several ? args.calls : [args])
          await useAll(await port[name]?.(...call));
        all.push(...asked.splice(0).map((one) => ({ ...one, by: `${adapter}.${name}` })));
      }
    }
  });

  it("is held against every adapter that names a collection", () => {
    const naming = globSync("**/*.ts", { cwd: DATA }).filter((name) =>
      /\.collection\(/.test(readFileSync(new URL(name, DATA), "utf8")),
    );
    assert.deepEqual(
      naming.sort(),
      Object.keys(CALLS)
        .map((name) => `${name}.ts`)
        .sort(),
    );
    assert.ok(all.length > 15, `${all.length} queries were seen`);
  });

  it("has an index for every query that needs one", () => {
    const unserved = all.filter((asked) => neededIndex(asked) && !servedBy(asked));
    assert.deepEqual(unserved, []);
  });

  it("has no index that no query needs", () => {
    const used = new Set(all.map((asked) => servedBy(asked)));
    assert.deepEqual(
      file.indexes.filter((index) => !used.has(index)),
      [],
    );
  });

  it("exempts no field whose own index serves a query", () => {
    for (const override of file.fieldOverrides) {
      const users = all.filter(
        (asked) => asked.collection === override.collectionGroup && !servedBy(asked) && !isOfNames(asked),
      );
      assert.ok(
        !users.some((asked) => fieldsOf(asked).includes(override.fieldPath)),
        `${override.collectionGroup}.${override.fieldPath}`,
      );
    }
  });

  it("makes indexes of a single field for queries alone", () => {
    const made = file.fieldOverrides.filter(({ indexes }) => indexes.length > 0);
    for (const override of made) {
      assert.ok(
        all.some((asked) => servedBy(asked) === override),
        `${override.collectionGroup}.${override.fieldPath}`,
      );
    }
  });

  it("would miss an index that is not there", () => {
    for (const missing of file.indexes) {
      const without = { ...file, indexes: file.indexes.filter((index) => index !== missing) };
      assert.ok(
        all.some((asked) => neededIndex(asked) && !servedBy(asked, without)),
        `${missing.collectionGroup}: ${JSON.stringify(missing.fields)}`,
      );
    }
  });
});

/** A listing is asked for everything that it can be asked for. */
async function useAll(found: unknown): Promise<void> {
  const batches = found as AsyncIterable<unknown> | undefined;
  if (batches?.[Symbol.asyncIterator]) for await (const _ of batches) assert.fail("there is nothing");
  const listing = found as Listing<unknown> | undefined;
  if (typeof listing?.stream !== "function") return;
  await listing.slice({ limit: 10 });
  await listing.slice({ limit: 10, offset: 10 });
  await listing.slice({ limit: 10, after: { created_at: at, id: "x" } });
  await listing.count();
  for await (const _ of listing.stream()) assert.fail("there is nothing");
}
