import {
  fuseTemplates,
  type Hand,
  inspectImage,
  inspectPhoto,
  MIN_QUALITY,
  minVotes,
  PALM_CODE,
  PalmError,
  type ProbeKind,
  readTemplate,
  type TemplateFormat,
} from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, invalid } from "../errors.ts";
import type { Extracted, Picture } from "./extraction.ts";

/** What a caller sends of a palm: a picture or a template, never both. `path` is where it stands in the request. */
export interface Sample {
  path: string;
  /** Its kind is the name of its field in the request. */
  picture?: Picture | undefined;
  template?: Uint8Array | undefined;
  hand?: Hand | undefined;
  pad_score?: number | undefined;
}

/** A sample as a template. */
export interface Probe {
  template: Uint8Array;
  /** The caller's word, else the template's own. */
  hand: Hand;
  /** The same, else what a photograph shows: to be enrolled, not to be searched for, because it can be wrong. */
  seenHand: Hand;
  /** 0..100; null where the format has none. */
  quality: number | null;
  /** How many samples are fused in it. */
  samples: number;
  /** How many cells vote, 0..1024; null where the format has none. */
  votes: number | null;
  /** Templates of the same picture in other poses; none unless they were asked for. */
  poses?: readonly Uint8Array[] | undefined;
}

const at = (path: string, field: string): string => (path === "" ? field : `${path}.${field}`);

/**
 * In a global environment templates are not accepted: they could be made up, step by step from one person's palm to
 * another's.
 * @throws DomainError `invalid_request` at the sample's `template`.
 */
export function refuseGivenTemplate({ type }: Pick<Environment, "type">, { path, template }: Sample): void {
  if (type !== "global" || template === undefined) return;
  throw invalid(at(path, "template"), "must not be sent in a global environment; send a picture");
}

/**
 * Checks what is cheap to check of a sample: everything about a template, and a picture's kind and size.
 * @throws DomainError `invalid_request` or `too_large` at the sample's place.
 */
export async function inspectSample(sample: Sample, format: TemplateFormat): Promise<void> {
  if (!sample.picture) {
    await readGivenTemplate(sample, format);
    return;
  }
  const { kind, bytes } = sample.picture;
  if (format !== PALM_CODE) {
    throw invalid(at(sample.path, kind), `is not taken here: the environment's format is ${format}`);
  }
  await orRefuse(sample, kind, async () => (kind === "photo" ? inspectPhoto : inspectImage)(bytes));
}

interface ReadOptions {
  format: TemplateFormat;
  /** The organization that it is read for, see `Extraction`. */
  owner: string;
  /** Whether a picture is also read in other poses, for a search. */
  poses?: boolean;
  /** Aborted when the sender disconnects. */
  signal?: AbortSignal | undefined;
}

/**
 * Reads a sample of an environment's format.
 * @throws DomainError `invalid_request` or `too_large` at the sample's place, `no_hand`, `hand_mismatch`, `unavailable`.
 */
export async function readSample(
  ctx: Ctx<"extraction">,
  sample: Sample,
  { format, owner, poses = false, signal }: ReadOptions,
): Promise<Probe> {
  const { picture } = sample;
  if (!picture) return readGivenTemplate(sample, format);
  await inspectSample(sample, format);
  const hand = sample.hand ?? "unknown";
  const extracted: Extracted = await orRefuse(sample, picture.kind, () =>
    ctx.extraction.extract({ picture, hand, owner, poses, signal }),
  );
  const { votes } = readTemplate(extracted.template);
  return { ...extracted, hand, seenHand: extracted.hand, samples: 1, votes };
}

async function readGivenTemplate(sample: Sample, format: TemplateFormat): Promise<Probe> {
  const template = sample.template ?? new Uint8Array();
  const path = at(sample.path, "template");
  const facts = await orRefuse(sample, "template", async () => readTemplate(template));
  if (facts.format !== format) throw invalid(path, `is no template of the environment's format, ${format}`);
  const { quality, samples, votes } = facts;
  // A vector says nothing of its hand: there the sample's word is all there is.
  const hand = format === PALM_CODE ? facts.hand : (sample.hand ?? "unknown");
  if (sample.hand !== undefined && sample.hand !== hand) {
    throw invalid(path, `says that its hand is ${hand}, the sample says ${sample.hand}`);
  }
  return { template, hand, seenHand: hand, quality, samples, votes };
}

async function orRefuse<T>(sample: Sample, field: string, read: () => Promise<T>): Promise<T> {
  const path = at(sample.path, field);
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    if (error.code === "too_large") {
      throw new DomainError("too_large", "The picture is too large.", {
        errors: [{ path, message: error.message }],
      });
    }
    if (error.code === "no_hand" || error.code === "hand_mismatch") {
      const which = sample.path === "" ? "" : `${sample.path}: `;
      throw new DomainError(error.code, `${which}${error.message}; take it again.`);
    }
    throw invalid(path, error.message);
  }
}

/** How the policy calls a probe of so many samples. */
export const kindOf = ({ samples }: Pick<Probe, "samples">): ProbeKind => (samples > 1 ? "fused" : "single");

/**
 * @param compared how many palms the probe is compared with; left out for a sample of an enrollment
 * @throws DomainError `poor_quality` when a picture can be read but shows too little of a palm.
 */
export function refusePoor(probe: Probe, compared?: number): void {
  const { quality, votes } = probe;
  const least = minVotes(kindOf(probe), compared);
  if ((quality === null || quality >= MIN_QUALITY) && (votes === null || votes >= least)) return;
  throw new DomainError("poor_quality", "The picture does not show enough of a palm; take it again.");
}

/**
 * Several samples of one palm as one, of that hand, in the poses of the last one.
 * @throws DomainError `poor_quality`, `template_mismatch` when they are not of one palm.
 */
export function fuse(probes: readonly Probe[], hand: Hand): Probe {
  for (const probe of probes) refusePoor(probe);
  try {
    const fused = fuseTemplates(probes.map(({ template }) => template));
    const { votes } = readTemplate(fused.template);
    const poses = probes.at(-1)?.poses;
    return {
      ...fused,
      ...{ hand, seenHand: hand },
      votes,
      poses,
      samples: probes.reduce((total, { samples }) => total + samples, 0),
    };
  } catch (error) {
    if (!(error instanceof PalmError) || error.code !== "template_mismatch") throw error;
    throw new DomainError("template_mismatch", "The samples are not of one palm.");
  }
}

/** Of several liveness scores the least: it is what a reviewer looks for. Null when none was sent. */
export function leastLively(scores: readonly (number | null | undefined)[]): number | null {
  const sent = scores.filter((score) => typeof score === "number");
  return sent.length > 0 ? Math.min(...sent) : null;
}
