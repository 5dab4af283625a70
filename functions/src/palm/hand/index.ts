/**
 * Finds the hand in a photograph, and cuts the region of its palm for `extractTemplate`. Pure TypeScript and WebAssembly,
 * without anything of Node.js, so that it runs in browsers, too. The weights are those of MediaPipe Hands (Apache-2.0).
 */
import {
  findLandmarks,
  HAND_LANDMARKS,
  type Landmarks,
  squareOfLandmarks,
  squareOfPalm,
} from "./handLandmarks.ts";
import { areStable, isHand, isPresent } from "./isHand.ts";
import { type ModelSizes, type Network, openNetwork } from "./network.ts";
import { detectPalm, PALM_DETECTION } from "./palmDetection.ts";
import { Pyramid, type RgbImage } from "./picture.ts";
import { ModelError } from "./tflite.ts";
import { typescriptKernels } from "./typescriptKernels.ts";
import { wasmKernels } from "./wasmKernels.ts";

export { findPalm, PHOTO_SIDE } from "./findPalm.ts";
export type { Landmarks } from "./handLandmarks.ts";
export { type Point, Pyramid, type RgbImage } from "./picture.ts";
export { cutPalm, type Pose, REGION_SIDE } from "./region.ts";
export { ModelError } from "./tflite.ts";

export interface HandFinderOptions {
  /** Bytes of palm_detection_lite.tflite. */
  palmDetection: Uint8Array;
  /** Bytes of hand_landmark_lite.tflite. */
  handLandmarks: Uint8Array;
  /** WebAssembly by default; TypeScript gives the same bytes, about 20 times slower. */
  kernels?: "wasm" | "typescript";
}

export interface HandFinder {
  /** Bytes of memory for weights and intermediate results. */
  readonly memoryBytes: number;
  /**
   * Finds the most certain hand whose palm is towards the camera, turned in any way.
   * @param image a pyramid saves time when `cutPalm` gets the same one
   * @returns its landmarks, undefined when there is no hand
   * @throws PalmError `invalid_image` when `rgb` does not have three bytes for each of `width` × `height` pixels
   */
  find(image: RgbImage | Pyramid): Landmarks | undefined;
}

/** How many times as large as the picture its surroundings are, in the first try and in the second. */
const MARGINS = [1, 2];

/**
 * Reads the weights and makes a finder. Keep it: this takes 0.2 s of processor time, and the first photographs are slower
 * than later ones. Finds the same on every machine, bit by bit.
 *
 * A photograph is searched for a palm; the landmarks are found in the square around it, then again in the square around
 * these landmarks. Both must agree, with a presence above 0.5, and the fingers must be as long as a hand's. Without a hand, the
 * photograph is searched once more at half its size, for hands that fill it.
 *
 * @throws ModelError when the weights are damaged or are not those of these models
 * @example
 *   const finder = openHandFinder(await readHandModels());
 *   const { region, hand } = findPalm(image, { finder, said: "unknown" });
 *   extractTemplate(region, { hand });
 */
export function openHandFinder({
  palmDetection,
  handLandmarks,
  kernels = "wasm",
}: HandFinderOptions): HandFinder {
  const createKernels = { wasm: wasmKernels, typescript: typescriptKernels }[kernels];
  const detector = openNetwork(palmDetection, createKernels);
  const landmarker = openNetwork(handLandmarks, createKernels);
  checkSizes(detector, PALM_DETECTION);
  checkSizes(landmarker, HAND_LANDMARKS);
  return {
    memoryBytes: detector.memoryBytes + landmarker.memoryBytes,
    find(image) {
      const pyramid = Pyramid.of(image);
      for (const margin of MARGINS) {
        const palm = detectPalm(detector, pyramid, margin);
        if (palm === undefined) continue;
        const first = findLandmarks(landmarker, pyramid, squareOfPalm(palm));
        if (!isPresent(first)) continue;
        const second = findLandmarks(landmarker, pyramid, squareOfLandmarks(first.landmarks));
        if (isHand(second) && areStable(first.landmarks, second.landmarks)) return second;
      }
      return undefined;
    },
  };
}

function checkSizes({ inputFloats, outputFloats }: Network, expected: ModelSizes): void {
  const same =
    inputFloats === expected.input && expected.outputs.every((floats, i) => floats === outputFloats[i]);
  if (!same) throw new ModelError("This is not the model that is expected here");
}
