/**
 * What four operations of the API come down to: the documents that they read and write, in as many rounds, those of
 * the limiter included, and the palm engine. Nobody checks anything: a token is an API key's id, and all are let in.
 */
import { randomUUID } from "node:crypto";
import type { HttpFunction } from "@google-cloud/functions-framework";
import { createChanges } from "../../functions/src/data/changes.ts";
import { openFirestore } from "../../functions/src/data/firestore.ts";
import { createSealing, parseKeyring } from "../../functions/src/data/keyring.ts";
import { LiveGallery } from "../../functions/src/domain/palm/galleries.ts";
import { scoreOut } from "../../functions/src/domain/palm/score.ts";
import {
  decide,
  decodeImage,
  extractProbe,
  MARGIN,
  searchThreshold,
} from "../../functions/src/palm/index.ts";

type Request = Parameters<HttpFunction>[0];
type Response = Parameters<HttpFunction>[1];
type Data = Record<string, unknown>;

const MINUTE_MS = 60_000;
const AUDIT_RETENTION_MS = 400 * 24 * 60 * MINUTE_MS;

const db = openFirestore(process.env["GCLOUD_PROJECT"] ?? "");

const read = async (path: string): Promise<Data> => (await db.doc(path).get()).data() ?? {};

export const members: HttpFunction = async (request, response) => {
  leaveDomain();
  const { project_id, key_id, member_id } = named(request);
  if (member_id) {
    const member = read(`projects/${project_id}/members/${member_id}`);
    const { touched } = await enter(key_id, project_id);
    await touched;
    return send(response, 200, toMember(await member));
  }
  const { project, touched } = await enter(key_id, project_id);
  const collection = db.collection(`projects/${project_id}/members`);
  if (request.method === "GET") {
    const per_page = Number(request.query["per_page"]);
    const ordered = collection.orderBy("created_at", "desc").orderBy("__name__", "asc");
    const [{ docs }, counted] = await Promise.all([ordered.limit(per_page + 1).get(), ordered.count().get()]);
    const items = docs.slice(0, per_page).map((doc) => doc.data());
    const last = items.at(-1);
    await touched;
    return send(response, 200, {
      items: items.map(toMember),
      page: 1,
      per_page,
      total_count: counted.data().count,
      next_cursor:
        docs.length > per_page && last
          ? Buffer.from(`${last["created_at"].toMillis()}.${last["id"]}`).toString("base64url")
          : null,
    });
  }
  const { name, email, metadata } = request.body;
  const now = new Date();
  const id = randomUUID();
  const facts = { id, project_id, name, external_id: null, email, phone_number: null };
  const entry_id = randomUUID();
  const { organization_id } = project;
  const batch = db.batch();
  batch.create(collection.doc(id), {
    ...{ ...facts, metadata: JSON.stringify(metadata), palm_ids: [], last_session_id: null },
    ...{ created_at: now, updated_at: now },
  });
  batch.create(db.doc(`organizations/${organization_id}/audit/${entry_id}`), {
    ...{ id: entry_id, organization_id, project_id, actor: { type: "api_key", id: key_id } },
    ...{ operation: "createMember", target: { type: "member", id }, request_id: randomUUID() },
    client_request_id: null,
    ...{ created_at: now, expires_at: new Date(now.getTime() + AUDIT_RETENTION_MS) },
  });
  await Promise.all([batch.commit(), touched]);
  const at = now.toISOString();
  return send(response, 201, { ...facts, metadata, palms: 0, created_at: at, updated_at: at });
};

/** As the house does (docs/adr/0007-leaving-the-domain.md): in it the floor would be slower than the house. */
function leaveDomain(): void {
  (process as { domain?: { exit(): void } }).domain?.exit();
}

/** The environment's palms, read once by the house's own code. */
const galleries = new Map<string, Promise<LiveGallery>>();

async function openGallery(id: string): Promise<LiveGallery> {
  const sealing = createSealing(parseKeyring("TEMPLATE_KEYS", process.env["TEMPLATE_KEYS"] ?? ""));
  const live = new LiveGallery(
    { id, template_format: "palm-code.v1" },
    { changes: createChanges(db), sealing, log: console },
  );
  await live.sync();
  return live;
}

export const identify: HttpFunction = async (request, response) => {
  leaveDomain();
  const started = Date.now();
  const { project_id, key_id } = named(request);
  let opened: Promise<LiveGallery> | undefined;
  const { project, environment, synced, touched } = await enter(
    key_id,
    project_id,
    async (environment_id) => {
      opened = galleries.get(environment_id) ?? openGallery(environment_id);
      galleries.set(environment_id, opened);
      const { seq } = await opened;
      const home = db.collection("environments").doc(environment_id);
      const [, { empty }] = await Promise.all([
        home.collection("gallery").doc("current").get(),
        home
          .collection("changes")
          .orderBy("__name__")
          .startAfter(String(seq).padStart(12, "0"))
          .limit(1000)
          .get(),
      ]);
      if (!empty) throw new Error("the gallery has changed");
    },
  );
  const { template, poses } = extractProbe(await decodeImage(Buffer.from(request.body.image, "base64")), {
    hand: "unknown",
  });
  await synced;
  const { rows } = (await opened) as LiveGallery;
  const searched = rows.count({ project_id });
  const threshold = searchThreshold({
    ...{ format: "palm-code.v1", probe: "single", gallery_size: searched },
    target_fpir: environment["target_fpir"] as number,
  });
  const near = rows
    .search(template, { project_id, hand: "unknown", k: 8, poses })
    .filter(({ score }) => score >= threshold - MARGIN);
  const palms =
    near.length > 0 ? await db.getAll(...near.map(({ palm_id }) => palmRef(project, palm_id))) : [];
  const candidates = near.map((candidate, n) => ({ ...candidate, member_id: palms[n]?.get("member_id") }));
  const { outcome, candidate } = decide(candidates, { threshold, margin: MARGIN });
  const scan_id = randomUUID();
  const member_id = candidate?.member_id ?? null;
  const score = candidate ? scoreOut(candidate.score) : null;
  const scan = db.doc(`projects/${project_id}/scans/${scan_id}`).create({
    ...{ id: scan_id, project_id, device_id: null, source: "api", operation: "identify", outcome },
    ...{ member_id, score, pad_score: null, created_at: new Date() },
  });
  await Promise.all([scan, touched]);
  return send(response, 200, {
    ...{ scan_id, outcome, member_id, score, threshold, hand: candidate?.hand ?? null },
    ...{ searched, took_ms: Date.now() - started },
  });
};

