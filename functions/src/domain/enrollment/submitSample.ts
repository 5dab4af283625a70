import { type Hand, readTemplate } from "../../palm/index.ts";
import { AGAIN, changeStored } from "../change.ts";
import type { Ctx } from "../context.ts";
import { type Device, disabled } from "../device/device.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, notFound, unauthenticated } from "../errors.ts";
import { type EnrolCtx, enrolTemplate, type Ground } from "../palm/enrolTemplate.ts";
import type { Following } from "../palm/galleries.ts";
import {
  fuse,
  leastLively,
  type Probe,
  readSample,
  refuseGivenTemplate,
  type Sample,
} from "../palm/sample.ts";
import { type DataKey, sampleSeal } from "../palm/sealing.ts";
import type { Project } from "../project/project.ts";
import type { Effect, Stored } from "../store.ts";
import { findSession } from "./findSession.ts";
import {
  accept,
  activeSession,
  asOf,
  complete,
  fail,
  isActive,
  isPassing,
  type PassingRejection,
  refuse,
  type Session,
} from "./session.ts";

export type SubmitCtx = EnrolCtx & Ctx<"devices" | "extraction" | "galleries" | "sessions">;

/** One sample of a session, and where it goes. */
interface Submission {
  project: Project;
  environment: Environment;
  device: Stored<Device>;
  session: Session;
  sample_id: string;
  sample: Sample;
  /** The gallery, when somebody has begun to follow it. */
  following?: Following | undefined;
  /** Aborted when the sender disconnects. */
  signal?: AbortSignal | undefined;
}

/**
 * Judges one sample of a session: it is refused, or held until the last one completes the session, which enrols the
 * palm, records a scan and emits in the same batch. A sample counts once; a completed session stays as it is.
 * @returns the session as it is then.
 * @throws DomainError `invalid_request`, `too_large`, `expired` (the session has ended otherwise, or the environment's
 * key was destroyed), `unauthenticated` (the device is gone), `device_disabled`, `not_found`, `unavailable`.
 */
export async function submitSample(ctx: SubmitCtx, input: Submission): Promise<Session> {
  const { environment, sample, sample_id } = input;
  const { id, hand } = input.session;
  // A template says itself of which hand it is, or nobody does.
  const taken = sample.picture ? { ...sample, hand: sample.hand ?? hand } : sample;
  refuseGivenTemplate(environment, taken);
  const probe = await readSample(ctx, taken, {
    format: environment.template_format,
    owner: input.project.organization_id,
    poses: true,
    signal: input.signal,
  }).catch(passingRejection);
  const following = input.following ?? ctx.galleries.follow(environment);
  const read = async () => {
    const device = await ctx.devices.get(input.device.value.id);
    if (!device) throw unauthenticated();
    return device;
  };
  return changeStored(ctx, input.device, read, async (device) => {
    if (!device.value.enabled) throw disabled();
    const stored = await findSession(ctx, device.value, id);
    if (!stored) throw notFound();
    const now = asOf(stored, ctx.now());
    if (now.sample_ids.includes(sample_id) || now.status === "completed") {
      if (now === stored) return now;
      // It has expired: as in tidyDevice, whoever tells so stores it first.
      const outcome = await ctx.commit([ctx.devices.replace(device, { ...device.value, session: now })]);
      return outcome === "committed" ? now : AGAIN;
    }
    if (!isActive(now) || device.value.session?.id !== id) throw over();
    const key = await following.synced;
    return judge(ctx, { ...input, device, session: now, following, key, probe });
  });
}

/** What goes on in an attempt: an active session of the device, as it was read. */
type Attempt = Submission & { following: Following; key: DataKey; probe: Probe };

/** The code of an error that refuses the sample alone. @throws any other error */
function passingRejection(error: unknown): PassingRejection {
  if (error instanceof DomainError && isPassing(error.code)) return error.code;
  throw error;
}

