/**
 * Why the engine refused: `invalid_image` not a sound PNG, JPEG or BMP of 96..1024 px a side ·
 * `too_large` more than 1 MiB of image · `invalid_template` broken bytes · `template_mismatch` sound
 * templates that do not belong together (another format, another palm, another hand).
 */
export type PalmErrorCode = "invalid_image" | "too_large" | "invalid_template" | "template_mismatch";

/** Every refusal of the palm engine; the message never quotes the input. */
export class PalmError extends Error {
  override readonly name = "PalmError";
  readonly code: PalmErrorCode;

  constructor(code: PalmErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
