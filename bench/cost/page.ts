import type { Guard } from "./guards.ts";
import type { Cost } from "./measure.ts";
import type { Bill } from "./procedures.ts";
import { PAGE, ROWS } from "./requests.ts";

/** US$ a million, for europe-west1. */
const PRICES: Bill = { reads: 0.33, writes: 0.99, deletes: 0.11, classA: 5, classB: 0.4 };
/** US$ a million requests, and US$ a second of a vCPU and of a GiB, while an instance handles requests. */
const CLOUD_RUN = { requests: 0.4, vcpu: 0.000024, gib: 0.0000025, idle: 0.0000025 };
/** The least time of an instance that is paid for, in seconds. */
const TICK = 0.1;
/** What functions run on (functions/src/index.ts). */
const INSTANCES = { identify: { vcpu: 8, gib: 32 }, api: { vcpu: 1, gib: 0.5 } };
const DAYS = 30;

const LETTERS = { firebase: "F", apiKey: "K", deviceKey: "D", claimToken: "C", none: "–" };

/** US$ of so many requests, in Firestore and Storage. */
const price = (cost: Bill, requests: number): number =>
  (Object.keys(PRICES) as (keyof Bill)[]).reduce((sum, key) => sum + cost[key] * PRICES[key], 0) *
  (requests / 1e6);

const second = ({ vcpu, gib }: { vcpu: number; gib: number }): number =>
  vcpu * CLOUD_RUN.vcpu + gib * CLOUD_RUN.gib;

const whole = (number: number): string => number.toLocaleString("en-US");
const dollars = (amount: number): string => amount.toFixed(2);
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], right: number, rows: readonly string[][]): string =>
  [head, head.map((_, index) => (index < right ? "---" : "--:")), ...rows].map(row).join("\n");

