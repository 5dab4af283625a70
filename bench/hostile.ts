/**
 * What one tenant's hostile requests cost the others, on instances of the built bundle.
 *
 *   npm run bench:hostile -- [--inputs 10000] [--requests 300] [--pause 250] [--only bombs|pictures] [--seed N]
 *
 * Requests are sent 16 at once; `pause` ms after the last answer come the next 16. Bodies: each of the bombs is sent to
 * an instance of `members`, without a credential and with one, while another tenant creates members. Pictures: the
 * slowest of 10,000 mutated pictures, photographs and bodies are sent to an instance of `identify`, while another tenant
 * identifies.
 * Ends with 1 when a bomb is refused later than after a second, a median under bombs is over twice the usual one, or the
 * 99th percentile under pictures is more than 150 ms above the usual one.
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { parseJson } from "../functions/src/http/json.ts";
import { PHOTO_SIDE } from "../functions/src/palm/hand/index.ts";
import { decodeImage, decodePhoto } from "../functions/src/palm/index.ts";
import { interruption, startSuite } from "../scripts/emulators.ts";
import { printTable } from "../scripts/table.ts";
import { newChance } from "../test/support/chance.ts";
import { encodeJpeg } from "../test/support/encodeJpeg.ts";
import { BOMBS } from "../test/support/hostile.ts";
import { type Instance, startInstance } from "../test/support/instance.ts";
import { progressiveJpeg } from "../test/support/jpeg.ts";
import { encodePng, syntheticPalm } from "../test/support/palms.ts";
import { type Deps, newTenant, openDeps, type Tenant } from "../test/support/tenant.ts";
import type { Attack, Attacked } from "./hostile/attacker.ts";
import { percentile } from "./percentile.ts";

const REFUSED_MS = 1000;
const RATIO = 2;
const ABOVE_MS = 150;
/** How many of the slowest inputs are sent. */
const WORST = 20;

