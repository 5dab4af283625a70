import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { type DispatchCtx, dispatchSoon } from "../delivery/dispatchEvent.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError } from "../errors.ts";
import { newEvent } from "../event/event.ts";
import { dueNow, type GarbageItem, UPLOAD_GRACE_MS } from "../garbage/garbage.ts";
import { MAX_PALMS, type Member } from "../member/member.ts";
import type { Project } from "../project/project.ts";
import type { Scan } from "../scan/scan.ts";
import type { Effect, Stored, Write } from "../store.ts";
import type { LiveGallery } from "./galleries.ts";
import { resolve, rowsOf, search, thresholdFor } from "./lookUp.ts";
import type { Palm } from "./palm.ts";
import type { Probe } from "./sample.ts";
import { type DataKey, templateSeal } from "./sealing.ts";
import { templateObject } from "./templates.ts";

export type EnrolCtx = DispatchCtx & Ctx<"changes" | "garbage" | "members" | "palms" | "scans" | "templates">;

/** What an enrolment stands on, as it was read. */
export interface Ground<T> {
  /** Whose palm it becomes; null in a global environment. */
  member: Stored<Member> | null;
  /** What the same batch does for whoever asked: what it is about, writes of theirs, what they are answered. */
  finish(
    palm: Palm,
    replaced: boolean,
  ): Pick<Effect, "target" | "operation"> & { writes: readonly Write[]; result: T };
}

interface Enrolment<T> {
  /** Where scan and event go. */
  project: Project;
  environment: Environment;
  live: LiveGallery;
  key: DataKey;
  probe: Probe;
  /** How many samples it was fused from. */
  samples: number;
  pad_score: number | null;
  captured: Pick<Scan, "source" | "device_id" | "api_key_id"> & { session_id: string | null };
  /** Whether a look-alike palm that the enrollment may replace is replaced, or is a duplicate like any other. */
  replace: boolean;
  /** What a caller is told of a duplicate. */
  duplicate: string;
  ground: Ground<T>;
  /** Reads it anew where somebody was first; undefined when it holds no longer. */
  look(): Promise<Ground<T> | undefined>;
}

/** What an enrollment writes, unless another request commits first. */
interface Verdict<T> extends Pick<Enrolment<T>, "ground" | "key"> {
  seq: number;
  was: Stored<Palm> | undefined;
  palm_id: string;
}

/** A sealed template in Storage that no palm names yet, and its entry on the garbage list. */
interface Upload {
  palm_id: string;
  sealed: Uint8Array;
  item: Stored<GarbageItem>;
  stale: boolean;
}

/**
 * Enrols one palm. One that its member has already (in a global environment: one that the same project enrolled) is
 * replaced, unless that is not asked for. Palm,
 * gallery change, member, scan, outbox event and what it is done for are one batch, after which the event is dispatched.
 * @returns what its ground has finished; undefined where that no longer holds, and nothing was done.
 * @throws DomainError `expired`, `duplicate_palm`, `limit_reached`, `unavailable`.
 */
export async function enrolTemplate<T>(ctx: EnrolCtx, input: Enrolment<T>): Promise<T | undefined> {
  const { environment, project, live, probe, look } = input;
  const newId = ctx.id();
  const filter = rowsOf(environment, project);
  const judge = async ({ ground, key }: Pick<Enrolment<T>, "ground" | "key">): Promise<Verdict<T>> => {
    const { member } = ground;
    const seq = live.seq + 1;
    // Whatever hand it is said to be: the wrong word must not enrol a palm twice.
    const threshold = thresholdFor(environment, probe, { searched: live.rows.count(filter) });
    const alike = search(live.rows, probe, filter);
    const was = replacedPalm({ ...input, ground }, await resolve(ctx, live, alike, threshold));
    if (!was && member && member.value.palm_ids.length >= MAX_PALMS) {
      throw new DomainError("limit_reached", `A member has at most ${MAX_PALMS} palms.`);
    }
    return { ground, key, seq, was, palm_id: was?.value.id ?? newId };
  };
  const upload = ({ palm_id, key }: { palm_id: string; key: DataKey }) =>
    uploadTemplate(ctx, {
      environment_id: environment.id,
      palm_id,
      key,
      template: live.rows.protect(probe),
    });

  // Most of the work is done before the turn. The verdict stands unless somebody was first: of this instance's
  // changes we know, and another's makes the commit fail.
  let verdict = await judge(input);
  let uploaded = await upload(verdict);
  let overtaken = false;
  const attempt = async () => {
    if (overtaken || verdict.seq <= live.head) {
      const synced = live.sync();
      const ground = await look();
      if (!ground) return undefined;
      verdict = await judge({ ground, key: await synced });
    }
    if (uploaded.palm_id !== verdict.palm_id || uploaded.stale) uploaded = await upload(verdict);
    const { seq } = verdict;
    const { writes, effect, event } = enrolment(ctx, input, verdict, uploaded);
    const outcome = await ctx.commit(writes, effect);
    if (outcome === "committed") {
      live.committed(seq);
      return { result: effect.result, event };
    }
    overtaken = true;
    // The sweeper may be who was first: then the object is gone, or about to be.
    uploaded.stale = !(await ctx.garbage.isCurrent(uploaded.item));
    return AGAIN;
  };
  // Patience begins with the turn: waiting in line is no contention.
  const done = await live.inTurn(() => change(ctx, attempt));
  if (!done) return undefined;
  await dispatchSoon(ctx, done.event);
  return done.result;
}

