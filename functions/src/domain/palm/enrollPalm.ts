import { fuseTemplates, type Hand, PalmError } from "../../palm/index.ts";
import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { type DispatchCtx, dispatchSoon } from "../delivery/dispatchEvent.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, invalid, notFound } from "../errors.ts";
import { type Event, newEvent } from "../event/event.ts";
import { dueNow, type GarbageItem, UPLOAD_GRACE_MS } from "../garbage/garbage.ts";
import { MAX_PALMS, type Member } from "../member/member.ts";
import type { Project } from "../project/project.ts";
import type { Scan } from "../scan/scan.ts";
import type { Stored, Write } from "../store.ts";
import type { Following } from "./galleries.ts";
import { resolve, search, thresholdFor } from "./identifyPalm.ts";
import type { Palm } from "./palm.ts";
import { type Probe, readSample, refusePoor, type Sample } from "./sample.ts";
import { type DataKey, templateSeal } from "./sealing.ts";
import { templateObject } from "./templates.ts";

export type EnrollCtx = DispatchCtx &
  Ctx<"changes" | "galleries" | "garbage" | "members" | "palms" | "scans" | "templates">;

/** A sealed template in Storage that no palm names yet, and its entry on the garbage list. */
interface Upload {
  palm_id: string;
  sealed: Uint8Array;
  item: Stored<GarbageItem>;
  stale: boolean;
}

/**
 * Enrols one palm of a member from 1..5 samples of it. A palm that this member has already is replaced.
 * Palm, gallery change, member, scan and outbox event are one batch, after which the event is dispatched.
 * @throws DomainError `invalid_request`, `too_large`, `not_found` (no such member), `expired`, `poor_quality`,
 * `template_mismatch`, `duplicate_palm`, `limit_reached`, `unavailable`.
 */
export async function enrollPalm(
  ctx: EnrollCtx,
  input: {
    project: Project;
    environment: Environment;
    member_id: string;
    samples: readonly Sample[];
    /** The gallery, when somebody has begun to follow it. */
    following?: Following | undefined;
  },
): Promise<Palm> {
  const probes = input.samples.map((sample) => readSample(sample, input.environment.template_format));
  const hand = commonHand(probes, input.samples);
  const { live, synced } = input.following ?? ctx.galleries.follow(input.environment);
  const look = async (key: Promise<DataKey>) => {
    const member = await ctx.members.get(input.project.id, input.member_id);
    if (!member) throw notFound();
    return { member, key: await key };
  };
  const found = await look(synced);
  const probe = fuse(probes, hand);

  const newId = ctx.id();
  const judge = async ({ member, key }: { member: Stored<Member>; key: DataKey }) => {
    const seq = live.seq + 1;
    // Whatever hand it is said to be: the wrong word must not enrol a palm twice.
    const filter = { project_id: input.project.id };
    const threshold = thresholdFor(input.environment, live.rows.count(filter), probe);
    const alike = search(live.rows, probe, filter, true);
    const was = ownPalm(input.member_id, await resolve(ctx, input.environment.id, alike, threshold));
    if (!was && member.value.palm_ids.length >= MAX_PALMS) {
      throw new DomainError("limit_reached", `A member has at most ${MAX_PALMS} palms.`);
    }
    return { member, key, seq, was, palm_id: was?.value.id ?? newId };
  };
  const upload = ({ palm_id, key }: { palm_id: string; key: DataKey }) =>
    uploadTemplate(ctx, {
      environment_id: input.environment.id,
      palm_id,
      key,
      template: live.rows.protect(probe),
    });

  // Most of the work is done before the turn. The verdict stands unless somebody was first: of this instance's
  // changes we know, and another's makes the commit fail.
  let verdict = await judge(found);
  let uploaded = await upload(verdict);
  let overtaken = false;
  const attempt = async (): Promise<{ palm: Palm; event: Event } | typeof AGAIN> => {
    if (overtaken || verdict.seq <= live.head) verdict = await judge(await look(live.sync()));
    const { palm_id, seq, member, was } = verdict;
    if (uploaded.palm_id !== palm_id || uploaded.stale) uploaded = await upload(verdict);
    const now = ctx.now();
    const palm: Palm = {
      id: palm_id,
      environment_id: input.environment.id,
      project_id: input.project.id,
      member_id: member.value.id,
      hand,
      template_format: input.environment.template_format,
      samples: probes.length,
      quality: probe.quality,
      seq,
      object: uploaded.item.value.object,
      created_at: now,
    };
    const { project_id } = palm;
    const event = newEvent(
      "enrollment.completed",
      { id: ctx.id(), project_id: input.project.id, at: now },
      { session_id: null, member_id: palm.member_id, device_id: null, completed_at: now },
    );
    const writes = [
      ctx.changes.append(input.environment.id, {
        ...{ seq, op: "put", palm_id, project_id, hand, at: now },
        template: uploaded.sealed,
      }),
      ctx.garbage.remove(uploaded.item),
      ...(was ? replacePalm(ctx, was, palm) : addPalm(ctx, member, palm)),
      ctx.scans.create(enrollScan(ctx, palm, input.project.id, input.samples)),
      ctx.events.create(event),
    ];
    const outcome = await ctx.commit(writes, { target: { type: "palm", id: palm_id }, result: palm });
    if (outcome === "committed") {
      live.committed(seq);
      return { palm, event };
    }
    overtaken = true;
    // The sweeper may be who was first: then the object is gone, or about to be.
    uploaded.stale = !(await ctx.garbage.isCurrent(uploaded.item));
    return AGAIN;
  };
  // Patience begins with the turn: waiting in line is no contention.
  const { palm, event } = await live.inTurn(() => change(ctx, attempt));
  await dispatchSoon(ctx, event);
  return palm;
}

