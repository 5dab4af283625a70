import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import type { Credential } from "../../../functions/src/http/route.ts";
import type { Deps } from "../tenant.ts";
import { type Case, caseOf, draftOf, expected, sentOf } from "./cases.ts";
import { CHAINS } from "./chains.ts";
import { type Operation, operations } from "./document.ts";
import { type Heard, inWords, Journal, NONE, type Row } from "./journal.ts";
import type { Sent } from "./oracle.ts";
import { provoke } from "./provocations.ts";
import { newWorld, Requests, type World } from "./world.ts";

/** How many properties are checked side by side: the emulators answer several requests at once. */
const SIDE_BY_SIDE = 8;

/** What is to be done. */
export interface FuzzOptions {
  /** At least so many requests. */
  requests: number;
  seed: number;
  /** Only this operation or chain. */
  only?: string | undefined;
  /** Only the case that fast-check has named by this path. */
  path?: string | undefined;
  /** Whether to go on behind a fault, instead of making its request as small as it can be. */
  keepGoing?: boolean | undefined;
  /** Is told of each request how many there were. */
  progress?: ((requests: number) => void) | undefined;
}

/** What came of it. */
export interface Report {
  requests: number;
  rows: Row[];
  /** Each with the command that shows it again. */
  faults: string[];
  /** 503s of a machine so busy that its emulators did not answer; each request was sent again. */
  stalls: string[];
}

/** Of the requests in which nothing is wrong, so many must succeed. */
const FLOOR = 0.9;

interface Property<T> {
  name: string;
  runs: number;
  arbitrary: fc.Arbitrary<T>;
  run(value: T): Promise<unknown>;
}

/**
 * Sends requests to every operation of openapi.json, right ones and wrong ones, through the application in this
 * process, and holds each answer to the document. The same seed makes the same requests.
 */
export async function fuzz(deps: Deps, options: FuzzOptions): Promise<Report> {
  const world = await newWorld(deps);
  const journal = new Journal(world, options.progress);
  const properties = propertiesOf(world, journal, options).filter(
    ({ name }) => options.only === undefined || name === options.only,
  );
  if (properties.length === 0) throw new Error(`there is no operation or chain ${options.only}`);
  const faults: string[] = [];
  const work = async () => {
    for (let next = properties.shift(); next; next = properties.shift()) {
      faults.push(...(await check(next, options)));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  faults.push(...new Set(world.errors.map((error) => `it logs an error: ${error}`)));
  const rows = journal.rows();
  if (options.only === undefined) faults.push(...unmet(rows));
  return { requests: journal.requests, rows, faults, stalls: journal.stalls };
}

function propertiesOf(world: World, journal: Journal, { requests, only }: FuzzOptions): Property<never>[] {
  // Whoever asks for one of them alone gets all requests of it.
  const share = (most: number) => Math.ceil(requests / (only === undefined ? most : 1));
  const right = new Requests(world);
  const ofOperations = operations.map((operation) => ({
    name: operation.id,
    runs: share(operations.length),
    arbitrary: caseOf(operation),
    run: (one: Case) => tryCase({ world, journal, right, operation }, one),
  }));
  const ofChains = Object.entries(CHAINS).map(([name, chain]) => ({
    name,
    runs: share(1000),
    arbitrary: fc.array(fc.nat({ max: 0xffff }), { minLength: 8, maxLength: 8 }),
    run: (numbers: number[]) => chain({ world, journal, numbers }),
  }));
  const anywhere = {
    name: "anywhere",
    runs: share(50),
    arbitrary: PLACES,
    run: ([method, pathname]: [string, string]) =>
      journal.ask({ method, pathname, query: [], headers: {}, body: undefined }),
  };
  const refusals = {
    name: "refusals",
    runs: 1,
    arbitrary: fc.constant(null),
    run: () => provoke({ world, journal, right }),
  };
  // The slow ones first, so that they are not waited for at the end.
  return [refusals, ...ofChains, ...ofOperations, anywhere] as unknown as Property<never>[];
}

/** Paths and methods, few of which are there. */
const PLACES = fc.tuple(
  fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "v1",
          "v2",
          "project",
          "projects",
          "members",
          "device",
          "health",
          "live",
          "openapi.json",
          "",
        ),
        fc.constantFrom(
          "terminal",
          "organization",
          "webhooks",
          "%2e%2e",
          "%00",
          "__proto__",
          "constructor",
          "*",
          "a;b",
        ),
        fc.uuid(),
        fc.string({ unit: "grapheme", maxLength: 8 }).map(encodeURIComponent),
      ),
      { maxLength: 6 },
    )
    .map((segments) => new URL(`http://palmgate.test/${segments.join("/")}`).pathname),
);