/** What can be sent, how it is read, and which share of the inputs it is. */
const KINDS = {
  picture: { make: makePictures, read: decodeImage, share: 0.74 },
  body: { make: makeBodies, read: parseJson, share: 0.25 },
  // They take a second each.
  photograph: {
    make: makePhotographs,
    read: (bytes: Uint8Array) => decodePhoto(bytes, { targetSide: PHOTO_SIDE }),
    share: 0.01,
  },
} as const;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "10000" },
    requests: { type: "string", default: "300" },
    pause: { type: "string", default: "250" },
    only: { type: "string" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const [inputs, requests, seed] = [values.inputs, values.requests, values.seed].map(Number) as [
  number,
  number,
  number,
];
const chance = newChance(seed);
const PACE = { atOnce: 16, pause_ms: Number(values.pause) };
const row = printTable([
  { title: "under", width: 42, look: "bold" },
  ...["answer p99", "usual p50", "p50 then", "usual p99", "p99 then"].map((title) => ({
    title,
    width: 10,
    right: true,
  })),
  { title: "answers", width: 30 },
]);

const slowest = await findSlowest();
const sender = new Worker(new URL("./hostile/attacker.ts", import.meta.url));
const suite = await startSuite({ profile: "demo", clock: false, signal: interruption() });
try {
  Object.assign(process.env, suite.env, { METADATA_SERVER_DETECTION: "none" });
  const deps = await openDeps();
  const [attacker, other] = await Promise.all([
    newTenant(deps, { organization: { plan: "enterprise" } }),
    newTenant(deps, { organization: { plan: "enterprise" } }),
  ]);
  const isGood = [
    values.only === "pictures" || (await measureBombs(attacker, other)),
    values.only === "bombs" || (await measurePictures(deps, attacker, other)),
  ];
  console.log(`\n${inputs} mutated inputs, seed ${seed}; the slowest: ${slowest.label}.`);
  process.exitCode = isGood.every(Boolean) ? 0 : 1;
} finally {
  await Promise.all([suite.stop(), sender.terminate()]);
}

/** Bombs at an instance of 512 MiB, while another tenant creates members. */
async function measureBombs(attacker: Tenant, other: Tenant): Promise<boolean> {
  const instance = await startInstance("members", { NODE_OPTIONS: "--max-old-space-size=300" });
  const path = ({ project }: Tenant) => `/v1/project/${project.id}/members`;
  const create = () => timed(instance, path(other), other.key, { name: "Noa Levy" });
  let isGood = true;
  try {
    await series(create, 50);
    for (const bodies of Object.keys(BOMBS) as (keyof typeof BOMBS)[]) {
      for (const [who, token] of [
        ["a stranger's", "nobody"],
        ["a tenant's", attacker.key],
      ] as const) {
        const attack = { baseUrl: instance.baseUrl, path: path(attacker), token, bodies, ...PACE };
        const measured = await compare(attack, () => series(create, requests / 3));
        const ratio = percentile(measured.then, 50) / percentile(measured.usual, 50);
        const good = percentile(measured.took_ms, 99) <= REFUSED_MS && ratio <= RATIO;
        print(`${who} ${bodies}`, measured, good);
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
  const picture = Buffer.from(encodePng(syntheticPalm({ seed: 1 }))).toString("base64");
  const identify = () =>
    timed(instance, `/v1/project/${other.project.id}/identify`, other.key, { image: picture });
  const { pictures, photographs } = slowest;
  const nobody = deps.id();
  const fives = Array.from({ length: WORST }, () => Array.from({ length: 5 }, () => pick(pictures)));
  let isGood = true;
  try {
    await series(identify, 50);
    for (const [what, verb, bodies] of [
      ["the slowest pictures", "identify", pictures.map((image) => toJson({ image }))],
      ["the slowest photographs", "identify", photographs.map((photo) => toJson({ photo }))],
      [
        "five at a time, nobody's",
        "enroll",
        fives.map((five) => toJson({ member_id: nobody, samples: five.map((image) => ({ image })) })),
      ],
      ["the slowest bodies", "enroll", slowest.bodies],
    ] as const) {
      const path = `/v1/project/${attacker.project.id}/${verb}`;
      const attack = { baseUrl: instance.baseUrl, path, token: attacker.key, bodies: [...bodies], ...PACE };
      const measured = await compare(attack, () => series(identify, requests));
      const good = percentile(measured.then, 99) - percentile(measured.usual, 99) <= ABOVE_MS;
      print(what, measured, good);
      isGood &&= good;
    }
    return isGood && instance.isAlive();
  } finally {
    await instance.stop();
  }
}

/** What another tenant's requests take as usual, and during an attack. */
async function compare(attack: Attack, measure: () => Promise<number[]>) {
  const usual = await measure();
  sender.postMessage(attack);
  await sleep(500);
  const then = await measure();
  sender.postMessage("stop");
  const [attacked] = (await once(sender, "message")) as [Attacked];
  return { usual, then, ...attacked };
}

/** Mutates inputs that are costly to begin with, and keeps those of each kind that take longest to read. */
async function findSlowest() {
  const slowest = async ({ make, read, share }: (typeof KINDS)[keyof typeof KINDS]) => {
    const costly = await make();
    let kept: { bytes: Uint8Array; ms: number }[] = [];
    for (let n = 0; n < share * inputs; n++) {
      const bytes = mutate(pick(costly), n < 100 ? 0 : 3);
      kept.push({ bytes, ms: await timeOf(() => read(bytes)) });
      if (kept.length > 2 * WORST) kept = kept.sort((a, b) => b.ms - a.ms).slice(0, WORST);
    }
    return kept.sort((a, b) => b.ms - a.ms).slice(0, WORST);
  };
  const [pictures, bodies, photographs] = [
    await slowest(KINDS.picture),
    await slowest(KINDS.body),
    await slowest(KINDS.photograph),
  ];
  const most = ([worst]: typeof pictures) => `${worst?.ms.toFixed(0)} ms`;
  const base64 = (list: typeof pictures) => list.map(({ bytes }) => Buffer.from(bytes).toString("base64"));
  return {
    label: `a picture ${most(pictures)}, a photograph ${most(photographs)}, a body ${most(bodies)}`,
    pictures: base64(pictures),
    photographs: base64(photographs),
    bodies: bodies.map(({ bytes }) => bytes),
  };
}

/** Large ones, without a hand: then the photograph is searched twice. */
async function makePhotographs(): Promise<Uint8Array[]> {
  const rgb = Uint8Array.from({ length: 4096 * 3000 * 3 }, () => 96 + chance() * 64);
  return [
    progressiveJpeg({ side: 4096, scans: 16 }),
    progressiveJpeg({ side: 1024, scans: 64 }),
    await encodeJpeg({ width: 4096, height: 3000, rgb }, { quality: 60 }),
  ];
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
    `{${fields(480_000)}}`,
    `{"samples":[${Array(4900).fill("{}").join(",")}]}`,
    `{"samples":[${Array(5)
      .fill(`{"photo":"${"A".repeat(4_900_000)}"}`)
      .join(",")}]}`,
    `{"samples":[{"image":"${"\\/".repeat(390_000)}"}]}`,
    `["${"\\u0041".repeat(399_999)}"]`,
    `{"${"x".repeat(24_000_000)}":{${fields(4900)}}}`,
    `{"samples":${"[".repeat(31)}${"]".repeat(31)}}`,
    " ".repeat(24_000_000),
    "1".repeat(24_000_000),
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

async function timeOf(work: () => unknown): Promise<number> {
  const started = performance.now();
  try {
    await work();
  } catch {
    // A refusal takes its time, too.
  }
  return performance.now() - started;
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(chance() * list.length)] as T;
}

function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

async function timed({ baseUrl }: Instance, path: string, key: string, body: unknown): Promise<number> {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const started = performance.now();
  const response = await fetch(baseUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the other tenant got ${response.status}`);
  return performance.now() - started;
}

async function series(request: () => Promise<number>, count: number): Promise<number[]> {
  const took: number[] = [];
  while (took.length < count) took.push(await request());
  return took;
}

function print(
  what: string,
  { took_ms, usual, then, statuses }: Awaited<ReturnType<typeof compare>>,
  good: boolean,
) {
  const ms = (numbers: number[], p: number) => percentile(numbers, p).toFixed(0);
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  row(
    [what, ms(took_ms, 99), ms(usual, 50), ms(then, 50), ms(usual, 99), ms(then, 99), answers.join(", ")],
    good,
  );
}
