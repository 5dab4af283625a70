import { FINGER_ROOTS, type Landmarks, WRIST } from "./handLandmarks.ts";
import { distance, type Point } from "./picture.ts";

const MIN_PRESENCE = 0.5;
const MIN_FINGER = 0.45;
const MIN_FINGERS = 3;
const MIDDLE_FINGER_ROOT = 9;
const ROOT_TO_TIP = 3;

/**
 * Whether landmarks are those of an open hand. The model alone also accepts the sole of a foot, whose toes are short: so
 * three of four fingers must be at least 0.45 palm lengths long, from root to tip.
 */
export function isHand({ presence, landmarks }: Landmarks): boolean {
  return (
    presence > MIN_PRESENCE &&
    fingerLengths(landmarks).filter((length) => length >= MIN_FINGER).length >= MIN_FINGERS
  );
}

/** From root to tip of each finger without the thumb, in lengths from the wrist to the middle finger's root. */
export function fingerLengths(landmarks: readonly Point[]): number[] {
  const at = (i: number) => landmarks[i] as Point;
  const palm = distance(at(WRIST), at(MIDDLE_FINGER_ROOT));
  return FINGER_ROOTS.map((root) => distance(at(root), at(root + ROOT_TO_TIP)) / palm);
}
