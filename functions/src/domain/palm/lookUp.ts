import { type Candidate, decide, type Gallery, MARGIN, searchThreshold } from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Project } from "../project/project.ts";
import type { Stored } from "../store.ts";
import type { Following, LiveGallery } from "./galleries.ts";
import type { Palm } from "./palm.ts";
import { kindOf, type Probe, readSample, refuseGivenTemplate, refusePoor, type Sample } from "./sample.ts";
import { scoreOut } from "./score.ts";

/** Whose palm it is. `member_id`, `score` and `hand` are null on `no_match`. */
export interface Answer {
  outcome: "identified" | "no_match";
  /** Null in a global environment, too. */
  member_id: string | null;
  score: number | null;
  threshold: number;
  hand: "left" | "right" | "unknown" | null;
  /** How many palms were compared. */
  searched: number;
}

/**
 * Whose palm is this, among those that the project sees?
 * @throws DomainError `invalid_request`, `too_large`, `unavailable`, `expired`, `poor_quality`, `no_hand`, `hand_mismatch`.
 */
export async function lookUp(
  ctx: Ctx<"extraction" | "palms">,
  input: {
    project: Project;
    environment: Environment;
    sample: Sample;
    following: Following;
    /** Aborted when the sender disconnects. */
    signal?: AbortSignal | undefined;
  },
): Promise<Answer> {
  const { environment } = input;
  const { rows, probe } = await readProbe(ctx, { ...input, owner: input.project.organization_id });
  const filter = { ...rowsOf(environment, input.project), hand: probe.hand };
  const searched = rows.count(filter);
  refusePoor(probe, searched);
  const threshold = thresholdFor(environment, probe, { searched });
  const candidates = search(rows, probe, filter);
  const known = await resolve(ctx, input.following.live, candidates, threshold - MARGIN);
  const { outcome, candidate } = decide(
    known.map(({ candidate }) => candidate),
    { threshold, margin: MARGIN },
  );
  return {
    outcome,
    member_id: candidate?.member_id ?? null,
    score: candidate ? scoreOut(candidate.score) : null,
    threshold,
    hand: candidate?.hand ?? null,
    searched,
  };
}

/**
 * Reads a probe while the environment's gallery is brought up to date. Search right after it, without awaiting.
 * @throws DomainError `invalid_request`, `too_large`, `no_hand`, `hand_mismatch`, `expired`, in this order.
 */
export async function readProbe(
  ctx: Ctx<"extraction">,
  input: {
    environment: Environment;
    sample: Sample;
    owner: string;
    following: Following;
    signal?: AbortSignal | undefined;
  },
): Promise<{ rows: Gallery; probe: Probe }> {
  const { environment, sample, owner, following, signal } = input;
  refuseGivenTemplate(environment, sample);
  // The log is read while another thread extracts.
  const format = environment.template_format;
  const probe = await readSample(ctx, sample, { format, owner, poses: true, signal });
  await following.synced;
  return { rows: following.live.rows, probe };
}

/** Which palms a project sees: its own; in a global environment, where palms are nobody's, all. */
export const rowsOf = ({ type }: Environment, { id }: Project): { project_id?: string } =>
  type === "global" ? {} : { project_id: id };

/**
 * The score, of two digits, that a match must reach when a probe is searched among so many palms.
 * @param compared how many palms are compared, where only `searched` of them may match
 */
export function thresholdFor(
  environment: Environment,
  probe: Probe,
  { searched, compared = searched }: { searched: number; compared?: number },
): number {
  const { calibration } = environment;
  return searchThreshold({
    format: environment.template_format,
    probe: kindOf(probe),
    target_fpir: environment.target_fpir,
    gallery_size: searched,
    compared,
    // Enrolled palms are fused: the tail of single probes is no higher.
    tails: calibration ? { single: calibration, fused: calibration } : undefined,
  });
}

/** The best palms for a probe. */
export function search(
  rows: Gallery,
  probe: Probe,
  filter: { project_id?: string; hand?: Probe["hand"] },
): Candidate[] {
  return rows.search(probe.template, { ...filter, k: 8, poses: probe.poses });
}

/**
 * Reads the palm documents of the candidates that can matter: what was erased meanwhile falls out, and each
 * gets its member, which no gallery row knows. A document that was edited in the database is reported and counts as
 * absent; so does one that is older than the row that matched, for an older one was put back. A newer one counts: the
 * palm was replaced in the meantime, by its own member.
 */
export async function resolve(
  ctx: Ctx<"palms">,
  live: Pick<LiveGallery, "environment_id" | "links">,
  candidates: readonly Candidate[],
  atLeast: number,
): Promise<{ candidate: Candidate; palm: Stored<Palm> }[]> {
  const near = candidates.filter(({ score }) => score >= atLeast);
  if (near.length === 0) return [];
  const { environment_id } = live;
  const { palms, malformed } = await ctx.palms.find(
    environment_id,
    near.map(({ palm_id }) => palm_id),
  );
  const report = (palm_id: string, fault: string) =>
    ctx.log.error("refusing a palm document that was edited", { environment_id, palm_id, fault });
  for (const palm_id of malformed) report(palm_id, "malformed");
  const { links } = live;
  const byId = new Map(palms.map((palm) => [palm.value.id, palm]));
  return near.flatMap((candidate) => {
    const palm = byId.get(candidate.palm_id);
    if (!palm) return [];
    const isOlder = candidate.seq !== undefined && palm.value.seq < candidate.seq;
    const fault = links.faultOfPalm(palm.value) ?? (isOlder ? "older" : undefined);
    if (fault) report(candidate.palm_id, fault);
    return !fault ? [{ candidate: { ...candidate, member_id: palm.value.member_id }, palm }] : [];
  });
}