/** The page docs/costs.md. */
export function renderPage(costs: readonly Cost[], guards: readonly Guard[]): string {
  return `# What a request costs

Written by \`npm run bench:cost -- --write\`; a test holds it to what is measured. Every route is called by each credential
that it takes, on an instance that is warm and has [tokens](#guard-rails), and what it asks of Firestore and Storage is
counted under their clients: documents read, written and deleted, objects, and **rounds**, the round trips that wait for
each other. What is asked at once is one round, however much it is.

Before its first write a request may take two rounds of reads in the pipeline and two more in its handler, identify
three in all, and what goes from a device by its project to its environment three in the pipeline; \`npm run bench:cost\` and \`npm test\` fail where one takes more. What the path names is read beside the
credential, then organization and environment beside each other and, where palms are searched, beside the gallery's log.
A round takes some milliseconds within a region: rounds are what a caller waits for, documents are what you pay.

## The table

F is a console user's ID token, K an API key, D a terminal's key. *Rounds* are those of reads before the first write, the pipeline's + the
handler's, and all of them together with the writes. Audit entries are included, what [limits](#guard-rails) take is not.
US$ are those of Firestore and Storage for a million requests; [Cloud Run](#cloud-run) comes on top.

${table(
  ["operation", "", "reads", "writes", "deletes", "Storage", "rounds", "in all", "US$ a million"],
  2,
  joined(costs).map(({ cost, credentials }) => [
    `${cost.operation}${cost.which ? `, ${cost.which}` : ""}`,
    credentials,
    whole(cost.reads),
    whole(cost.writes),
    whole(cost.deletes),
    [cost.classA && `${cost.classA} A`, cost.classB && `${cost.classB} B`].filter(Boolean).join(", ") || "0",
    `${cost.pipeline} + ${cost.handler}`,
    whole(cost.rounds),
    dollars(price(cost, 1e6)),
  ]),
)}

What makes it more:

- **An API key** that was not used for a minute: a write of \`last_used_at\`, beside the second round.
- **A page** of a list reads its rows, one more that tells whether the list goes on, and a count: one read for every
  1,000 rows counted. With \`cursor\` there is no count. With \`page\` all rows before it are read, too: go on with \`cursor\`.
- **A whole list** (\`listMembers\` and \`listTransactions\` without a page, \`exportTransactions\`) reads a document a row, in
  one round. So do lists of organizations, projects, palms and keys, revoked keys included.
- **scanSummary** counts twice for each hour or day, at most 102 times, in one round: a read for every 1,000 scans counted,
  at least one.
- **identify** reads a document of each palm that comes near the threshold, at most 8; verify of each of the member's;
  enrollPalm and the last sample of a session of each that is like the new one. So does scan.
- **A change of the gallery**, a palm enrolled or erased, is read once by each instance that has the gallery in memory: a
  read each, in the round in which the log is read anyway.
- **A cold instance** reads an environment's whole log, a document a change, in a round for every 1,000 of them: with
  10,000 enrolled palms some 10,000 reads in a dozen rounds, US$ 0.0033.
- **An event**: whoever made it reads all the project's webhooks, after the commit, marks it dispatched and writes a delivery
  for each that subscribes; the trigger reads it once more. In the rows of enrollPalm the project has one webhook, which does
  not subscribe.
- **deleteWebhook** pays for each further delivery a read, a read and a delete for each of its attempts, and a delete.
- **deleteMember** pays for each further palm a read, 3 writes and a delete, and a delete for an \`external_id\`.
- **Limits and idempotency keys** add what is told [below](#guard-rails).
- **Somebody else's change in between** makes a change begin again: its reads and its write are paid twice.

Not in the table: an attempt of a delivery is 4 reads and 3 writes, and a write more at most once a minute, when it says
something new of its endpoint's health; a task in Cloud Tasks for each attempt, and one for each that is put off. An ID token is verified by keys that an instance keeps, without asking anybody. Health also asks Auth and
Cloud Tasks, and answers from its last look for 2 seconds. The sweeper reads once every 5 minutes, and a read, a write and
a delete for each object that it takes away. What is stored, sent to the internet and logged is paid by its size.

## Guard rails

What each adds to the same request by an API key without it. The limits are those of getProject. A terminal's, a console
user's and an address's are kept like enterprise's, but there is no plan to be read.

${table(
  ["", "request", "reads", "writes", "rounds", "US$ a million"],
  2,
  guards.map(({ rail, what, more }) => [
    rail,
    what,
    signed(more.reads),
    signed(more.writes),
    signed(more.rounds),
    dollars(price(more, 1e6)),
  ]),
)}

- **sandbox and business** pay a write for every request that is let through, and a read more where several instances serve
  the organization. Once a minute an instance reads the organization's plan anew.
- **enterprise** takes tokens for 250 ms ahead: the more requests an instance serves in it, the less each of them pays.
  How much that is for many instances, at the limit and over it, is simulated: \`npm run bench:ratelimit\`.
- **A scan or a sample of a terminal** takes a token of the terminal and one of its organization, the second while the
  environment is read. The organization's plan is read once a minute.
- **A refusal** costs nothing beyond the look at the credential: an instance that saw no token left knows when the next one
  comes back.
- **A request without a valid credential** costs one read where it has the form of a key or a claim token, and the budget of
  its address. Beyond the limit of the address it costs nothing: no read, no write.
- **Two instances at one budget in the same moment**: the one that comes second reads and writes it again, two rounds more.
- **An idempotency key** is looked up beside what the pipeline reads anyway, and its record is written with the change.
- **The audit entry** is written with the change, too.

## Long polls

${polling(costs, guards)}

## Prices

List prices for europe-west1, in US$ without taxes and discounts, as of September 2026. They are written down in
\`bench/cost/page.ts\` by hand, from a published reading of Google's tables: look them up before you rely on them.

${table(["", "source", "US$ a million"], 2, [
  ["Firestore, Standard edition: document read", FIRESTORE, dollars(PRICES.reads)],
  ["document written", FIRESTORE, dollars(PRICES.writes)],
  ["document deleted", FIRESTORE, dollars(PRICES.deletes)],
  [
    "Storage, Standard class in a region: operation of class A (an object written)",
    STORAGE,
    dollars(PRICES.classA),
  ],
  ["operation of class B (an object looked at)", STORAGE, dollars(PRICES.classB)],
  ["Cloud Run: request", RUN, dollars(CLOUD_RUN.requests)],
  ["second of a vCPU that handles requests", RUN, dollars(CLOUD_RUN.vcpu * 1e6)],
  ["second of a GiB that handles requests", RUN, dollars(CLOUD_RUN.gib * 1e6)],
  ["second of a vCPU or of a GiB that is kept warm", RUN, dollars(CLOUD_RUN.idle * 1e6)],
])}

Every day 50,000 reads, 20,000 writes and 20,000 deletes of one database of a project are free, and 2 million requests a
month. Nothing here is reduced by that.

### Cloud Run

An instance is paid for while it handles at least one request, in steps of 100 ms, however many requests share it.
A second of \`identify\` (8 vCPU, 32 GiB) is US$ ${second(INSTANCES.identify).toFixed(6)}, one of any other function (1 vCPU, 512 MiB) US$ ${second(INSTANCES.api).toFixed(6)}. A million
requests that come one by one and are answered within 100 ms are so US$ ${dollars(step("identify", 1e6))} at \`identify\` and US$ ${dollars(step("api", 1e6))} elsewhere, the
requests themselves included; at \`identify\` that is more than the database. Where requests overlap it is less. A photograph
of 1,280 px takes 0.12 s of one vCPU longer than a picture of the palm's region ([measured](palm.md#images)), so one or two steps more.

An instance of \`identify\` that is kept warm (\`IDENTIFY_MIN_INSTANCES\`) is US$ ${dollars(idle())} in ${DAYS} days without any request.

## Examples

${table(
  ["in a month of 30 days", "requests", "reads", "writes", "Firestore, US$", "Cloud Run, US$"],
  1,
  EXAMPLES.map((example) => worked(costs, example)),
)}

Cloud Run is reckoned as above: requests one by one, 100 ms each, and 60 s for the export. The dashboard asks for scans,
transactions and devices, a page of ${PAGE} each; with \`per_page=10\` it would cost a quarter.
`;
}

