import { sigmoid } from "./arithmetic.ts";
import type { ModelSizes, Network } from "./network.ts";
import { type Point, type Pyramid, pointInPicture, sampleSquare } from "./picture.ts";

/** A palm as the detector sees it. */
export interface Palm {
  /** 0..1 */
  score: number;
  /** Middle of the box around the palm, and the longer one of its sides, px. */
  center: Point;
  side: number;
  wrist: Point;
  middleFingerRoot: Point;
}

/** Side of the detector's input, px. */
const INPUT_SIDE = 192;
/** Numbers of one box: center, sides, seven points. */
const BOX = 18;
const MIN_SCORE = 0.5;
/** Boxes that overlap by more than this share of their union are of one palm. */
const MIN_OVERLAP = 0.3;

/** Centers of the boxes that the detector shifts, in its input's sides: 24 × 24 × 2 and 12 × 12 × 6. */
const ANCHORS: readonly Point[] = [
  [24, 2],
  [12, 6],
].flatMap(([cells = 0, boxes = 0]) =>
  Array.from({ length: cells * cells * boxes }, (_, i): Point => {
    const cell = Math.floor(i / boxes);
    return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
  }),
);

/** Boxes and their logits. */
export const PALM_DETECTION: ModelSizes = {
  input: INPUT_SIDE * INPUT_SIDE * 3,
  outputs: [ANCHORS.length * BOX, ANCHORS.length],
};

/**
 * The most certain palm of a picture. The picture is put into the middle of a square, boxes that overlap are averaged by
 * their scores. Source: "MediaPipe Hands: On-device Real-time Hand Tracking" (Zhang et al., 2020), the model's card.
 * @param network palm_detection_lite
 * @param margin side of the square in longer sides of the picture
 */
export function detectPalm(network: Network, pyramid: Pyramid, margin: number): Palm | undefined {
  const { width, height } = pyramid;
  const center: Point = [width / 2, height / 2];
  const square = { center, side: Math.max(width, height) * margin, up: [0, -1] as const };
  const input = sampleSquare(pyramid, square, INPUT_SIDE).map((value) => value / 255);
  const [boxes, logits] = network.run(input) as [Float32Array, Float32Array];

  const found = ANCHORS.flatMap((anchor, i) => {
    const score = sigmoid(logits[i] as number);
    return score < MIN_SCORE ? [] : [readBox(boxes.subarray(BOX * i, BOX * (i + 1)), anchor, score)];
  }).sort((a, b) => b.score - a.score);
  const [best] = found;
  if (best === undefined) return undefined;

  const group = found.filter((box) => box === best || overlap(box, best) > MIN_OVERLAP);
  const total = group.reduce((sum, { score }) => sum + score, 0);
  const mean = (of: (box: Box) => number) => group.reduce((sum, box) => sum + box.score * of(box), 0) / total;
  const meanPoint = (of: (box: Box) => Point): Point =>
    pointInPicture(square, [mean((box) => of(box)[0]), mean((box) => of(box)[1])]);
  return {
    score: best.score,
    center: meanPoint((box) => box.center),
    side:
      Math.max(
        mean(({ width }) => width),
        mean(({ height }) => height),
      ) * square.side,
    wrist: meanPoint((box) => box.wrist),
    middleFingerRoot: meanPoint((box) => box.middleFingerRoot),
  };
}

/** A box in the detector's input, in its sides. */
interface Box {
  score: number;
  center: Point;
  width: number;
  height: number;
  wrist: Point;
  middleFingerRoot: Point;
}

/** The first of the seven points is the wrist, the third the root of the middle finger. */
function readBox(numbers: Float32Array, [anchorX, anchorY]: Point, score: number): Box {
  const length = (i: number) => (numbers[i] as number) / INPUT_SIDE;
  const point = (i: number): Point => [length(i) + anchorX, length(i + 1) + anchorY];
  return {
    score,
    center: point(0),
    width: length(2),
    height: length(3),
    wrist: point(4),
    middleFingerRoot: point(8),
  };
}

/** Area of the intersection over that of the union. */
function overlap(a: Box, b: Box): number {
  const along = (axis: 0 | 1, side: "width" | "height") =>
    Math.min(a.center[axis] + a[side] / 2, b.center[axis] + b[side] / 2) -
    Math.max(a.center[axis] - a[side] / 2, b.center[axis] - b[side] / 2);
  const intersection = Math.max(0, along(0, "width")) * Math.max(0, along(1, "height"));
  return intersection / (a.width * a.height + b.width * b.height - intersection);
}
