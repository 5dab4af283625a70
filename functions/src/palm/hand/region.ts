import type { GrayImage } from "../image.ts";
import { cosineAndSine } from "./arithmetic.ts";
import { FINGER_ROOTS, WRIST } from "./handLandmarks.ts";
import {
  direction,
  distance,
  type Point,
  Pyramid,
  type RgbImage,
  type Square,
  sampleSquare,
} from "./picture.ts";

/** Difference of a region from the one that follows from the landmarks. */
export interface Pose {
  /** Degrees by which the square is turned clockwise in the picture, −90..90. */
  turn?: number;
  /** Factor of the square's side. */
  scale?: number;
}

/** Side of a region, px. */
export const REGION_SIDE = 192;

/** The square's side, and how far its center is from the finger roots, in palm lengths. */
const SIDE = 0.7;
const DROP = 0.28;
/** Samples along a pixel of the region. */
const SAMPLES = 2;

/**
 * Cuts the region of the palm out of a photograph: a square whose side is 0.70 of the palm's length L, from the wrist W to
 * the middle M of the four finger roots, upright along W → M, its center 0.28 L from M towards W. Each pixel is the mean
 * of four samples, each of them interpolated on a copy of the photograph that has one to two pixels for it. Parts outside
 * of the photograph are black. The same bytes on every machine.
 * @param image the photograph; a pyramid of it saves time when several regions are cut
 * @param landmarks the hand's 21 points, px
 * @returns the luminance (ITU-R BT.601 in integers, as `decodeImage`), 192 × 192 px
 * @throws PalmError `invalid_image` as `HandFinder.find`
 */
export function cutPalm(
  image: RgbImage | Pyramid,
  landmarks: readonly Point[],
  { turn = 0, scale = 1 }: Pose = {},
): GrayImage {
  const { center, side, up } = palmSquare(landmarks);
  const [cosine, sine] = cosineAndSine(turn);
  const turned = {
    center,
    side: side * scale,
    up: [up[0] * cosine - up[1] * sine, up[0] * sine + up[1] * cosine] as const,
  };
  const row = SAMPLES * REGION_SIDE;
  const samples = sampleSquare(Pyramid.of(image), turned, row);
  const gray = new Uint8Array(REGION_SIDE * REGION_SIDE);
  for (let y = 0, to = 0; y < REGION_SIDE; y++) {
    for (let x = 0; x < REGION_SIDE; x++, to++) {
      let sum = 0;
      for (let i = 0; i < SAMPLES; i++) {
        for (let j = 0; j < SAMPLES; j++) {
          const at = 3 * ((SAMPLES * y + i) * row + SAMPLES * x + j);
          const [red, green, blue] = [
            samples[at] as number,
            samples[at + 1] as number,
            samples[at + 2] as number,
          ];
          sum += 77 * red + 150 * green + 29 * blue;
        }
      }
      gray[to] = (sum / (SAMPLES * SAMPLES) + 128) >> 8;
    }
  }
  return { width: REGION_SIDE, height: REGION_SIDE, gray };
}

function palmSquare(landmarks: readonly Point[]): Square {
  const wrist = landmarks[WRIST] as Point;
  const mean = (axis: 0 | 1) => FINGER_ROOTS.reduce((sum, i) => sum + (landmarks[i] as Point)[axis], 0) / 4;
  const roots: Point = [mean(0), mean(1)];
  return {
    center: [roots[0] + DROP * (wrist[0] - roots[0]), roots[1] + DROP * (wrist[1] - roots[1])],
    side: SIDE * distance(wrist, roots),
    up: direction(wrist, roots),
  };
}
