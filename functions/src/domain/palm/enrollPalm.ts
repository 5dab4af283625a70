import type { Hand } from "../../palm/index.ts";
import { type Actor, apiKeyOf, type Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, invalid, notFound } from "../errors.ts";
import { isServerLookupOn, type Project } from "../project/project.ts";
import { type EnrolCtx, enrolTemplate, type Ground } from "./enrolTemplate.ts";
import type { Following } from "./galleries.ts";
import type { Palm } from "./palm.ts";
import { fuse, inspectSample, leastLively, type Probe, readSample, type Sample } from "./sample.ts";

export type EnrollCtx = EnrolCtx & Ctx<"extraction" | "galleries">;

/**
 * Enrols one palm of a member from 1..5 samples of it. With server lookup on, a palm that this member has already is
 * replaced. With server lookup off it is replaced only when `replace` says so: else the answer is the same as for
 * another member's palm, so that enrollment does not tell whose palm it is.
 * @throws DomainError `invalid_request`, `too_large`, `not_found` (no such member), `expired`, `poor_quality`,
 * `no_hand`, `hand_mismatch`, `template_mismatch`, `duplicate_palm`, `limit_reached`, `unavailable`.
 */
export async function enrollPalm(
  ctx: EnrollCtx,
  input: {
    project: Project;
    environment: Environment;
    member_id: string;
    samples: readonly Sample[];
    /** Without effect while server lookup is on. */
    replace?: boolean;
    /** The gallery, when somebody has begun to follow it. */
    following?: Following | undefined;
    /** Who asks: the scan names its API key. */
    actor?: Actor;
    /** Aborted when the sender disconnects. */
    signal?: AbortSignal | undefined;
  },
): Promise<Palm> {
  const { project, environment, samples } = input;
  const [format, owner] = [environment.template_format, project.organization_id];
  for (const sample of samples) await inspectSample(sample, format);
  const { live, synced } = input.following ?? ctx.galleries.follow(environment);
  const look = async (): Promise<Ground<Palm> | undefined> => {
    const member = await ctx.members.get(project.id, input.member_id);
    return member && { member, finish: effectOn };
  };
  const ground = await look();
  if (!ground) throw notFound();
  // Pictures cost time: nobody has it spent on a member who is not there.
  // The poses of one sample are enough to find a duplicate that was enrolled from a turned hand.
  const read = (sample: Sample) =>
    readSample(ctx, sample, { format, owner, poses: sample === samples.at(-1), signal: input.signal });
  const probes = await Promise.all(samples.map(read));
  const hand = commonHand(probes, samples);
  const key = await synced;
  const lookup = isServerLookupOn(project, environment);
  const palm = await enrolTemplate(ctx, {
    ...{ project, environment, live, key, ground, look },
    probe: fuse(probes, hand),
    samples: probes.length,
    pad_score: leastLively(samples.map(({ pad_score }) => pad_score)),
    captured: { source: "api", device_id: null, api_key_id: apiKeyOf(input.actor), session_id: null },
    replace: lookup || input.replace === true,
    duplicate: lookup ? "This palm is enrolled for another member." : "This palm is enrolled already.",
  });
  if (!palm) throw notFound();
  return palm;
}

const effectOn: Ground<Palm>["finish"] = (palm, replaced) => ({
  target: { type: "palm", id: palm.id },
  ...(replaced && { operation: "enrollPalm.replace" }),
  writes: [],
  result: palm,
});

/**
 * The one hand of all samples, `unknown` ones joining any.
 * @throws DomainError `invalid_request` where hands that were said differ, `hand_mismatch` where a photograph shows another
 */
function commonHand(probes: readonly Probe[], samples: readonly Sample[]): Hand {
  const said = new Set<Hand>();
  for (const [index, { hand }] of probes.entries()) {
    if (hand !== "unknown") said.add(hand);
    if (said.size > 1) {
      throw invalid(`${samples[index]?.path}.hand`, "is another hand than that of the samples before");
    }
  }
  const [hand = "unknown", ...others] = new Set(
    probes.map(({ seenHand }) => seenHand).filter((one) => one !== "unknown"),
  );
  if (others.length === 0) return hand;
  throw new DomainError("hand_mismatch", "The samples do not show the same hand; take them again.");
}
