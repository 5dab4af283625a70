import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { RgbImage } from "../../functions/src/palm/index.ts";

/** The part of @cornerstonejs/codec-libjpeg-turbo-8bit that encodes. */
interface Encoder {
  getDecodedBuffer(frame: object): Uint8Array;
  setQuality(quality: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

// It is a package of the functions.
const require = createRequire(new URL("../../functions/package.json", import.meta.url));
const PACKAGE = "@cornerstonejs/codec-libjpeg-turbo-8bit";

const module = (
  require(`${PACKAGE}/wasmjs`) as (options: object) => Promise<{ JPEGEncoder: new () => Encoder }>
)({ wasmBinary: readFileSync(require.resolve(`${PACKAGE}/wasm`)) });

/**
 * A baseline JPEG of a photograph: the same bytes on every machine.
 * @param options.quality 1..100
 */
export async function encodeJpeg(
  { width, height, rgb }: RgbImage,
  { quality = 85 }: { quality?: number } = {},
): Promise<Uint8Array> {
  const { JPEGEncoder } = await module;
  const encoder = new JPEGEncoder();
  try {
    const frame = { width, height, bitsPerSample: 8, componentCount: 3, isSigned: false };
    encoder.getDecodedBuffer(frame).set(rgb);
    encoder.setQuality(quality);
    encoder.encode();
    return Uint8Array.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}
