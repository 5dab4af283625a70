import { readdirSync, readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

const IMAGES = new URL("../data/images/", import.meta.url);
const CASES = new URL("../data/cases/", import.meta.url);

/** A file of test/data/images and its right pixels, as RGB, or the message that refuses it. */
export type CorpusEntry = { file: string; bytes: Uint8Array } & (
  | { width: number; height: number; rgb: Uint8Array }
  | { refused: string }
);

/** One picture in every kind that encoders write, made by scripts/image-corpus.ts. */
export function readCorpus(): CorpusEntry[] {
  const index = JSON.parse(readFileSync(new URL("index.json", IMAGES), "utf8")) as {
    file: string;
    pixels: string;
    refused?: string;
  }[];
  return index.map(({ file, pixels, refused }) => {
    const bytes = Uint8Array.from(readFileSync(new URL(file, IMAGES)));
    if (refused !== undefined) return { file, bytes, refused };
    return {
      file,
      bytes,
      ...readPpm(brotliDecompressSync(readFileSync(new URL(`${pixels}.ppm.br`, IMAGES)))),
    };
  });
}

/** A file of test/data/cases, which its README describes. */
export const readCase = (file: string): Uint8Array => Uint8Array.from(readFileSync(new URL(file, CASES)));

/** All JPEG, PNG and BMP files of test/data/cases. */
export const caseFiles = (): string[] => readdirSync(CASES).filter((file) => /\.(jpg|png|bmp)$/.test(file));

/** A binary PPM of 8 bits a sample, or a PGM as one. */
function readPpm(ppm: Buffer): { width: number; height: number; rgb: Uint8Array } {
  const [head = "", kind, width, height] =
    /^P([56])\s(\d+)\s(\d+)\s255\s/.exec(ppm.toString("latin1", 0, 32)) ?? [];
  const samples = Uint8Array.from(ppm.subarray(head.length));
  const rgb =
    kind === "6"
      ? samples
      : Uint8Array.from({ length: 3 * samples.length }, (_, i) => samples[Math.floor(i / 3)] as number);
  return { width: Number(width), height: Number(height), rgb };
}

/** The mean absolute difference of two pictures' samples, in levels of 255. Infinite when their sizes differ. */
export function meanDifference(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += Math.abs((one[i] as number) - (other[i] as number));
  return sum / one.length;
}
