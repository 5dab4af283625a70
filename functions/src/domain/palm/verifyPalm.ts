import { type Actor, apiKeyOf, type Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Member } from "../member/member.ts";
import type { Project } from "../project/project.ts";
import { recordScan } from "../scan/recordScan.ts";
import type { Following } from "./galleries.ts";
import { readProbe, resolve, thresholdFor } from "./lookUp.ts";
import type { Sample } from "./sample.ts";
import { scoreOut } from "./score.ts";

export type VerifyCtx = Ctx<"extraction" | "galleries" | "palms" | "scans" | "commit">;

/** What verification answers. `score` is null when there was nothing to compare, `hand` on `no_match`. */
export interface Verification {
  scan_id: string;
  outcome: "match" | "no_match";
  score: number | null;
  threshold: number;
  hand: "left" | "right" | "unknown" | null;
  took_ms: number;
}

/**
 * Is it this member's palm? Compares with the member's palms alone, and leaves one scan.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`.
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
  },
): Promise<Verification> {
  const started = ctx.now();
  const { member, environment } = input;
  const following = input.following ?? ctx.galleries.follow(environment);
  const owner = input.project.organization_id;
  const { rows, probe } = await readProbe(ctx, { ...input, owner, following });
  const candidates = rows.compare(probe.template, member.palm_ids, { hand: probe.hand });
  const threshold = thresholdFor(environment, candidates.length, probe);
  const known = await resolve(ctx, following.live, candidates, 0);
  const best = known.find(({ palm }) => palm.value.member_id === member.id)?.candidate;
  const outcome = best && best.score >= threshold ? "match" : "no_match";
  const score = best ? scoreOut(best.score) : null;
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
    hand: outcome === "match" && best ? best.hand : null,
    took_ms: ctx.now().getTime() - started.getTime(),
  };
}
