import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Bytes of the two models that `openHandFinder` needs. */
export interface HandModels {
  palmDetection: Uint8Array;
  handLandmarks: Uint8Array;
}

interface ModelFile {
  /** The file beside the bundle. */
  name: string;
  /** The file in the package @mediapipe/hands, and where the model begins and ends in it. */
  packed: { file: string; from: number; to: number };
  sha256: string;
}

/** The light models of @mediapipe/hands 0.4.1675469240, Apache-2.0, see NOTICE. */
export const HAND_MODELS: Record<keyof HandModels, ModelFile> = {
  palmDetection: {
    name: "palm_detection_lite.tflite",
    packed: { file: "hands_solution_packed_assets.data", from: 2_341_291, to: 4_326_731 },
    sha256: "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
  },
  handLandmarks: {
    name: "hand_landmark_lite.tflite",
    packed: { file: "hand_landmark_lite.tflite", from: 0, to: 2_071_408 },
    sha256: "d7fde8ac11f8ce03f8663775bfc323f4fc9f2a38062b4f4efa142874ef5b2a48",
  },
};

let models: HandModels | undefined;

/**
 * Reads the hand models once: in the bundle the files that the build put beside it, from source those of the package.
 * @throws Error when a file is absent or has other bytes than expected
 */
export function readHandModels(): HandModels {
  const read = import.meta.url.endsWith(".ts") ? unpackModel : readModelFile;
  models ??= {
    palmDetection: read(HAND_MODELS.palmDetection),
    handLandmarks: read(HAND_MODELS.handLandmarks),
  };
  return models;
}

/** Reads a model from the development package. */
export function unpackModel({ name, packed, sha256 }: ModelFile): Uint8Array {
  const folder = dirname(createRequire(import.meta.url).resolve("@mediapipe/hands/package.json"));
  return checked(name, sha256, readFileSync(join(folder, packed.file)).subarray(packed.from, packed.to));
}

function readModelFile({ name, sha256 }: ModelFile): Uint8Array {
  return checked(name, sha256, readFileSync(fileURLToPath(new URL(name, import.meta.url))));
}

function checked(name: string, sha256: string, bytes: Uint8Array): Uint8Array {
  if (createHash("sha256").update(bytes).digest("hex") !== sha256)
    throw new Error(`${name} has other bytes than expected: run \`npm ci\` and \`npm run build\` again`);
  return bytes;
}
