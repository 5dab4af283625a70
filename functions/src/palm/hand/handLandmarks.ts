import type { ModelSizes, Network } from "./network.ts";
import type { Palm } from "./palmDetection.ts";
import { direction, type Point, type Pyramid, pointInPicture, type Square, sampleSquare } from "./picture.ts";

/** The 21 landmarks of a hand by their index. Each finger has its root, two joints and its tip, in this order. */
export const WRIST = 0;
export const FINGER_ROOTS = [5, 9, 13, 17] as const;

/** The landmark model's result for a square of a picture. */
export interface Landmarks {
  /** How certain it is that there is a hand, 0..1. */
  presence: number;
  /** 0..1, above 0.5 for the right hand whose palm is seen in a picture that is not mirrored. */
  handedness: number;
  /** 21 points, px. */
  landmarks: Point[];
}

/** Side of the model's input, px. */
const INPUT_SIDE = 224;

/** 21 points with depth, presence, handedness. */
export const HAND_LANDMARKS: ModelSizes = { input: INPUT_SIDE * INPUT_SIDE * 3, outputs: [63, 1, 1] };

/**
 * Finds the landmarks of the hand in a square of a picture.
 * @param network hand_landmark_lite
 */
export function findLandmarks(network: Network, pyramid: Pyramid, square: Square): Landmarks {
  const input = sampleSquare(pyramid, square, INPUT_SIDE).map((value) => value / 255);
  const [points, presence, handedness] = network.run(input) as [Float32Array, Float32Array, Float32Array];
  return {
    presence: presence[0] as number,
    handedness: handedness[0] as number,
    // Each has a depth, too, which nothing here uses.
    landmarks: Array.from({ length: points.length / 3 }, (_, i) =>
      pointInPicture(square, [
        (points[3 * i] as number) / INPUT_SIDE,
        (points[3 * i + 1] as number) / INPUT_SIDE,
      ]),
    ),
  };
}

/** The square around a hand, from its palm. Source: MediaPipe's palm_detection_detection_to_roi. */
export function squareOfPalm({ center, side, wrist, middleFingerRoot }: Palm): Square {
  const up = direction(wrist, middleFingerRoot);
  return { up, side: 2.6 * side, center: [center[0] + 0.5 * side * up[0], center[1] + 0.5 * side * up[1]] };
}

/** Landmarks that hardly move when fingers bend: palm, thumb without its tip, first joints. */
const STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18];

/** The square around a hand, from its landmarks. Source: MediaPipe's hand_landmark_landmarks_to_roi. */
export function squareOfLandmarks(landmarks: readonly Point[]): Square {
  const at = (i: number) => landmarks[i] as Point;
  const roots = ([0, 1] as const).map((axis) => (at(5)[axis] + 2 * at(9)[axis] + at(13)[axis]) / 4);
  const up = direction(at(WRIST), roots as [number, number]);
  // Coordinates along the square's edges, to the right and down.
  const xs = STABLE.map((i) => -up[1] * at(i)[0] + up[0] * at(i)[1]);
  const ys = STABLE.map((i) => -up[0] * at(i)[0] - up[1] * at(i)[1]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const x = (left + right) / 2;
  const y = (top + bottom) / 2 - 0.1 * (bottom - top);
  return {
    up,
    side: 2 * Math.max(right - left, bottom - top),
    center: [-up[1] * x - up[0] * y, up[0] * x - up[1] * y],
  };
}