const palmRef = ({ environment_id }: Data, palm_id: string) =>
  db.doc(`environments/${environment_id}/palms/${palm_id}`);

function named(request: Request) {
  const [, , , project_id = "", , member_id] = request.path.split("/");
  return { project_id, member_id, key_id: request.headers.authorization?.slice("Bearer ".length) ?? "" };
}

/** Two rounds: key and project, then environment, budget and whatever else can begin there. */
async function enter(key_id: string, project_id: string, begin?: (environment_id: string) => Promise<void>) {
  const [key, project] = await Promise.all([read(`apikeys/${key_id}`), read(`projects/${project_id}`)]);
  const synced = begin?.(project["environment_id"] as string);
  const [environment] = await Promise.all([
    read(`environments/${project["environment_id"]}`),
    take(key["organization_id"] as string),
  ]);
  return { project, environment, synced, touched: touch(key) };
}

/** When a key was used last is written once a minute. */
async function touch({ id, last_used_at }: Data): Promise<void> {
  const before = (last_used_at as { toMillis(): number } | null)?.toMillis() ?? 0;
  if (Date.now() - before >= MINUTE_MS) await db.doc(`apikeys/${id}`).update({ last_used_at: new Date() });
}

/** How long the tokens of a take last, and how many a shard has. */
const LEASE_MS = 250;
const SHARD = 250;
const SHARDS = 20;

interface Budget {
  /** Tokens that are taken, until when, and how many wait for one. */
  left: number;
  ends: number;
  waiting: number;
  /** How many were asked for in about the last lease. */
  demand: number;
  demand_at: number;
  plan_at: number;
  shard: number;
  free: number;
  grants: { until: number; tokens: number }[];
  taking: Promise<void> | undefined;
}

const NEW = { left: 0, ends: 0, waiting: 0, demand: 0, demand_at: 0, plan_at: 0, shard: 0, free: 0 };
const budgets = new Map<string, Budget>();

/** A token: one write for about as many as are asked for in a lease, as the house's limiter does it. */
async function take(organization_id: string): Promise<void> {
  const budget = budgets.get(organization_id) ?? { ...NEW, grants: [], taking: undefined };
  budgets.set(organization_id, budget);
  const now = Date.now();
  budget.demand = budget.demand * Math.max(0, 1 - (now - budget.demand_at) / LEASE_MS) + 1;
  budget.demand_at = now;
  budget.waiting += 1;
  while (budget.left === 0 || Date.now() >= budget.ends) {
    budget.taking ??= refill(organization_id, budget).finally(() => {
      budget.taking = undefined;
    });
    await budget.taking;
  }
  budget.left -= 1;
  budget.waiting -= 1;
}

async function refill(organization_id: string, budget: Budget): Promise<void> {
  budget.free += budget.left;
  const isStale = Date.now() >= budget.plan_at + MINUTE_MS;
  const isUsedUp = budget.free === 0;
  if (isUsedUp) Object.assign(budget, { shard: (budget.shard + 1) % SHARDS, free: SHARD });
  const ref = db.doc(`budgets/floor-${organization_id}-${budget.shard}`);
  if (isStale || isUsedUp) {
    const [known] = await Promise.all([ref.get(), isStale && read(`organizations/${organization_id}`)]);
    budget.grants = known.data()?.["grants"] ?? [];
    if (isStale) budget.plan_at = Date.now();
  }
  const now = Date.now();
  const ready = Math.min(budget.free, budget.waiting);
  const ahead = Math.min(Math.ceil(budget.demand) - 1, Math.floor(budget.free / 2), budget.free - ready);
  const until = now + MINUTE_MS + LEASE_MS;
  const taken = [ready, ahead].map((tokens, n) => ({ until: until + n * LEASE_MS, tokens }));
  budget.grants = [...budget.grants, ...taken].filter((grant) => grant.until > now && grant.tokens > 0);
  await ref.set({ grants: budget.grants, expires_at: new Date(until + LEASE_MS) });
  Object.assign(budget, { left: ready + ahead, free: budget.free - ready - ahead, ends: now + LEASE_MS });
}

const iso = (at: unknown): string => (at as { toDate(): Date }).toDate().toISOString();

function toMember({ palm_ids, last_session_id: _, metadata, created_at, updated_at, ...facts }: Data): Data {
  return {
    ...facts,
    metadata: JSON.parse(metadata as string),
    palms: (palm_ids as string[]).length,
    created_at: iso(created_at),
    updated_at: iso(updated_at),
  };
}

function send(response: Response, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
