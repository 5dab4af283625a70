/**
 * Whether a refusal tells by its time what is behind a closed door: nobody, a filter, or somebody who listens.
 *
 *   npm run bench:blocked -- [--runs 400]
 *
 * The doors of one class are tried in turns of random order, for addresses that stand in the URL and for names that
 * resolve to them. Mann and Whitney's U test compares each pair of doors; ends with 1 when any can be told apart. Public
 * doors, which are tried, show that the test sees what there is to see.
 */
import { parseArgs } from "node:util";
import { createOutboundWith } from "../functions/src/data/outbound.ts";
import { printTable } from "../scripts/table.ts";
import { Authority } from "../test/support/certificates.ts";
import { Endpoint, PlayedInternet } from "../test/support/endpoint.ts";

/** Six pairs of doors: by chance alone, one bench in a thousand fails. */
const RARE = 1 / 6000;
/** Rounds until all is compiled. */
const WARM_UP = 100;

const { values } = parseArgs({ options: { runs: { type: "string", default: "400" } } });
const runs = Number(values.runs);

process.env["GCLOUD_PROJECT"] = "demo-palmgate-bench";
const authority = new Authority();
const open = await Endpoint.start(authority.issue({ host: "1.0.0.3" }));
const hosts = { closed: "closed", filtered: "filtered", open } as const;
const doors = { closed: "10.0.0.1", filtered: "10.0.0.2", open: "10.0.0.3" };
const publicDoors = { closed: "1.0.0.1", open: "1.0.0.3" };

const internet = new PlayedInternet({
  ca: authority.cert,
  names: Object.fromEntries(Object.values(doors).map((address) => [`${address}.example.com`, [address]])),
  hosts: Object.fromEntries(
    [...Object.entries(doors), ...Object.entries(publicDoors)].map(([door, address]) => [
      address,
      hosts[door as keyof typeof hosts],
    ]),
  ),
});
const outbound = createOutboundWith({ ownHosts: [], allowLocalhost: false, ownPorts: [] }, internet.network);

const row = printTable([
  { title: "class", width: 8, look: "bold" },
  { title: "doors", width: 20 },
  { title: "median, µs", width: 16, right: true },
  { title: "p", width: 8, right: true },
  { title: "", width: 5, look: "verdict" },
]);
const answers = new Set<string>();
const isSilent = [
  await compare("address", doors, (address) => `https://${address}:8443/in`),
  await compare("name", doors, (address) => `https://${address}.example.com:8443/in`),
].every((ps) => ps.every((p) => p >= RARE));
const connections = internet.dialled.length + open.connections;
const said = answers.size;
const seen = await compare("public", publicDoors, (address) => `https://${address}:8443/in`);
await open.stop();

const good = isSilent && said === 1 && connections === 0 && seen.every((p) => p < RARE);
console.log(`${good ? "ok" : "FAIL"}: ${runs} runs a door, ${said} answer, ${connections} connections`);
process.exitCode = good ? 0 : 1;

/** How likely each pair of doors is one and the same, as far as time tells. */
async function compare(
  what: string,
  addresses: Record<string, string>,
  urlOf: (address: string) => string,
): Promise<number[]> {
  const names = Object.keys(addresses);
  const times = new Map(names.map((door) => [door, [] as number[]]));
  for (let i = -WARM_UP; i < runs; i++) {
    for (const [door, address] of shuffled(Object.entries(addresses))) {
      const request = { url: urlOf(address), headers: {}, body: "{}" };
      const started = performance.now();
      const sent = await outbound.post(request);
      const time = (performance.now() - started) * 1000;
      answers.add(JSON.stringify(sent));
      if (i >= 0) times.get(door)?.push(time);
    }
  }
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
  return pairs.map(([a, b]) => {
    const [ofA = [], ofB = []] = [times.get(a), times.get(b)];
    const p = likelihood(ofA, ofB);
    const medians = `${median(ofA).toFixed(1)} / ${median(ofB).toFixed(1)}`;
    row(
      [what, `${a} / ${b}`, medians, p.toFixed(4), p < RARE ? "told" : "same"],
      p < RARE === (what === "public"),
    );
    return p;
  });
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

/** How likely two samples of one distribution differ as much as these: Mann and Whitney (1947), ties left aside. */
function likelihood(a: readonly number[], b: readonly number[]): number {
  const ranked = [...a.map((time) => ({ time, isA: true })), ...b.map((time) => ({ time, isA: false }))].sort(
    (x, y) => x.time - y.time,
  );
  const ranks = ranked.reduce((sum, { isA }, i) => sum + (isA ? i + 1 : 0), 0);
  const [n, m] = [a.length, b.length];
  const u = ranks - (n * (n + 1)) / 2;
  const z = Math.abs(u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
  return 2 * (1 - normal(z));
}

/** The normal distribution function of z ≥ 0: Abramowitz and Stegun (1964), 26.2.17, |error| < 7.5e-8. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const poly = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429].reduceRight(
    (sum, factor) => (sum + factor) * t,
    0,
  );
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}
