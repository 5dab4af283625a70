import { type Actor, apiKeyOf, type Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import type { Project } from "../project/project.ts";
import { recordScan } from "../scan/recordScan.ts";
import type { Following } from "./galleries.ts";
import { type Answer, lookUp } from "./lookUp.ts";
import type { Sample } from "./sample.ts";

export type IdentifyCtx = Ctx<"extraction" | "galleries" | "palms" | "scans" | "commit">;

/** What identification answers. */
export interface Identification extends Answer {
  scan_id: string;
  took_ms: number;
}

/**
 * Whose palm is this? Looks only at palms of the project, and leaves one scan.
 * @throws DomainError `invalid_request`, `too_large`, `expired`, `poor_quality`, `no_hand`, `hand_mismatch`.
 */
export async function identifyPalm(
  ctx: IdentifyCtx,
  input: {
    project: Project;
    environment: Environment;
    sample: Sample;
    following?: Following | undefined;
    /** Who asks: the scan names its API key. */
    actor?: Actor;
    /** Aborted when the sender disconnects. */
    signal?: AbortSignal | undefined;
  },
): Promise<Identification> {
  const started = ctx.now();
  const { project, sample } = input;
  const following = input.following ?? ctx.galleries.follow(input.environment);
  const answer = await lookUp(ctx, { ...input, following });
  const { outcome, member_id, score } = answer;
  const pad_score = sample.pad_score ?? null;
  const scan_id = await recordScan(ctx, {
    api_key_id: apiKeyOf(input.actor),
    ...{ project_id: project.id, operation: "identify", outcome, member_id, score, pad_score },
  });
  return { scan_id, ...answer, took_ms: ctx.now().getTime() - started.getTime() };
}
