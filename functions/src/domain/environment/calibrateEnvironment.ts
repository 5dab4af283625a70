import { EXTRAPOLATED_SLOPE, type Gallery, type Tail } from "../../palm/index.ts";
import { AGAIN, change } from "../change.ts";
import type { Ctx } from "../context.ts";
import { DomainError, notFound, unavailable } from "../errors.ts";
import { LiveGallery } from "../palm/galleries.ts";
import type { Calibration, CalibrationProgress } from "./calibration.ts";
import { type Environment, effectOn } from "./environment.ts";

export type CalibrateCtx = Ctx<"calibrations" | "changes" | "commit" | "environments" | "palms" | "sealing">;

/** Pairs that are compared at most, and between two writes of the progress. */
const MOST_COMPARISONS = 1_000_000;
const BATCH = 20_000;
/** Pairs that must reach a score before it counts: with 30 of them the rate is within 30 % in 90 of 100 cases. */
const RULE_OF_30 = 30;
/** Pairs without which even one in a hundred is not measured. */
const LEAST_COMPARISONS = 3000;
/** Palm documents read together. */
const PAGE = 500;
const BINS = 1000;

export interface CalibratedEnvironment extends Calibration {
  environment_id: string;
}

/** A palm, and whose it is: palms of one owner are never compared. */
interface OwnedPalm {
  palm_id: string;
  project_id: string | null;
  owner: string;
}

/**
 * Measures how alike the palms of different people are in an environment, and stores the thresholds' tail with it.
 * Compares random pairs of palms of different members of one project, never palms of one member. Palms of different
 * projects are not compared: one person can be a member of two. Progress is stored after each 20,000 pairs, and a run
 * that was stopped is continued by the next one.
 * @param options.report called with the number of pairs compared and to compare
 * @throws DomainError `not_found` for an unknown environment, `expired` when its key was destroyed, `conflict` when it
 *   has fewer than 3,000 pairs of palms of different people.
 */
export async function calibrateEnvironment(
  ctx: CalibrateCtx,
  { environment_id, report }: { environment_id: string; report?: (done: number, all: number) => void },
): Promise<CalibratedEnvironment> {
  const environment = (await ctx.environments.get(environment_id))?.value;
  if (!environment) throw notFound(`environment ${environment_id}`);
  const live = new LiveGallery(environment, ctx);
  await live.sync();
  const { rows } = live;
  const palms = await ownedPalms(ctx, environment, rows);
  const pairs = countPairs(palms);
  if (pairs < LEAST_COMPARISONS) {
    throw new DomainError(
      "conflict",
      `The environment has ${pairs} pairs of palms of different people; ${LEAST_COMPARISONS} are needed.`,
    );
  }
  const most = Math.min(pairs, MOST_COMPARISONS);

  let stored = await ctx.calibrations.get(environment_id);
  let progress = stored?.value ?? newProgress(environment_id, Math.floor(ctx.random() * 2 ** 32));
  while (progress.comparisons < most) {
    progress = comparePairs(progress, Math.min(BATCH, most - progress.comparisons), palms, rows);
    const write = stored ? ctx.calibrations.replace(stored, progress) : ctx.calibrations.create(progress);
    // Another run of the command has gone on in the meantime.
    if ((await ctx.commit([write])) === "conflict") throw unavailable();
    stored = await ctx.calibrations.get(environment_id);
    report?.(progress.comparisons, most);
  }

  const calibration: Calibration = {
    ...tailOf(progress),
    comparisons: progress.comparisons,
    palms: palms.all.length,
    calibrated_at: ctx.now(),
  };
  await storeCalibration(ctx, environment_id, calibration);
  return { environment_id, ...calibration };
}

/**
 * Removes the calibration of an environment and the progress of a run that was stopped: its thresholds are those of
 * other people's palms again.
 * @throws DomainError `not_found` for an unknown environment.
 */
export async function removeCalibration(
  ctx: Ctx<"calibrations" | "commit" | "environments">,
  { environment_id }: { environment_id: string },
): Promise<{ environment_id: string }> {
  await storeCalibration(ctx, environment_id, null);
  return { environment_id };
}

/** Stores the calibration with its environment, and removes the progress. */
async function storeCalibration(
  ctx: Ctx<"calibrations" | "commit" | "environments">,
  environment_id: string,
  calibration: Calibration | null,
): Promise<void> {
  await change(ctx, async () => {
    const was = await ctx.environments.get(environment_id);
    if (!was) throw notFound(`environment ${environment_id}`);
    const progress = await ctx.calibrations.get(environment_id);
    const writes = [
      ctx.environments.replace(was, { ...was.value, calibration }),
      ...(progress ? [ctx.calibrations.remove(progress)] : []),
    ];
    return (await ctx.commit(writes, effectOn(was.value))) === "committed" ? true : AGAIN;
  });
}

