/**
 * Why the engine refused: `invalid_image` not a sound picture of a kind and size that is accepted ·
 * `too_large` more bytes than a picture may have · `no_hand` a photograph without a hand · `hand_mismatch` a photograph of the
 * other hand · `invalid_template` broken bytes · `template_mismatch` sound templates that do not belong together (another
 * format, another palm, another hand).
 */
export type PalmErrorCode =
  | "invalid_image"
  | "too_large"
  | "no_hand"
  | "hand_mismatch"
  | "invalid_template"
  | "template_mismatch";

/** Every refusal of the palm engine; the message never quotes the input. */
export class PalmError extends Error {
  override readonly name = "PalmError";
  readonly code: PalmErrorCode;

  constructor(code: PalmErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
