/**
 * The palm engine: image → template → score → identity. It knows no platform and no clock, and reads no file but its own
 * image decoders. docs/palm.md explains how it works and what was measured.
 */
import {
  countVotes,
  decodeTemplate,
  decodeVector,
  formatOf,
  type TemplateFacts,
  VECTOR_512,
} from "./codec.ts";

export { type Hand, PALM_CODE, type TemplateFacts, type TemplateFormat, VECTOR_512 } from "./codec.ts";
export { type Decision, type DecisionPolicy, decide, decideClaim } from "./decide.ts";
export { PalmError, type PalmErrorCode } from "./errors.ts";
export { extractProbe, extractTemplate, MIN_QUALITY } from "./extract.ts";
export { fuseTemplates } from "./fuse.ts";
export {
  type Candidate,
  type ClaimResult,
  type Enrolment,
  Gallery,
  type GalleryFilter,
  type GalleryOptions,
  type PalmIdentity,
  type SearchOptions,
} from "./gallery.ts";
export {
  decodeImage,
  decodePhoto,
  type GrayImage,
  inspectImage,
  inspectPhoto,
  type RgbImage,
} from "./image.ts";
export { compareTemplates } from "./match.ts";
export {
  EXTRAPOLATED_SLOPE,
  MARGIN,
  minVotes,
  type ProbeKind,
  searchThreshold,
  TARGET_FPIR,
  type Tail,
} from "./policy.ts";
export type { Sample } from "./rows.ts";

/**
 * What a template says about itself, after it was found sound: a code by magic, version, length and
 * checksum, a vector by length and numbers. A vector says nothing: of no known hand, one sample.
 * @throws PalmError `invalid_template`; a protected vector is one too, it only goes back into a gallery.
 */
export function readTemplate(bytes: Uint8Array): TemplateFacts & {
  /** How many cells vote, 0..1024; null for vectors. */
  votes: number | null;
} {
  if (formatOf(bytes) === VECTOR_512) {
    decodeVector(bytes);
    return { format: VECTOR_512, hand: "unknown", quality: null, samples: 1, votes: null };
  }
  const { planes, ...facts } = decodeTemplate(bytes);
  return { ...facts, votes: countVotes(planes) };
}
