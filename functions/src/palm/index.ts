/**
 * The palm engine: image → template → score → identity. Pure TypeScript: no platform, no I/O, no clock.
 * docs/palm.md tells how it works and what it was measured to do.
 */
import { decodeTemplate, type TemplateFacts } from "./codec.ts";

export { type Hand, PALM_CODE, type TemplateFacts, type TemplateFormat } from "./codec.ts";
export { type Decision, type DecisionPolicy, decide } from "./decide.ts";
export { PalmError, type PalmErrorCode } from "./errors.ts";
export { extractTemplate, MIN_QUALITY } from "./extract.ts";
export { fuseTemplates } from "./fuse.ts";
export {
  type Candidate,
  type Enrolment,
  Gallery,
  type GalleryFilter,
  type GalleryOptions,
  type PalmIdentity,
  type SearchOptions,
} from "./gallery.ts";
export { decodeImage, type GrayImage } from "./image.ts";
export { compareTemplates } from "./match.ts";
export { MARGIN, TARGET_FPIR, uncalibratedThreshold } from "./policy.ts";

/**
 * What a template says about itself, after its magic, version, length and checksum were found sound.
 * @throws PalmError `invalid_template`
 */
export function readTemplate(bytes: Uint8Array): TemplateFacts {
  const { format, hand, quality, samples } = decodeTemplate(bytes);
  return { format, hand, quality, samples };
}
