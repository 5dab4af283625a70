import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import type { Change } from "../palm/changes.ts";
import { Links } from "../palm/links.ts";
import type { Palm } from "../palm/palm.ts";
import { type DataKey, templateSeal } from "../palm/sealing.ts";
import type { Stored } from "../store.ts";
import { effectOn } from "./environment.ts";

export type SealCtx = Ctx<"changes" | "commit" | "environments" | "members" | "palms" | "sealing">;

/** What sealing an environment did, or would do. */
export interface SealedEnvironment {
  environment_id: string;
  /** How many entries of the log, and how many palms, this run bound. */
  changes: number;
  palms: number;
  /** Palms that do not agree with the log or with their member: once the environment is sealed they do not match. */
  refused: string[];
  outcome: "sealed" | "sealed_before" | "would_refuse";
}

/** Documents read, and at most written, together. */
const PAGE = 200;

/** What the log says of a palm that is in the gallery. */
type Row = Pick<Change, "seq" | "project_id" | "hand">;

/**
 * Binds the palms and log entries of an environment from before links were sealed, then marks it: from then on documents
 * without a MAC are refused. Each write stands for itself, so a run that was stopped is finished by the next one, and
 * enrollments go on in the meantime: what they write is bound already. What is bound is what is stored now; documents that
 * contradict each other are named, and the environment is marked all the same only when that is `confirmed`.
 * @throws DomainError `not_found` for an unknown environment, `expired` when its key was destroyed.
 */
export async function sealEnvironment(
  ctx: SealCtx,
  { environment_id, confirmed }: { environment_id: string; confirmed: boolean },
): Promise<SealedEnvironment> {
  const environment = await ctx.environments.get(environment_id);
  if (!environment) throw notFound(`environment ${environment_id}`);
  const { wrapped_key } = await readManifest(ctx, environment_id);
  const key = ctx.sealing.unwrap(environment_id, wrapped_key);
  const done = { environment_id, changes: 0, palms: 0, refused: [] };
  if (key.linksSealed) return { ...done, outcome: "sealed_before" };
  const links = new Links(environment_id, key, { required: false });
  const { rows, bound: changes } = await bindChanges(ctx, environment_id, key, links);
  const { refused, bound: palms } = await bindPalms(ctx, environment_id, links, rows);
  const sealed = { environment_id, changes, palms, refused };
  if (refused.length > 0 && !confirmed) return { ...sealed, outcome: "would_refuse" };
  const outcome = await change(ctx, async () => {
    const was = await readManifest(ctx, environment_id);
    if (ctx.sealing.unwrap(environment_id, was.wrapped_key).linksSealed) return "sealed_before";
    const marked = ctx.sealing.markLinksSealed(environment_id, was.wrapped_key);
    const write = ctx.changes.replaceManifest(was.stored, { ...was.stored.value, wrapped_key: marked });
    return (await ctx.commit([write], effectOn(environment.value))) === "committed" ? "sealed" : AGAIN;
  });
  return { ...sealed, outcome };
}

async function readManifest(ctx: SealCtx, environment_id: string) {
  const stored = await ctx.changes.manifest(environment_id);
  if (!stored) throw notFound(`key of environment ${environment_id}`);
  const { wrapped_key } = stored.value;
  if (!wrapped_key) throw new DomainError("expired", "The environment's key was destroyed.");
  return { stored, wrapped_key };
}

/** Binds every `put` whose template opens. @returns the rows that the log leaves, by palm. */
async function bindChanges(
  ctx: SealCtx,
  environment_id: string,
  key: DataKey,
  links: Links,
): Promise<{ rows: Map<string, Row>; bound: number }> {
  const rows = new Map<string, Row>();
  let bound = 0;
  for (let seq = 0, more = true; more; ) {
    const page = await ctx.changes.readAfter(environment_id, seq, PAGE);
    const writes = page.changes.flatMap((one) => {
      if (one.op === "remove") rows.delete(one.palm_id);
      const { template } = one;
      if (one.op === "remove" || !template || !isSound({ ...one, template }, environment_id, key, links))
        return [];
      rows.set(one.palm_id, one);
      return one.mac ? [] : ctx.changes.bind(environment_id, one.seq, links.ofPut({ ...one, template }));
    });
    if (writes.length > 0) await ctx.commit(writes);
    bound += writes.length;
    more = page.more;
    seq = Math.max(seq, ...page.changes.map((one) => one.seq), ...page.malformed);
  }
  return { rows, bound };
}

function isSound(
  put: Change & { template: Uint8Array },
  environment_id: string,
  key: DataKey,
  links: Links,
): boolean {
  if (links.faultOfPut(put)) return false;
  try {
    key.open(put.template, templateSeal(environment_id, put.palm_id));
    return true;
  } catch {
    return false;
  }
}

async function bindPalms(
  ctx: SealCtx,
  environment_id: string,
  links: Links,
  rows: ReadonlyMap<string, Row>,
): Promise<{ refused: string[]; bound: number }> {
  const refused: string[] = [];
  let bound = 0;
  for (let last: string | undefined; ; ) {
    const { palms, malformed } = await ctx.palms.after(environment_id, last, PAGE);
    refused.push(...malformed);
    const outcomes = await Promise.all(
      palms.map((palm) => change(ctx, () => bindPalm(ctx, palm, links, rows.get(palm.value.id)))),
    );
    bound += outcomes.filter((outcome) => outcome === "bound").length;
    refused.push(...palms.flatMap(({ value: { id } }, n) => (outcomes[n] === "refused" ? id : [])));
    const ids = [...malformed, ...palms.map(({ value }) => value.id)].sort();
    if (ids.length < PAGE) return { refused, bound };
    last = ids.at(-1);
  }
}

/** Binds one palm as it is now. */
async function bindPalm(
  ctx: SealCtx,
  { value: { environment_id, id } }: Stored<Palm>,
  links: Links,
  row: Row | undefined,
): Promise<"bound" | "fine" | "refused" | typeof AGAIN> {
  const { palms, malformed } = await ctx.palms.find(environment_id, [id]);
  const [palm] = palms;
  if (!palm) return malformed.length > 0 ? "refused" : "fine";
  if (palm.value.mac) return links.faultOfPalm(palm.value) ? "refused" : "fine";
  if (!agrees(palm.value, row) || !(await hasMember(ctx, palm.value))) {
    const [current] = (await ctx.palms.find(environment_id, [id])).palms;
    // It may have been erased or replaced between two reads.
    return current && !current.value.mac ? "refused" : AGAIN;
  }
  const write = ctx.palms.replace(palm, { ...palm.value, mac: links.ofPalm(palm.value) });
  return (await ctx.commit([write])) === "committed" ? "bound" : AGAIN;
}

/** Whether document and log say the same. In a global environment the log names no project. */
const agrees = (palm: Palm, row: Row | undefined): boolean =>
  row !== undefined &&
  row.seq === palm.seq &&
  row.hand === palm.hand &&
  (palm.member_id === null || row.project_id === palm.project_id);

/** Whether the member, where there is one, has the palm. */
async function hasMember(ctx: SealCtx, { id, project_id, member_id }: Palm): Promise<boolean> {
  if (member_id === null) return true;
  const member = project_id === null ? undefined : await ctx.members.get(project_id, member_id);
  return member?.value.palm_ids.includes(id) === true;
}
