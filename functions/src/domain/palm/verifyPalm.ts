import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { unavailable } from "../errors.ts";
import type { Member } from "../member/member.ts";
import { resolve, thresholdFor } from "./identifyPalm.ts";
import { readSample, refusePoor, type Sample } from "./sample.ts";
import { scoreOut } from "./score.ts";

export type VerifyCtx = Ctx<"galleries" | "palms" | "scans" | "commit">;

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
  input: { environment: Environment; member: Member; sample: Sample },
): Promise<Verification> {
  const started = ctx.now();
  const { member, environment } = input;
  const live = ctx.galleries.open(environment);
  const synced = live.sync();
  // The log is read while this thread extracts; a refused sample must not leave that read unheard.
  synced.catch(() => undefined);
  const probe = readSample(input.sample, environment.template_format);
  await synced;
  refusePoor(probe);

  const candidates = live.rows.compare(probe.template, member.palm_ids, { hand: probe.hand });
  const threshold = thresholdFor(environment, candidates.length, probe);
  const known = await resolve(ctx, environment.id, candidates, 0);
  const best = known.find(({ palm }) => palm.value.member_id === member.id)?.candidate;
  const outcome = best && best.score >= threshold ? "match" : "no_match";
  const score = best ? scoreOut(best.score) : null;
  const scan_id = ctx.id();
  const scan = ctx.scans.create({
    id: scan_id,
    project_id: member.project_id,
    device_id: null,
    source: "api",
    operation: "verify",
    outcome,
    member_id: null,
    score,
    pad_score: input.sample.pad_score ?? null,
    created_at: ctx.now(),
  });
  if ((await ctx.commit([scan])) === "conflict") throw unavailable();
  return {
    scan_id,
    outcome,
    score,
    threshold,
    hand: outcome === "match" && best ? best.hand : null,
    took_ms: ctx.now().getTime() - started.getTime(),
  };
}
