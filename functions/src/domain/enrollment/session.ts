import type { Hand } from "../../palm/index.ts";
import type { ErrorCode } from "../errors.ts";
import type { Stored, Write } from "../store.ts";

export const STATUSES = ["pending", "capturing", "completed", "failed", "cancelled", "expired"] as const;
export type Status = (typeof STATUSES)[number];

/** Why a sample was refused, after which the session goes on. */
const PASSING = [
  "poor_quality",
  "no_hand",
  "hand_mismatch",
  "template_mismatch",
] as const satisfies readonly ErrorCode[];
export type PassingRejection = (typeof PASSING)[number];

/** Why a sample, or with the last one the whole session, was refused. */
export const REJECTIONS = [
  ...PASSING,
  "duplicate_palm",
  "limit_reached",
] as const satisfies readonly ErrorCode[];
export type Rejection = (typeof REJECTIONS)[number];

/** Whether an error's code refuses a sample, but not the session. */
export const isPassing = (code: ErrorCode): code is PassingRejection =>
  (PASSING as readonly ErrorCode[]).includes(code);

/** An accepted sample that waits for the others, sealed under its environment's key. */
export interface HeldSample {
  sample_id: string;
  hand: Hand;
  pad_score: number | null;
  template: Uint8Array;
}

/**
 * The enrolment of one palm at one terminal. The session that was started last on a device is a part of the device's
 * document, so that there is at most one; earlier ones are put away (docs/adr/0012-a-session-lives-in-its-device.md).
 */
export interface Session {
  id: string;
  device_id: string;
  project_id: string;
  /** Null in a global environment. */
  member_id: string | null;
  hand: Hand;
  status: Status;
  samples_required: number;
  samples_accepted: number;
  last_rejection: { code: Rejection; at: Date } | null;
  /** From 1; every change adds 1. */
  version: number;
  created_at: Date;
  updated_at: Date;
  /** An active session ends then by itself. */
  expires_at: Date;
  /** Null unless completed. */
  completed_at: Date | null;
  /** Every sample that was judged, accepted or not: sent again, it changes nothing. */
  sample_ids: readonly string[];
  /** Those accepted so far, in their order; none once the session has ended. */
  held: readonly HeldSample[];
}

/** Sessions that another one has displaced from their device; kept a day. */
export interface Sessions {
  get(device_id: string, id: string): Promise<Stored<Session> | undefined>;
  create(session: Session): Write;
}

/** What may happen to a session, who may cause it, and where it leads; from anywhere else it cannot happen. */
export const MACHINE = {
  accept: { by: ["terminal"], to: { pending: "capturing", capturing: "capturing" } },
  refuse: { by: ["terminal"], to: { pending: "pending", capturing: "capturing" } },
  complete: { by: ["terminal"], to: { pending: "completed", capturing: "completed" } },
  fail: { by: ["terminal"], to: { pending: "failed", capturing: "failed" } },
  // The house: because the member, a palm of theirs or the device goes, or the device is disabled.
  cancel: { by: ["caller", "house"], to: { pending: "cancelled", capturing: "cancelled" } },
  expire: { by: ["clock"], to: { pending: "expired", capturing: "expired" } },
} as const satisfies Record<string, Transition>;

interface Transition {
  by: readonly Party[];
  to: Partial<Record<Status, Status>>;
}

export type Party = "terminal" | "caller" | "house" | "clock";
export type SessionEvent = keyof typeof MACHINE;

/** How long a session that has ended is still told of, in ms. */
export const TOLD_MS = 24 * 60 * 60_000;

export const isActive = ({ status }: Session): boolean => status === "pending" || status === "capturing";

/** What the session is at a time: one that nobody has ended by its `expires_at` ended then, whether stored so or not. */
export const asOf = (session: Session, at: Date): Session =>
  isActive(session) && at >= session.expires_at
    ? advance(session, "expire", "clock", session.expires_at)
    : session;

/** The active session of a device at a time, if any. */
export function activeSession({ session }: { session: Session | null }, at: Date): Session | undefined {
  const now = session && asOf(session, at);
  return now && isActive(now) ? now : undefined;
}

/**
 * The session after an event. What it holds goes with its end.
 * @throws Error where the event cannot happen: whoever causes it looks first.
 */
export function advance(
  session: Session,
  event: SessionEvent,
  by: Party,
  at: Date,
  more: Partial<Session> = {},
): Session {
  const transition: Transition = MACHINE[event];
  const status = transition.to[session.status];
  if (!status || !transition.by.includes(by)) {
    throw new Error(`a ${session.status} session cannot ${event} by the ${by}`);
  }
  const next: Session = { ...session, ...more, status, version: session.version + 1, updated_at: at };
  return isActive(next) ? next : { ...next, held: [] };
}

export function startSession(
  input: Pick<
    Session,
    | "id"
    | "device_id"
    | "project_id"
    | "member_id"
    | "hand"
    | "samples_required"
    | "created_at"
    | "expires_at"
  >,
): Session {
  return {
    ...input,
    status: "pending",
    samples_accepted: 0,
    last_rejection: null,
    version: 1,
    updated_at: input.created_at,
    completed_at: null,
    sample_ids: [],
    held: [],
  };
}

/** A sample was judged, accepted or not. */
const judged = ({ sample_ids }: Session, sample_id: string) => ({ sample_ids: [...sample_ids, sample_id] });

const accepted = (session: Session, sample_id: string) => ({
  ...judged(session, sample_id),
  samples_accepted: session.samples_accepted + 1,
});

/** One more sample is accepted; more are to come. */
export const accept = (session: Session, sample: HeldSample, at: Date): Session =>
  advance(session, "accept", "terminal", at, {
    ...accepted(session, sample.sample_id),
    held: [...session.held, sample],
  });

/** A sample is refused; the session goes on. */
export const refuse = (session: Session, sample_id: string, code: PassingRejection, at: Date): Session =>
  advance(session, "refuse", "terminal", at, {
    ...judged(session, sample_id),
    last_rejection: { code, at },
  });

/** The last sample is accepted, and the palm enrolled. */
export const complete = (session: Session, sample_id: string, at: Date): Session =>
  advance(session, "complete", "terminal", at, {
    ...accepted(session, sample_id),
    completed_at: at,
  });

/** The last sample is accepted, but the palm cannot be enrolled. */
export const fail = (
  session: Session,
  sample_id: string,
  code: "duplicate_palm" | "limit_reached",
  at: Date,
): Session =>
  advance(session, "fail", "terminal", at, {
    ...accepted(session, sample_id),
    last_rejection: { code, at },
  });
