import { FINGER_ROOTS, type Landmarks, WRIST } from "./handLandmarks.ts";
import { distance, type Point } from "./picture.ts";

const MIN_PRESENCE = 0.5;
/**
 * Finger lengths in palm lengths. Measured, the third-longest finger: 0.65 to 1.03 on 600 photographs of hands, at most 0.18
 * on 40 of soles of feet, 2.5 and more on fruit.
 */
const MIN_FINGER = 0.45;
const MAX_FINGER = 1.5;
const MIN_FINGERS = 3;
/**
 * Width of the knuckles in palm lengths. Measured: 0.57 to 0.72 on 480 photographs of hands, 0.91 and more on rendered forks that
 * the model accepts. Hands that are tilted by 30° towards the camera have up to 0.83.
 */
const MAX_KNUCKLES = 0.85;
/**
 * Mean distance between the landmarks of the two passes, in palm lengths. Measured: at most 0.04 on these hands, and 0.08 on
 * photographs from which a fifth of the hand is cut off; 0.05 to 3.2 on other things with a presence above 0.4.
 */
const MAX_SHIFT = 0.1;
const MIDDLE_FINGER_ROOT = 9;
const ROOT_TO_TIP = 3;

/**
 * Whether landmarks are those of an open hand. Presence is not enough, since the model accepts the sole of a
 * foot, whose toes are short, and forks, which are wide: three of four fingers must also be 0.45 to 1.5 palm lengths long, from
 * root to tip, and the knuckles at most 0.85 wide.
 */
export function isHand({ presence, landmarks }: Landmarks): boolean {
  const fingers = fingerLengths(landmarks).filter((length) => length >= MIN_FINGER && length <= MAX_FINGER);
  return isPresent({ presence }) && fingers.length >= MIN_FINGERS && knuckleWidth(landmarks) <= MAX_KNUCKLES;
}

/** Whether two passes agree on the landmarks of a picture: on things other than hands the second finds other points. */
export function areStable(first: readonly Point[], second: readonly Point[]): boolean {
  const sum = second.reduce((total, point, i) => total + distance(point, first[i] as Point), 0);
  return sum / second.length <= MAX_SHIFT * palmLength(second);
}

/** Whether the model is more certain than not that there is a hand. */
export const isPresent = ({ presence }: { presence: number }): boolean => presence > MIN_PRESENCE;

/** From root to tip of each finger without the thumb, in lengths from the wrist to the middle finger's root. */
export function fingerLengths(landmarks: readonly Point[]): number[] {
  const at = (i: number) => landmarks[i] as Point;
  const palm = palmLength(landmarks);
  return FINGER_ROOTS.map((root) => distance(at(root), at(root + ROOT_TO_TIP)) / palm);
}

/** From the index finger's root to the little finger's, in lengths from the wrist to the middle finger's root. */
export function knuckleWidth(landmarks: readonly Point[]): number {
  const [index, , , little] = FINGER_ROOTS;
  return distance(landmarks[index] as Point, landmarks[little] as Point) / palmLength(landmarks);
}

const palmLength = (landmarks: readonly Point[]): number =>
  distance(landmarks[WRIST] as Point, landmarks[MIDDLE_FINGER_ROOT] as Point);