/** What is wrong, at most once unless it is to go on. */
async function check<T>(
  { name, runs, arbitrary, run }: Property<T>,
  { seed, path, keepGoing }: FuzzOptions,
): Promise<string[]> {
  const kept = new Set<string>();
  const property = fc.asyncProperty(arbitrary, async (value) => {
    try {
      await run(value);
    } catch (error) {
      if (!keepGoing) throw error;
      kept.add(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  });
  const found = await fc.check(property, {
    seed: seedOf(name, seed),
    numRuns: runs,
    ...(path === undefined ? {} : { path }),
  });
  if (!found.failed) return [...kept];
  const again = `npm run fuzz -- --only ${name} --seed ${seed} --path ${found.counterexamplePath}`;
  const { errorInstance: error } = found;
  return [`${name}: ${error instanceof Error ? error.message : error}\n  ${again}`];
}

/** Each property draws otherwise: what two of them make of the same numbers would only meet. */
const seedOf = (name: string, seed: number): number => crc32(name, seed) | 0;

/** What the run as a whole must have shown. */
function unmet(rows: readonly Row[]): string[] {
  return rows.flatMap(({ operation, right, succeeded, statuses }) => {
    if (operation === NONE) return [];
    const share = right === 0 ? 0 : succeeded / right;
    return share >= FLOOR
      ? []
      : [`${operation}: ${succeeded} of ${right} right requests succeeded: ${JSON.stringify(statuses)}`];
  });
}

interface Trial {
  world: World;
  journal: Journal;
  right: Requests;
  operation: Operation;
}

/** Sends one request, and those that its answer is compared with. */
async function tryCase({ world, journal, right, operation }: Trial, one: Case): Promise<void> {
  const { faults, example } = one;
  const { credentials } = operation;
  const credential: Credential | "none" = credentials[one.credential % credentials.length] ?? "none";
  const isRight = faults.length === 0;
  const prepared = await right.of(operation, {
    example,
    credential,
    fresh: isRight || operation.method === "DELETE",
  });
  const sent = sentOf(draftOf(operation, one, prepared, world));
  const heard = await journal.ask(sent, { right: isRight });
  const fail = (message: string): never => {
    throw new Error(`${inWords(sent)}\n    ${message}: ${heard.status} ${heard.text.slice(0, 500)}`);
  };
  if (isRight && [400, 401, 403, 413, 415].includes(heard.status)) fail("the document allows this");
  const [fault, ...others] = faults;
  if (fault && others.length === 0) {
    const wanted = expected(operation, fault, sent);
    if (wanted && !wanted.includes(heard.status)) fail(`this is not ${wanted}`);
    if (fault.in === "path" && fault.is === "foreign") await compareWithMissing();
    if (fault.in === "method" && fault.is === "HEAD" && operation.method === "GET") await compareWithGet();
  }
  if (isRight && heard.status < 300 && operation.idempotent && sent.headers["Idempotency-Key"]) await again();

  async function compareWithMissing(): Promise<void> {
    const missing = { ...one, faults: [{ ...fault, is: "missing" as const }] } as Case;
    const same = { "X-Request-Id": "same" };
    const answers = await Promise.all(
      [one, missing].map((each) => {
        const { headers, ...rest } = sentOf(draftOf(operation, each, prepared, world));
        return journal.ask({ ...rest, headers: { ...headers, ...same } });
      }),
    );
    const [foreign, nobodys] = answers.map(comparable);
    if (!isDeepStrictEqual(foreign, nobodys))
      fail("what is somebody else's does not answer like what is missing");
  }

  async function compareWithGet(): Promise<void> {
    const same = { "X-Request-Id": "same" };
    const headers = { ...sent.headers, ...same };
    const [head, get] = await Promise.all(
      (["HEAD", "GET"] as const).map((method) => journal.ask({ ...sent, method, headers } satisfies Sent)),
    );
    if (
      !isDeepStrictEqual(
        { ...comparable(head as Heard), text: "" },
        { ...comparable(get as Heard), text: "" },
      )
    ) {
      fail("HEAD does not answer like GET");
    }
  }

  async function again(): Promise<void> {
    const replay = await journal.ask(sent);
    const isSame = replay.status === heard.status && replay.text === heard.text;
    if (!isSame || replay.headers.get("idempotency-replayed") !== "true")
      fail("it is answered otherwise again");
    const other = await journal.ask({ ...sent, body: `${sent.body ?? "{}"} ` });
    if (other.body?.code !== "idempotency_mismatch") fail("another body is not refused");
  }
}

/** An answer without what differs from one request to the next. */
const comparable = ({ status, headers, text }: Heard) => ({
  status,
  text,
  headers: [...headers].filter(([name]) => !["ratelimit", "content-length"].includes(name)),
});
