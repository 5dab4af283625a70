import type { Ctx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type EntryFault, LiveGallery } from "../palm/galleries.ts";

/** What is wrong with the stored palms of an environment. */
export interface EnvironmentCheck {
  environment_id: string;
  /** Whether documents without a MAC are refused. */
  links_sealed: boolean;
  /** Entries of the log, and documents of palms. */
  changes: number;
  palms: number;
  /** How many entries are skipped, and the first 100 of them. */
  skipped: number;
  skipped_changes: { seq: number; fault: EntryFault }[];
  /** Palms whose documents are refused: edited, malformed, or older than the log's entry. */
  refused_palms: string[];
  /** Palms with a valid document that no search finds, because their log entries were removed, emptied or skipped. */
  hidden_palms: string[];
  /** Palms that are in the gallery without a document: they match nobody, but their templates are still there. */
  orphans: number;
}

const PAGE = 500;

/**
 * Reads an environment's log and palms as an instance of `identify` does, and says what that leaves out.
 * @throws DomainError `not_found` for an unknown environment, `expired` when its key was destroyed.
 * @throws Error when the log has a gap.
 */
export async function checkEnvironment(
  ctx: Ctx<"changes" | "environments" | "palms" | "sealing">,
  { environment_id }: { environment_id: string },
): Promise<EnvironmentCheck> {
  const environment = await ctx.environments.get(environment_id);
  if (!environment) throw notFound(`environment ${environment_id}`);
  // The result names what the gallery would log.
  const log = { ...ctx.log, error: () => undefined };
  const live = new LiveGallery(environment.value, { ...ctx, log });
  await live.sync();
  const refused_palms: string[] = [];
  const hidden_palms: string[] = [];
  let palms = 0;
  let rows = 0;
  for (let last: string | undefined; ; ) {
    const page = await ctx.palms.after(environment_id, last, PAGE);
    refused_palms.push(...page.malformed);
    for (const { value: palm } of page.palms) {
      const seq = live.rows.seqOf(palm.id);
      if (seq !== undefined) rows += 1;
      if (live.links.faultOfPalm(palm) || palm.seq < (seq ?? 0)) refused_palms.push(palm.id);
      // A palm newer than this copy of the log was enrolled while the check ran.
      else if (seq === undefined && palm.seq <= live.seq) hidden_palms.push(palm.id);
    }
    const ids = [...page.malformed, ...page.palms.map(({ value }) => value.id)].sort();
    palms += ids.length;
    if (ids.length < PAGE) break;
    last = ids.at(-1);
  }
  const { count, first } = live.skipped;
  return {
    environment_id,
    links_sealed: live.links.required,
    changes: live.seq,
    palms,
    skipped: count,
    skipped_changes: [...first],
    refused_palms,
    hidden_palms,
    orphans: live.rows.size - rows,
  };
}
