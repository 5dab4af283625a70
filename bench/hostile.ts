/**
 * What one tenant's hostile requests cost the others, on instances of the built bundle.
 *
 *   npm run bench:hostile -- [--inputs 10000] [--requests 300] [--seed N]
 *
 * Bodies: each of the bombs is sent to an instance of `members` by 16 connections at once, without a credential and with
 * one, while another tenant creates members. Pictures: the slowest of 10,000 mutated pictures and bodies are sent to an
 * instance of `identify`, 16 requests at a time, while another tenant identifies. Ends with 1 when a bomb is refused
 * later than after a second, a median under bombs is over twice the usual one, or the 99th percentile under pictures is
 * more than 150 ms above the usual one.
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseJson } from "../functions/src/http/json.ts";
import { decodeImage } from "../functions/src/palm/index.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { printTable } from "../scripts/table.ts";
import { newChance } from "../test/support/chance.ts";
import { BOMBS, sendRaw } from "../test/support/hostile.ts";
import { type Instance, startInstance } from "../test/support/instance.ts";
import { encodePng, syntheticPalm } from "../test/support/palms.ts";
import { progressiveJpeg } from "../test/support/progressive.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../test/support/tenant.ts";
import { percentile } from "./percentile.ts";

const REFUSED_MS = 1000;
const RATIO = 2;
const ABOVE_MS = 150;
const AT_ONCE = 16;
/** How many of the slowest inputs are sent. */
const WORST = 20;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "10000" },
    requests: { type: "string", default: "300" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const [inputs, requests, seed] = [values.inputs, values.requests, values.seed].map(Number) as [
  number,
  number,
  number,
];
const chance = newChance(seed);
const row = printTable([
  { title: "under", width: 30, look: "bold" },
  ...["refused ms", "usual p50", "p50 then", "usual p99", "p99 then"].map((title) => ({
    title,
    width: 10,
    right: true,
  })),
]);

const slowest = findSlowest();
const suite = await startSuite({ profile: "demo", clock: false, signal: interruption() });
try {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  const [attacker, other] = await Promise.all([
    newTenant(deps, { organization: { plan: "enterprise" } }),
    newTenant(deps, { organization: { plan: "enterprise" } }),
  ]);
  const isGood = [await measureBombs(attacker, other), await measurePictures(deps, attacker, other)];
  console.log(`\n${inputs} mutated inputs, seed ${seed}; the slowest: ${slowest.label}.`);
  process.exitCode = isGood.every(Boolean) ? 0 : 1;
} finally {
  await suite.stop();
}

/** Bombs at an instance of 512 MiB, while another tenant creates members. */
async function measureBombs(attacker: Tenant, other: Tenant): Promise<boolean> {
  const instance = await startInstance("members", { NODE_OPTIONS: "--max-old-space-size=300" });
  const path = ({ project }: Tenant) => `/v1/project/${project.id}/members`;
  const create = () => timed(instance, path(other), other.key, { name: "Noa Levy" });
  let isGood = true;
  try {
    await series(create, 50);
    for (const [what, { headers, body }] of Object.entries(BOMBS)) {
      for (const [who, token] of [
        ["a stranger's", "nobody"],
        ["a tenant's", attacker.key],
      ] as const) {
        const refused: number[] = [];
        const send = async () => {
          const Authorization = `Bearer ${token}`;
          const bomb = { path: path(attacker), headers: { ...headers, Authorization }, body: body() };
          refused.push((await sendRaw(instance.baseUrl, bomb)).took_ms);
        };
        const usual = await series(create, requests / 10);
        const then = await during(send, () => series(create, requests / 10));
        const ratio = percentile(then, 50) / percentile(usual, 50);
        const good = percentile(refused, 99) <= REFUSED_MS && ratio <= RATIO;
        print(`${who} ${what}`, { refused, usual, then }, good);
        isGood &&= good;
      }
    }
    console.log(`The instance has had at most ${instance.peak().toFixed(0)} MiB.`);
    return isGood && instance.isAlive();
  } finally {
    await instance.stop();
  }
}

/** The slowest inputs at an instance of identify, while another tenant identifies. */
async function measurePictures(deps: Deps, attacker: Tenant, other: Tenant): Promise<boolean> {
  const instance = await startInstance("identify");
  const member_id = deps.id();
  const picture = Buffer.from(encodePng(syntheticPalm({ seed: 1 }))).toString("base64");
  const identify = () =>
    timed(instance, `/v1/project/${other.project.id}/identify`, other.key, { image: picture });
  const path = (verb: string) => `/v1/project/${attacker.project.id}/${verb}`;
  let isGood = true;
  try {
    await series(identify, 50);
    for (const [what, send] of [
      [
        "the slowest pictures",
        async () => {
          const image = pick(slowest.pictures);
          await timed(instance, path("identify"), attacker.key, { image });
        },
      ],
      [
        "five at a time, nobody's",
        async () => {
          const samples = Array.from({ length: 5 }, () => ({ image: pick(slowest.pictures) }));
          await timed(instance, path("enroll"), attacker.key, { member_id, samples });
        },
      ],
      ["the slowest bodies", () => timed(instance, path("enroll"), attacker.key, pick(slowest.bodies))],
    ] as const) {
      const usual = await series(identify, requests);
      const then = await during(send, () => series(identify, requests));
      const good = percentile(then, 99) - percentile(usual, 99) <= ABOVE_MS;
      print(what, { refused: [], usual, then }, good);
      isGood &&= good;
    }
    return isGood && instance.isAlive();
  } finally {
    await instance.stop();
  }
}

/** Mutates pictures and bodies that are costly to begin with, and keeps those that take longest to read. */
function findSlowest() {
  const pictures: { bytes: Uint8Array; ms: number }[] = [];
  const bodies: { bytes: Uint8Array; ms: number }[] = [];
  const [costlyPictures, costlyBodies] = [makePictures(), makeBodies()];
  for (let n = 0; n < inputs; n++) {
    const isPicture = n % 4 !== 0;
    const bytes = mutate(pick(isPicture ? costlyPictures : costlyBodies), n < 100 ? 0 : 3);
    const ms = timeOf(() => (isPicture ? decodeImage(bytes) : parseJson(bytes)));
    const kept = isPicture ? pictures : bodies;
    kept.push({ bytes, ms });
    if (kept.length > 2 * WORST) kept.sort((a, b) => b.ms - a.ms).splice(WORST);
  }
  const worst = (list: typeof pictures) => list.sort((a, b) => b.ms - a.ms).slice(0, WORST);
  const [slowPictures, slowBodies] = [worst(pictures), worst(bodies)];
  return {
    label: `a picture ${slowPictures[0]?.ms.toFixed(0)} ms, a body ${slowBodies[0]?.ms.toFixed(0)} ms`,
    pictures: slowPictures.map(({ bytes }) => Buffer.from(bytes).toString("base64")),
    bodies: slowBodies.map(({ bytes }) => bytes),
  };
}

function makePictures(): Uint8Array[] {
  const gray = Uint8Array.from({ length: 1024 * 1000 }, () => 96 + chance() * 64);
  return [
    progressiveJpeg({ side: 1024, scans: 16 }),
    progressiveJpeg({ side: 1024, scans: 64 }),
    progressiveJpeg({ side: 512, scans: 64 }),
    encodePng({ width: 1024, height: 1000, gray }),
    encodePng({ width: 1024, height: 1024, gray: new Uint8Array(1024 * 1024).fill(128) }),
  ];
}

function makeBodies(): Uint8Array[] {
  const fields = (count: number) => Array.from({ length: count }, (_, n) => `"f${n}":${n}`).join(",");
  return [
    `{${fields(4900)}}`,
    `{${fields(900_000)}}`,
    `{"samples":[${Array(4900).fill("{}").join(",")}]}`,
    `{"samples":[${Array(5)
      .fill(`{"image":"${"A".repeat(1_600_000)}"}`)
      .join(",")}]}`,
    `{"samples":[{"image":"${"\\/".repeat(240_000)}"}]}`,
    `["${"\\u0041".repeat(249_999)}"]`,
    `{"samples":${"[".repeat(31)}${"]".repeat(31)}}`,
    " ".repeat(8_000_000),
    "1".repeat(8_000_000),
  ].map((text) => Buffer.from(text));
}

/** A copy with some bytes changed. */
function mutate(bytes: Uint8Array, most: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let n = Math.floor(chance() * (most + 1)); n > 0; n--) {
    copy[Math.floor(chance() * Math.min(copy.length, 4096))] = Math.floor(chance() * 256);
  }
  return copy;
}

function timeOf(work: () => unknown): number {
  const started = performance.now();
  try {
    work();
  } catch {
    // A refusal takes its time, too.
  }
  return performance.now() - started;
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(chance() * list.length)] as T;
}

async function timed({ api }: Instance, path: string, token: string, body: unknown): Promise<number> {
  const started = performance.now();
  await api("POST", path, { token, body });
  return performance.now() - started;
}

async function series(request: () => Promise<number>, count: number): Promise<number[]> {
  const took: number[] = [];
  while (took.length < count) took.push(await request());
  return took;
}

/** Does a thing while 16 senders attack. */
async function during<T>(attack: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const sender = async () => {
    while (!isOver) await attack();
  };
  const senders = Promise.all(Array.from({ length: AT_ONCE }, sender));
  await sleep(500);
  const result = await work();
  isOver = true;
  await senders;
  return result;
}

function print(
  what: string,
  { refused, usual, then }: Record<"refused" | "usual" | "then", number[]>,
  good: boolean,
) {
  const ms = (numbers: number[], p: number) =>
    numbers.length === 0 ? "" : percentile(numbers, p).toFixed(0);
  row([what, ms(refused, 99), ms(usual, 50), ms(then, 50), ms(usual, 99), ms(then, 99)], good);
}
