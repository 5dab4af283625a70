import { decideClaim, MARGIN } from "../../palm/index.ts";
import { type Actor, apiKeyOf, type Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Member } from "../member/member.ts";
import type { Project } from "../project/project.ts";
import { recordScan } from "../scan/recordScan.ts";
import type { Following } from "./galleries.ts";
import { readProbe, resolve, rowsOf, thresholdFor } from "./lookUp.ts";
import { refusePoor, type Sample } from "./sample.ts";
import { scoreOut } from "./score.ts";

export type VerifyCtx = Ctx<"extraction" | "galleries" | "palms" | "scans" | "commit">;

/** The result of a verification. `score` and `hand` are null on `no_match`. */
export interface Verification {
  scan_id: string;
  outcome: "match" | "no_match";
  score: number | null;
  threshold: number;
  hand: "left" | "right" | "unknown" | null;
  took_ms: number;
}

/**
 * Verifies that a palm is a member's. It must reach the threshold and be ahead of the project's other palms by the
 * margin, see `decideClaim`. Records one scan.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`, `no_hand`, `hand_mismatch`.
 */
export async function verifyPalm(
  ctx: VerifyCtx,
  input: {
    project: Project;
    environment: Environment;
    member: Member;
    sample: Sample;
    following?: Following | undefined;
    /** Who asks: the scan names its API key. */
    actor?: Actor;
    /** Aborted when the sender disconnects. */
    signal?: AbortSignal | undefined;
  },
): Promise<Verification> {
  const started = ctx.now();
  const { member, environment, project } = input;
  const following = input.following ?? ctx.galleries.follow(environment);
  const owner = project.organization_id;
  const { rows, probe } = await readProbe(ctx, { ...input, owner, following });
  const { claimed, others } = rows.compareClaim(probe.template, member.palm_ids, {
    ...rowsOf(environment, project),
    hand: probe.hand,
    poses: probe.poses,
    random: ctx.random,
  });
  const compared = claimed.length + others.count;
  refusePoor(probe, compared);
  const threshold = thresholdFor(environment, probe, { searched: claimed.length, compared });
  const known = await resolve(ctx, following.live, claimed, threshold);
  const own = known
    .filter(({ palm }) => palm.value.member_id === member.id)
    .map(({ candidate }) => candidate);
  const match = decideClaim({ claimed: own, others }, { threshold, margin: MARGIN });
  const outcome = match ? "match" : "no_match";
  const score = match ? scoreOut(match.score) : null;
  const scan_id = await recordScan(ctx, {
    project_id: member.project_id,
    api_key_id: apiKeyOf(input.actor),
    operation: "verify",
    outcome,
    member_id: null,
    score,
    pad_score: input.sample.pad_score ?? null,
  });
  return {
    scan_id,
    outcome,
    score,
    threshold,
    hand: match?.hand ?? null,
    took_ms: ctx.now().getTime() - started.getTime(),
  };
}