/** The writes of a verdict, their effect, and the event to dispatch after the commit. */
function enrolment<T>(ctx: EnrolCtx, input: Enrolment<T>, verdict: Verdict<T>, { item, sealed }: Upload) {
  const { environment, project, probe, captured, live } = input;
  const { palm_id, seq, was, ground } = verdict;
  const now = ctx.now();
  const linked = {
    id: palm_id,
    environment_id: environment.id,
    project_id: project.id,
    member_id: ground.member?.value.id ?? null,
    hand: probe.hand,
    template_format: environment.template_format,
    samples: input.samples,
    quality: probe.quality,
    seq,
    object: item.value.object,
    created_at: now,
  };
  const palm: Palm = { ...linked, mac: live.links.ofPalm(linked) };
  // Rows of a global environment have no project, so that the searches of all customers find them.
  const project_id = rowsOf(environment, project).project_id ?? null;
  const put = { seq, palm_id, project_id, hand: palm.hand, template: sealed };
  const event = newEvent(
    "enrollment.completed",
    { id: ctx.id(), project_id: project.id, at: now },
    {
      session_id: captured.session_id,
      member_id: palm.member_id,
      device_id: captured.device_id,
      completed_at: now,
    },
  );
  const { writes: others, ...effect } = ground.finish(palm, was !== undefined);
  const writes = [
    ctx.changes.append(environment.id, { ...put, op: "put", at: now, mac: live.links.ofPut(put) }),
    ctx.garbage.remove(item),
    ...(was ? replacePalm(ctx, was, palm) : addPalm(ctx, ground.member, palm)),
    ctx.scans.create(enrolScan(ctx, palm, input)),
    ctx.events.create(event),
    ...others,
  ];
  return { writes, effect, event };
}

/**
 * The look-alike that the enrollment replaces, the most alike; undefined when no enrolled palm looks alike. A palm may
 * be replaced by its member and, in a global environment, by the project that enrolled it: records from before projects
 * were kept there may be replaced by nobody.
 * @throws DomainError `duplicate_palm` when a look-alike may not be replaced.
 */
function replacedPalm(
  {
    ground,
    project,
    replace,
    duplicate,
  }: Pick<Enrolment<unknown>, "ground" | "project" | "replace" | "duplicate">,
  alike: readonly { palm: Stored<Palm> }[],
): Stored<Palm> | undefined {
  const member_id = ground.member?.value.id ?? null;
  const isOwn = ({ palm: { value } }: { palm: Stored<Palm> }) =>
    value.member_id === member_id && value.project_id === project.id;
  if (alike.length > 0 && !(replace && alike.every(isOwn)))
    throw new DomainError("duplicate_palm", duplicate);
  return alike[0]?.palm;
}

/** Lists the object as garbage, then writes it: a crash at any point leaves nothing that is not swept. */
async function uploadTemplate(
  ctx: EnrolCtx,
  input: { environment_id: string; palm_id: string; key: DataKey; template: Uint8Array },
): Promise<Upload> {
  const { environment_id, palm_id } = input;
  const sealed = input.key.seal(input.template, templateSeal(environment_id, palm_id));
  const id = ctx.id();
  const listed_at = ctx.now();
  const item = await ctx.garbage.add({
    id,
    object: templateObject({ environment_id, id: palm_id }, id),
    listed_at,
    due_at: new Date(listed_at.getTime() + UPLOAD_GRACE_MS),
  });
  await ctx.templates.put(item.value.object, sealed);
  return { palm_id, sealed, item, stale: false };
}

function addPalm(ctx: EnrolCtx, member: Stored<Member> | null, palm: Palm): Write[] {
  const created = ctx.palms.create(palm);
  if (!member) return [created];
  const palm_ids = [...member.value.palm_ids, palm.id];
  return [created, ctx.members.replace(member, { ...member.value, palm_ids, updated_at: palm.created_at })];
}

/** The old template leaves the log in the same batch, and its object is garbage from now on. */
function replacePalm(ctx: EnrolCtx, was: Stored<Palm>, palm: Palm): Write[] {
  return [
    ctx.palms.replace(was, palm),
    ctx.changes.redact(palm.environment_id, was.value.seq),
    ctx.garbage.create(dueNow(ctx.id(), was.value.object, palm.created_at)),
  ];
}

function enrolScan(
  ctx: EnrolCtx,
  palm: Palm,
  { project, captured, pad_score }: Pick<Enrolment<unknown>, "project" | "captured" | "pad_score">,
): Scan {
  return {
    id: ctx.id(),
    project_id: project.id,
    device_id: captured.device_id,
    api_key_id: captured.api_key_id,
    source: captured.source,
    operation: "enroll",
    outcome: "enrolled",
    member_id: null,
    score: null,
    pad_score,
    created_at: palm.created_at,
  };
}