async function judge(
  ctx: SubmitCtx,
  attempt: Omit<Attempt, "probe"> & { probe: Probe | PassingRejection },
): Promise<Session | typeof AGAIN> {
  const { environment, device, session, sample, sample_id, key, probe } = attempt;
  const held = session.held.map(({ sample_id, hand, template }): Probe => {
    const opened = key.open(template, sampleSeal(environment.id, session.id, sample_id));
    const { quality, samples, votes } = readTemplate(opened);
    return { template: opened, hand, seenHand: hand, quality, samples, votes };
  });
  const change = async (to: (session: Session, at: Date) => Session) => {
    const at = ctx.now();
    const { target, writes, result } = changing(ctx, device, to(current(device.value, at), at));
    return (await ctx.commit(writes, { target, result })) === "committed" ? result : AGAIN;
  };

  if (typeof probe === "string") return change((session, at) => refuse(session, sample_id, probe, at));
  try {
    const hand = commonHand([session.hand, ...held.map(({ hand }) => hand), probe.seenHand]);
    const fused = fuse([...held, probe], hand);
    const last = session.samples_accepted + 1 === session.samples_required;
    if (last) return (await enrol(ctx, { ...attempt, probe: fused })) ?? AGAIN;
  } catch (error) {
    const code = error instanceof DomainError ? error.code : undefined;
    if (code && isPassing(code)) {
      return change((session, at) => refuse(session, sample_id, code, at));
    }
    if (code === "duplicate_palm" || code === "limit_reached") {
      return change((session, at) => fail(session, sample_id, code, at));
    }
    throw error;
  }
  const template = key.seal(probe.template, sampleSeal(environment.id, session.id, sample_id));
  const pad_score = sample.pad_score ?? null;
  return change((session, at) =>
    accept(session, { sample_id, hand: probe.seenHand, pad_score, template }, at),
  );
}

/** Enrols the palm and completes the session; undefined where that has changed meanwhile. */
async function enrol(ctx: SubmitCtx, attempt: Attempt): Promise<Session | undefined> {
  const { project, environment, session, sample, sample_id, key, probe, following } = attempt;
  const { member_id } = session;
  const look = async (reading: Promise<Stored<Device> | undefined>): Promise<Ground<Session> | undefined> => {
    const [device, member] = await Promise.all([
      reading,
      member_id === null ? null : ctx.members.get(project.id, member_id),
    ]);
    const found = device?.value.enabled ? activeSession(device.value, ctx.now()) : undefined;
    if (!device || member === undefined || found?.id !== session.id || found.version !== session.version) {
      return undefined;
    }
    const finish: Ground<Session>["finish"] = ({ created_at }) =>
      changing(ctx, device, complete(current(device.value, created_at), sample_id, created_at));
    return { member, finish };
  };
  const ground = await look(Promise.resolve(attempt.device));
  if (!ground) return undefined;
  return enrolTemplate(ctx, {
    ...{ project, environment, live: following.live, key, probe, ground },
    look: () => look(ctx.devices.get(session.device_id)),
    samples: session.samples_required,
    pad_score: leastLively([...session.held, sample].map(({ pad_score }) => pad_score)),
    captured: {
      ...{ source: "terminal", device_id: session.device_id, api_key_id: null },
      session_id: session.id,
    },
    replace: true,
    duplicate: "This palm is enrolled already.",
  });
}

/** The device's active session. @throws DomainError `expired` when there is none. */
function current(device: Device, at: Date): Session {
  const session = activeSession(device, at);
  if (!session) throw over();
  return session;
}

/** The device with its session as it is from now on, for whoever sent the sample. */
function changing(ctx: SubmitCtx, device: Stored<Device>, session: Session) {
  const target: Effect["target"] = { type: "session", id: session.id };
  return { target, writes: [ctx.devices.replace(device, { ...device.value, session })], result: session };
}

/** The hand that all of them are of; `unknown` ones join any. @throws DomainError `template_mismatch`. */
function commonHand(hands: readonly Hand[]): Hand {
  const [hand = "unknown", ...others] = new Set(hands.filter((one) => one !== "unknown"));
  if (others.length > 0) throw new DomainError("template_mismatch", "The sample is of another hand.");
  return hand;
}

const over = (): DomainError => new DomainError("expired", "The session has ended.");