interface OwnedPalms {
  all: OwnedPalm[];
  byProject: Map<string | null, OwnedPalm[]>;
}

/** The palms that are in the gallery, with their owners. */
async function ownedPalms(ctx: CalibrateCtx, { id, type }: Environment, rows: Gallery): Promise<OwnedPalms> {
  const all: OwnedPalm[] = [];
  for (let last: string | undefined; ; ) {
    const { palms } = await ctx.palms.after(id, last, PAGE);
    for (const { value } of palms) {
      if (!rows.has(value.id)) continue;
      // In a global environment palms have no members, and every person is enrolled once.
      const project_id = type === "global" ? null : value.project_id;
      all.push({ palm_id: value.id, project_id, owner: value.member_id ?? value.id });
    }
    last = palms.at(-1)?.value.id;
    if (palms.length < PAGE || last === undefined) break;
  }
  all.sort((a, b) => (a.palm_id < b.palm_id ? -1 : 1));
  return { all, byProject: Map.groupBy(all, ({ project_id }) => project_id) };
}

/** How many pairs of palms of different owners there are within projects. */
function countPairs({ byProject }: OwnedPalms): number {
  const pairsOf = (palms: readonly unknown[]) => (palms.length * (palms.length - 1)) / 2;
  let pairs = 0;
  for (const palms of byProject.values()) {
    const owners = Map.groupBy(palms, ({ owner }) => owner);
    pairs += pairsOf(palms) - [...owners.values()].reduce((sum, own) => sum + pairsOf(own), 0);
  }
  return pairs;
}

const newProgress = (environment_id: string, seed: number): CalibrationProgress => ({
  environment_id,
  seed,
  comparisons: 0,
  histogram: Array<number>(BINS + 1).fill(0),
});

/** Compares so many further pairs. The pairs follow from the seed and their number, so that a run can be continued. */
function comparePairs(
  { seed, comparisons, histogram, environment_id }: CalibrationProgress,
  count: number,
  { all, byProject }: OwnedPalms,
  rows: Gallery,
): CalibrationProgress {
  const now = histogram.slice();
  for (let n = comparisons; n < comparisons + count; n++) {
    const [one, other] = pairOf(all, byProject, (draw) => hash(seed, n, draw));
    const bin = Math.floor(rows.comparePalms(one.palm_id, other.palm_id) * BINS);
    now[bin] = (now[bin] as number) + 1;
  }
  return { environment_id, seed, comparisons: comparisons + count, histogram: now };
}

/** Draws until two palms of one project have different owners. */
function pairOf(
  all: readonly OwnedPalm[],
  byProject: OwnedPalms["byProject"],
  random: (draw: number) => number,
): [OwnedPalm, OwnedPalm] {
  for (let draw = 0; ; draw += 2) {
    const one = all[Math.floor(random(draw) * all.length)] as OwnedPalm;
    const others = byProject.get(one.project_id) as OwnedPalm[];
    const other = others[Math.floor(random(draw + 1) * others.length)] as OwnedPalm;
    if (one.owner !== other.owner) return [one, other];
  }
}

/** A number 0..1 from three whole ones (the finalizer of MurmurHash3). */
function hash(seed: number, n: number, draw: number): number {
  let h = (seed ^ Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(draw + 1, 0x85ebca6b)) | 0;
  for (let i = 0; i < 2; i++) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) + n;
  }
  return (h >>> 0) / 2 ** 32;
}

/** The scores that one pair in 10, 100 … reaches, as far as 30 pairs support them. */
function tailOf({ histogram, comparisons }: CalibrationProgress): Tail {
  const scores: number[] = [];
  for (let share = 10; comparisons / share >= RULE_OF_30; share *= 10) {
    let [bin, above] = [BINS, 0];
    // The highest score that at most that share of pairs exceeds: the upper edge of a bin.
    while (bin >= 0 && above + (histogram[bin] as number) <= comparisons / share) {
      above += histogram[bin] as number;
      bin--;
    }
    scores.push(Math.min(1, (bin + 1) / BINS));
  }
  const last = (scores.at(-1) as number) - (scores.at(-2) as number);
  return { scores, slope: Math.max(EXTRAPOLATED_SLOPE, last) };
}
