import { type Candidate, decide, type Gallery, MARGIN, uncalibratedThreshold } from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Project } from "../project/project.ts";
import { recordScan } from "../scan/recordScan.ts";
import type { Stored } from "../store.ts";
import type { Following } from "./galleries.ts";
import type { Palm } from "./palm.ts";
import { type Probe, readSample, refusePoor, type Sample } from "./sample.ts";
import { scoreOut, thresholdOf } from "./score.ts";

export type IdentifyCtx = Ctx<"galleries" | "palms" | "scans" | "commit">;

/** What identification answers. `member_id`, `score` and `hand` are null on `no_match`. */
export interface Identification {
  scan_id: string;
  outcome: "identified" | "no_match";
  member_id: string | null;
  score: number | null;
  threshold: number;
  hand: "left" | "right" | "unknown" | null;
  /** How many palms were compared. */
  searched: number;
  took_ms: number;
}

/**
 * Whose palm is this? Looks only at palms of the project, and leaves one scan.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`.
 */
export async function identifyPalm(
  ctx: IdentifyCtx,
  input: { project: Project; environment: Environment; sample: Sample; following?: Following | undefined },
): Promise<Identification> {
  const started = ctx.now();
  const { rows, probe } = await readProbe(ctx, input);

  const filter = { project_id: input.project.id, hand: probe.hand };
  const searched = rows.count(filter);
  const threshold = thresholdFor(input.environment, searched, probe);
  const candidates = search(rows, probe, filter);
  const known = await resolve(ctx, input.environment.id, candidates, threshold - MARGIN);
  const decision = decide(
    known.map(({ candidate }) => candidate),
    { threshold, margin: MARGIN },
  );

  const winner = decision.candidate;
  const member_id = winner?.member_id ?? null;
  const score = winner ? scoreOut(winner.score) : null;
  const scan_id = await recordScan(ctx, {
    project_id: input.project.id,
    operation: "identify",
    outcome: decision.outcome,
    member_id,
    score,
    pad_score: input.sample.pad_score ?? null,
  });
  return {
    scan_id,
    outcome: decision.outcome,
    member_id,
    score,
    threshold,
    hand: winner?.hand ?? null,
    searched,
    took_ms: ctx.now().getTime() - started.getTime(),
  };
}

/**
 * Reads a probe and brings the environment's gallery up to date, unless somebody has begun that (`following`).
 * Search right after it, without awaiting.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`, in this order.
 */
export async function readProbe(
  ctx: Ctx<"galleries">,
  input: { environment: Environment; sample: Sample; following?: Following | undefined },
): Promise<{ rows: Gallery; probe: Probe }> {
  const { environment, sample } = input;
  // The log is read while this thread extracts.
  const { live, synced } = input.following ?? ctx.galleries.follow(environment);
  const probe = readSample(sample, environment.template_format);
  await synced;
  refusePoor(probe);
  return { rows: live.rows, probe };
}

/** The score that a match must reach when a probe is searched among so many palms; of two digits. */
export function thresholdFor(environment: Environment, searched: number, probe: Probe): number {
  const threshold = uncalibratedThreshold({
    format: environment.template_format,
    probe: probe.samples > 1 ? "fused" : "single",
    target_fpir: environment.target_fpir,
    gallery_size: searched,
  });
  return thresholdOf(threshold);
}

/** The best palms for a probe. */
export function search(
  rows: Gallery,
  probe: Probe,
  filter: { project_id?: string; hand?: Probe["hand"] },
  exhaustive = false,
): Candidate[] {
  return rows.search(probe.template, { ...filter, k: 8, exhaustive });
}

/**
 * Reads the palm documents of the candidates that can matter: what was erased meanwhile falls out, and each
 * gets its member, which no gallery row knows.
 */
export async function resolve(
  ctx: Ctx<"palms">,
  environment_id: string,
  candidates: readonly Candidate[],
  atLeast: number,
): Promise<{ candidate: Candidate; palm: Stored<Palm> }[]> {
  const near = candidates.filter(({ score }) => score >= atLeast);
  if (near.length === 0) return [];
  const palms = await ctx.palms.getMany(
    environment_id,
    near.map(({ palm_id }) => palm_id),
  );
  const byId = new Map(palms.map((palm) => [palm.value.id, palm]));
  return near.flatMap((candidate) => {
    const palm = byId.get(candidate.palm_id);
    return palm ? [{ candidate: { ...candidate, member_id: palm.value.member_id }, palm }] : [];
  });
}