const signed = (number: number): string => (number > 0 ? `+${whole(number)}` : whole(number));

const FIRESTORE = "[Firestore pricing](https://cloud.google.com/firestore/pricing)";
const STORAGE = "[Cloud Storage pricing](https://cloud.google.com/storage/pricing)";
const RUN = "[Cloud Run pricing](https://cloud.google.com/run/pricing)";

/** US$ of requests that come one by one, each of `seconds`. */
const step = (instance: keyof typeof INSTANCES, requests: number, seconds = TICK): number =>
  requests * (CLOUD_RUN.requests / 1e6 + seconds * second(INSTANCES[instance]));

const idle = (): number => {
  const { vcpu, gib } = INSTANCES.identify;
  return (vcpu + gib) * CLOUD_RUN.idle * 86_400 * DAYS;
};

/** How often a terminal polls that is told nothing, and which of its polls is a heartbeat. */
const POLL = { wait_s: 25, beat: 3 };
/** Terminals that share an instance (TERMINAL_CONCURRENCY). */
const TERMINALS = 500;

function polling(costs: readonly Cost[], guards: readonly Guard[]): string {
  const { wait_s, beat } = POLL;
  const wait = rowOf(costs, "nextCommand", "a wait");
  const first = rowOf(costs, "nextCommand", "a wait, the first one in a minute");
  const token = guards.find(({ what }) => what === "enterprise, the first one after a lease")?.more;
  if (!token) throw new Error("there is no row for a lease: mend the long polls of bench/cost/page.ts");
  const month = DAYS * 86_400;
  const [polls, beats] = [month / wait_s, month / wait_s / beat];
  const total = (of: "reads" | "writes") => polls * (wait[of] + token[of]) + beats * (first[of] - wait[of]);
  const minute = (number: number) => (number / (month / 60)).toFixed(1);
  const firestore = price(wait, polls - beats) + price(first, beats) + price(token, polls);
  const requests = (polls * CLOUD_RUN.requests) / 1e6;
  const instance = month * second(INSTANCES.api);
  return `A poll that waits holds one Firestore listener, on its terminal's own document, and no timer but that of its end. The
credential's look-up reads the document, the listener reads it once more when it begins, and once more after each change;
that of a heartbeat it does not hear, since it begins behind it. There is no other read while nothing happens: what a
poll also needs of its project is kept by the instance. Whoever polls an enrolment waits by the same means.

A terminal that is told nothing polls every ${wait_s} s, each poll takes a token of its limit, and each ${ordinal(beat)} one is a
heartbeat:

${table(["a terminal that waits for nothing", "polls", "reads", "writes", "US$"], 1, [
  ["a minute", minute(polls), minute(total("reads")), minute(total("writes")), ""],
  [
    `a month of ${DAYS} days`,
    whole(polls),
    whole(total("reads")),
    whole(total("writes")),
    `${dollars(firestore)} Firestore, ${dollars(requests)} requests`,
  ],
])}

An instance of \`terminal\` is paid for while one terminal polls, so always: US$ ${dollars(instance)} a month, shared by up to ${TERMINALS}
terminals: US$ ${dollars(instance / TERMINALS)} each where it is full. All of it is US$ ${dollars(firestore + requests + instance / TERMINALS)} a terminal and month at best, and
US$ ${dollars(firestore + requests + instance)} for the only terminal there is.

\`npm run bench:polls\` lets 200 terminals wait at one instance and starts sessions: from the commit to the terminal's
answer it took 6 ms in the median, 25 ms at the 99th percentile, 46 ms at most with 10 sessions a second; 278, 343 and
585 ms with one on every terminal at once; the limit is a second. Instance, emulators and terminals shared two cores.
The instance had 306 MiB. It counts the reads and writes of one terminal that waits for nothing, too, as above.`;
}

