import {
  fuseTemplates,
  type Hand,
  inspectImage,
  MIN_QUALITY,
  PALM_CODE,
  PalmError,
  readTemplate,
  type TemplateFormat,
} from "../../palm/index.ts";
import type { Ctx } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError, invalid } from "../errors.ts";

/** What a caller sends of a palm: an image or a template, never both. `path` is where it stands in the request. */
export interface Sample {
  path: string;
  image?: Uint8Array | undefined;
  template?: Uint8Array | undefined;
  hand?: Hand | undefined;
  pad_score?: number | undefined;
}

/** A sample as a template. `hand` is the caller's word, else the template's own. */
export interface Probe {
  template: Uint8Array;
  hand: Hand;
  /** 0..100; null where the format has none. */
  quality: number | null;
  /** How many samples are fused in it. */
  samples: number;
}

const at = (path: string, field: string): string => (path === "" ? field : `${path}.${field}`);

/**
 * In a global environment templates are not accepted: they could be made up, step by step from one person's palm to
 * another's.
 * @throws DomainError `invalid_request` at the sample's `template`.
 */
export function refuseGivenTemplate({ type }: Pick<Environment, "type">, { path, template }: Sample): void {
  if (type !== "global" || template === undefined) return;
  throw invalid(at(path, "template"), "must not be sent in a global environment; send an image");
}

/**
 * Checks what is cheap to check of a sample: everything about a template, and a picture's kind and size.
 * @throws DomainError `invalid_request` or `too_large` at the sample's place.
 */
export async function inspectSample(sample: Sample, format: TemplateFormat): Promise<void> {
  if (!sample.image) {
    await readGivenTemplate(sample, format);
    return;
  }
  const { image } = sample;
  const path = at(sample.path, "image");
  if (format !== PALM_CODE) throw invalid(path, `is not taken here: the environment's format is ${format}`);
  await orRefuse(path, async () => inspectImage(image));
}

/**
 * Reads a sample of an environment's format.
 * @param owner the organization that it is read for, see `Extraction`
 * @throws DomainError `invalid_request` or `too_large` at the sample's place, `unavailable`.
 */
export async function readSample(
  ctx: Ctx<"extraction">,
  sample: Sample,
  { format, owner }: { format: TemplateFormat; owner: string },
): Promise<Probe> {
  const { image } = sample;
  if (!image) return readGivenTemplate(sample, format);
  await inspectSample(sample, format);
  const hand = sample.hand ?? "unknown";
  const extracted = await orRefuse(at(sample.path, "image"), () =>
    ctx.extraction.extract({ image, hand, owner }),
  );
  return { ...extracted, hand, samples: 1 };
}

async function readGivenTemplate(sample: Sample, format: TemplateFormat): Promise<Probe> {
  const template = sample.template ?? new Uint8Array();
  const path = at(sample.path, "template");
  const facts = await orRefuse(path, async () => readTemplate(template));
  if (facts.format !== format) throw invalid(path, `is no template of the environment's format, ${format}`);
  const { quality, samples } = facts;
  // A vector says nothing of its hand: there the sample's word is all there is.
  const hand = format === PALM_CODE ? facts.hand : (sample.hand ?? "unknown");
  if (sample.hand !== undefined && sample.hand !== hand) {
    throw invalid(path, `says that its hand is ${hand}, the sample says ${sample.hand}`);
  }
  return { template, hand, quality, samples };
}

async function orRefuse<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PalmError)) throw error;
    if (error.code === "too_large") {
      throw new DomainError("too_large", "The picture is too large.", {
        errors: [{ path, message: error.message }],
      });
    }
    throw invalid(path, error.message);
  }
}

/** @throws DomainError `poor_quality` when the picture is fine but shows no usable palm. */
export function refusePoor(probe: Probe): void {
  if (probe.quality !== null && probe.quality < MIN_QUALITY) {
    throw new DomainError("poor_quality", "No usable palm is seen; take the picture again.");
  }
}

/**
 * Several samples of one palm as one, of that hand.
 * @throws DomainError `poor_quality`, `template_mismatch` when they are not of one palm.
 */
export function fuse(probes: readonly Probe[], hand: Hand): Probe {
  for (const probe of probes) refusePoor(probe);
  try {
    const fused = fuseTemplates(probes.map(({ template }) => template));
    return { ...fused, hand, samples: probes.reduce((total, { samples }) => total + samples, 0) };
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