/** The one hand of all samples, `unknown` ones joining any. */
function commonHand(probes: readonly Probe[], samples: readonly Sample[]): Hand {
  let hand: Hand = "unknown";
  for (const [index, probe] of probes.entries()) {
    if (probe.hand === "unknown") continue;
    if (hand !== "unknown" && hand !== probe.hand) {
      throw invalid(`${samples[index]?.path}.hand`, "is another hand than that of the samples before");
    }
    hand = probe.hand;
  }
  return hand;
}

function fuse(probes: readonly Probe[], hand: Hand): Probe {
  for (const probe of probes) refusePoor(probe);
  try {
    const fused = fuseTemplates(probes.map(({ template }) => template));
    return { ...fused, hand, samples: probes.reduce((total, { samples }) => total + samples, 0) };
  } catch (error) {
    if (!(error instanceof PalmError) || error.code !== "template_mismatch") throw error;
    throw new DomainError("template_mismatch", "The samples are not of one palm.");
  }
}

/** The member's own palm among the look-alikes, if any, the most alike. */
function ownPalm(member_id: string, alike: readonly { palm: Stored<Palm> }[]): Stored<Palm> | undefined {
  if (alike.some(({ palm }) => palm.value.member_id !== member_id)) {
    throw new DomainError("duplicate_palm", "This palm is enrolled for another member.");
  }
  return alike[0]?.palm;
}

/** Lists the object as garbage, then writes it: a crash at any point leaves nothing that is not swept. */
async function uploadTemplate(
  ctx: EnrollCtx,
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

function addPalm(ctx: EnrollCtx, member: Stored<Member>, palm: Palm): Write[] {
  const palm_ids = [...member.value.palm_ids, palm.id];
  return [
    ctx.palms.create(palm),
    ctx.members.replace(member, { ...member.value, palm_ids, updated_at: palm.created_at }),
  ];
}

/** The old template leaves the log in the same batch, and its object is garbage from now on. */
function replacePalm(ctx: EnrollCtx, was: Stored<Palm>, palm: Palm): Write[] {
  return [
    ctx.palms.replace(was, palm),
    ctx.changes.redact(palm.environment_id, was.value.seq),
    ctx.garbage.create(dueNow(ctx.id(), was.value.object, palm.created_at)),
  ];
}

function enrollScan(ctx: EnrollCtx, palm: Palm, project_id: string, samples: readonly Sample[]): Scan {
  const pad = samples.flatMap(({ pad_score }) => (pad_score === undefined ? [] : [pad_score]));
  return {
    id: ctx.id(),
    project_id,
    device_id: null,
    source: "api",
    operation: "enroll",
    outcome: "enrolled",
    member_id: null,
    score: null,
    // The least lively sample is what a reviewer looks for.
    pad_score: pad.length > 0 ? Math.min(...pad) : null,
    created_at: palm.created_at,
  };
}
