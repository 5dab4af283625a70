/**
 * What the palm engine does on pictures of a set: error rates, open-set identification by the policy, disturbances,
 * attacks, and a DET curve.
 */
import { readFile } from "node:fs/promises";
import { openPhotoReader } from "../../functions/src/data/extraction/extract.ts";
import { countVotes, decodeTemplate, type Planes } from "../../functions/src/palm/codec.ts";
import {
  extractProbe,
  fuseTemplates,
  type GrayImage,
  MIN_QUALITY,
  minVotes,
  PalmError,
} from "../../functions/src/palm/index.ts";
import { Probe } from "../../functions/src/palm/match.ts";
import { type Scores, sorted } from "./rates.ts";
import { type Picture, readSet } from "./sets.ts";

/** How many samples are enrolled. */
const ENROLLED = 3;

/** A picture as the engine sees it. */
export interface Sample extends Picture {
  image: GrayImage;
  template: Uint8Array;
  poses: Uint8Array[];
  planes: Planes;
  /** The code in every pose. */
  probes: Probe[];
  votes: number;
  quality: number;
}

/** A palm with its enrolled template and the pictures that are searched with. */
export interface EnrolledPalm {
  palm: string;
  template: Uint8Array;
  planes: Planes;
  later: Sample[];
}

const planesOf = (template: Uint8Array): Planes => decodeTemplate(template).planes;

export function toSample(picture: Picture, image: GrayImage): Sample {
  const { template, poses, quality } = extractProbe(image, { hand: "unknown" });
  const planes = planesOf(template);
  const probes = [planes, ...poses.map(planesOf)].map((one) => new Probe(one));
  return { ...picture, image, template, poses, planes, probes, votes: countVotes(planes), quality };
}

const scoreOf = ({ probes }: Pick<Sample, "probes">, planes: Planes): number =>
  probes.reduce((best, probe) => Math.max(best, probe.score(planes, 0)), 0);

/** Reads the region of the palm from photographs of hands, as a terminal's are read. */
export async function newPhotoReader(): Promise<(bytes: Uint8Array) => Promise<GrayImage>> {
  const read = await openPhotoReader();
  return async (bytes) => (await read(bytes, "unknown")).region;
}

/** The pictures of a set, read; what could not be read or used is counted by the reason. */
export async function readSamples(
  path: string,
  read: (bytes: Uint8Array) => Promise<GrayImage>,
): Promise<{ samples: Sample[]; refused: Map<string, number>; pictures: number }> {
  const pictures = await readSet(path);
  const samples: Sample[] = [];
  const refused = new Map<string, number>();
  const refuse = (reason: string) => void refused.set(reason, (refused.get(reason) ?? 0) + 1);
  for (const picture of pictures) {
    try {
      const sample = toSample(picture, await read(await readFile(picture.file)));
      if (sample.quality < MIN_QUALITY) refuse("quality below the least");
      else if (sample.votes < minVotes("single")) refuse("too few voting cells");
      else samples.push(sample);
    } catch (error) {
      if (!(error instanceof PalmError)) throw error;
      refuse(error.message);
    }
  }
  return { samples, refused, pictures: pictures.length };
}

/**
 * Pairs of single pictures: one in all poses, the code of the other. Mated pairs are of unlike sessions where the palm
 * has several.
 */
export function singlePairs(samples: readonly Sample[]): Scores {
  const sessions = Map.groupBy(samples, ({ palm }) => palm);
  const hasSessions = (palm: string) => new Set(sessions.get(palm)?.map(({ session }) => session)).size > 1;
  const [mated, nonMated]: [number[], number[]] = [[], []];
  for (const [i, a] of samples.entries()) {
    for (const b of samples.slice(i + 1)) {
      if (a.palm !== b.palm) nonMated.push(scoreOf(a, b.planes));
      else if (a.session !== b.session || !hasSessions(a.palm)) mated.push(scoreOf(a, b.planes));
    }
  }
  return { mated: sorted(mated), nonMated: sorted(nonMated) };
}

/** Enrolls the first three pictures of each palm, of its first session where it has several; the rest are probes. */
export function enroll(samples: readonly Sample[]): { palms: EnrolledPalm[]; refused: number } {
  const byPalm = Map.groupBy(samples, ({ palm }) => palm);
  let refused = 0;
  const palms = [...byPalm].flatMap(([palm, own]): EnrolledPalm[] => {
    const first = own.filter(({ session }) => session === own[0]?.session).slice(0, ENROLLED);
    const later = own.filter((sample) => !first.includes(sample));
    const others = later.filter(({ session }) => session !== own[0]?.session);
    if (first.length < ENROLLED || later.length === 0) return [];
    try {
      const { template } = fuseTemplates(first.map(({ template }) => template));
      return [{ palm, template, planes: planesOf(template), later: others.length > 0 ? others : later }];
    } catch (error) {
      if (!(error instanceof PalmError)) throw error;
      refused++;
      return [];
    }
  });
  return { palms, refused };
}

/** Each later picture with each enrolled template. */
export function enrolledPairs(palms: readonly EnrolledPalm[]): Scores {
  const [mated, nonMated]: [number[], number[]] = [[], []];
  for (const { palm, later } of palms) {
    for (const sample of later) {
      for (const other of palms) {
        (other.palm === palm ? mated : nonMated).push(scoreOf(sample, other.planes));
      }
    }
  }
  return { mated: sorted(mated), nonMated: sorted(nonMated) };
}

/** Enrolled templates among themselves: what an enrollment compares. */
export function fusedPairs(palms: readonly EnrolledPalm[]): number[] {
  return palms.flatMap(({ planes }, i) => {
    const probe = new Probe(planes);
    return palms.slice(i + 1).map((other) => probe.score(other.planes, 0));
  });
}