const ordinal = (number: number): string => ({ 2: "second", 3: "third" })[number] ?? `${number}th`;

interface Worked {
  name: string;
  instance: keyof typeof INSTANCES;
  seconds?: number;
  /** Which rows of the table, and how often each is asked for. */
  asks: { operation: string; which: string; times: number; more?: number }[];
}

const often = (DAYS * 86_400) / 10;

const EXAMPLES: Worked[] = [
  {
    name: "1,000 identifications a day",
    instance: "identify",
    asks: [{ operation: "identify", which: "somebody", times: 1000 * DAYS }],
  },
  {
    name: "a door with 100,000 identifications a month",
    instance: "identify",
    asks: [{ operation: "identify", which: "somebody", times: 100_000 }],
  },
  {
    name: "an export of 200,000 transactions",
    instance: "api",
    seconds: 60,
    asks: [{ operation: "exportTransactions", which: `${ROWS} rows`, times: 1, more: 200_000 - ROWS }],
  },
  {
    name: "a dashboard that asks for three lists every 10 s",
    instance: "api",
    asks: ["listScans", "listTransactions", "listDevices"].map((operation) => ({
      ...{ operation, which: `a page of ${PAGE}`, times: often },
    })),
  },
];

function worked(costs: readonly Cost[], { name, instance, seconds, asks }: Worked): string[] {
  const parts = asks.map(({ operation, which, times, more = 0 }) => {
    const cost = rowOf(costs, operation, which);
    return { cost: { ...cost, reads: cost.reads + more }, times };
  });
  const total = (of: (part: (typeof parts)[number]) => number) =>
    parts.reduce((sum, part) => sum + of(part), 0);
  const requests = total(({ times }) => times);
  return [
    name,
    whole(requests),
    whole(total(({ cost, times }) => cost.reads * times)),
    whole(total(({ cost, times }) => cost.writes * times)),
    dollars(total(({ cost, times }) => price(cost, times))),
    dollars(step(instance, requests, seconds)),
  ];
}

function rowOf(costs: readonly Cost[], operation: string, which: string): Cost {
  const cost = costs.find((row) => row.operation === operation && row.which === which);
  if (!cost) throw new Error(`there is no row for ${operation}, ${which}: mend bench/cost/page.ts`);
  return cost;
}

/** A row for each case: credentials that cost the same share it. */
function joined(costs: readonly Cost[]): { cost: Cost; credentials: string }[] {
  const same = Map.groupBy(costs, ({ credential: _, ...rest }) => JSON.stringify(rest));
  return [...same.values()].map((group) => ({
    cost: group[0] as Cost,
    credentials: group.map(({ credential }) => LETTERS[credential]).join(" "),
  }));
}
