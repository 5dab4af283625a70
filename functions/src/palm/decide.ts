import type { Candidate, ClaimResult } from "./gallery.ts";

/** When to believe the best candidate; both on the scale of scores, 0..1. */
export interface DecisionPolicy {
  /** The least score. */
  threshold: number;
  /** How far the best must be ahead of the next member. */
  margin: number;
}

export type Decision =
  | { outcome: "identified"; candidate: Candidate }
  | { outcome: "no_match"; candidate: null };

/** Differences of scores are differences of doubles: 0.7 − 0.6 is as far ahead as 0.1. */
const EPSILON = 1e-9;

/**
 * The open-set decision over the candidates of a search. A member scores as its best palm; the best
 * member is identified from `threshold` on, when ahead of every other by `margin`. A palm without a
 * member stands for itself. A draw is never an identification.
 */
export function decide(candidates: readonly Candidate[], { threshold, margin }: DecisionPolicy): Decision {
  const nobody = { outcome: "no_match", candidate: null } as const;
  const best = candidates.reduce<Candidate | undefined>(
    (a, b) => (a && a.score >= b.score ? a : b),
    undefined,
  );
  if (best === undefined || !(best.score >= threshold)) return nobody;
  const lead = Math.max(margin - EPSILON, EPSILON);
  const contested = candidates.some(
    (other) => !samePerson(best, other) && !(best.score - other.score >= lead),
  );
  return contested ? nobody : { outcome: "identified", candidate: best };
}

/**
 * Whether a probe is of the palms that it is claimed to be of: the best of them reaches the threshold and is ahead of
 * the other palms by the margin. A forged palm that is alike to many people fails the second condition.
 * @returns the claimed palm; undefined when the claim is refused
 */
export function decideClaim(
  { claimed, others }: ClaimResult,
  { threshold, margin }: DecisionPolicy,
): Candidate | undefined {
  const [best] = claimed;
  if (best === undefined || !(best.score >= threshold)) return undefined;
  return best.score - others.highest >= margin - EPSILON ? best : undefined;
}

function samePerson(a: Candidate, b: Candidate): boolean {
  return a.palm_id === b.palm_id || (a.member_id !== null && a.member_id === b.member_id);
}
