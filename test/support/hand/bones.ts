/**
 * The bones of a hand in hand units: 1 is the way from the wrist to the root of the middle finger, x points to the
 * thumb, y to the fingers, z out of the palm, and the wrist is (0, 0, 0).
 */
import type { Chance } from "../palm/random.ts";
import { cosSin, type Vector } from "./math.ts";

export interface Digit {
  /** From the root to the tip. */
  joints: Vector[];
  /** Half widths at the joints. */
  radii: number[];
}

export interface Bones {
  /** Index finger to little finger. */
  fingers: Digit[];
  thumb: Digit;
  /** 21 points in MediaPipe's order. */
  landmarks: Vector[];
  /** How wide and how thick this hand is; about 1. */
  broad: number;
  thick: number;
}

/** From the index finger: root, lengths of the bones, angle to the middle of the hand, half widths. */
const FINGERS = [
  { root: [0.262, 0.955], lengths: [0.42, 0.23, 0.232], splay: 7, radii: [0.112, 0.102, 0.09, 0.078] },
  { root: [0.03, 1], lengths: [0.465, 0.255, 0.26], splay: 1, radii: [0.113, 0.104, 0.091, 0.079] },
  { root: [-0.188, 0.945], lengths: [0.43, 0.245, 0.255], splay: -6, radii: [0.107, 0.097, 0.086, 0.075] },
  { root: [-0.375, 0.835], lengths: [0.335, 0.19, 0.203], splay: -16, radii: [0.095, 0.084, 0.074, 0.065] },
] as const;
const THUMB = { root: [0.235, 0.175, 0.05], lengths: [0.365, 0.31, 0.265], angles: [43, 37, 31] } as const;
const THUMB_RADII = [0.15, 0.122, 0.112, 0.088];

/**
 * @param body decides what stays the same in all photographs of this hand
 * @param pose decides what differs from photograph to photograph
 * @param spread how far the fingers are apart: 0 closed, 1 at ease, 1.8 far
 */
export function growBones(body: Chance, pose: Chance, spread: number): Bones {
  const broad = 1 + body.bell(0.035);
  const long = 1 + body.bell(0.03);
  const thick = 1 + body.bell(0.06);
  const relaxed = pose.between(0, 1);

  const fingers = FINGERS.map(({ root, lengths, splay, radii }, finger): Digit => {
    const reach = long * (1 + body.bell(0.025));
    const joints: Vector[] = [[root[0] * broad, root[1] + body.bell(0.012), 0]];
    const angle = splay * spread + body.bell(1.2) + pose.bell(1.3);
    // Fingers curl toward the camera, and bend sideways at their joints.
    let lean = angle;
    let curl = 2 + 7 * relaxed + pose.bell(2);
    for (const length of lengths) {
      const [cos, sin] = cosSin(lean);
      const [flat, rise] = cosSin(curl);
      const [x, y, z] = joints.at(-1) as Vector;
      const size = length * reach * (1 + body.bell(0.015));
      joints.push([x + size * sin * flat, y + size * cos * flat, z + size * rise]);
      lean += -0.0875 * angle + body.bell(1.2) + (finger === 3 ? 1.5 : 0);
      curl += 3 + 7 * relaxed + pose.bell(2);
    }
    return { joints, radii: radii.map((radius) => radius * thick * (1 + body.bell(0.015))) };
  });

  const open = 8 * (spread - 1) + body.bell(3) + pose.bell(4);
  const bend = body.bell(5);
  const joints: Vector[] = [[THUMB.root[0] * broad, THUMB.root[1], THUMB.root[2]]];
  THUMB.lengths.forEach((length, bone) => {
    const [cos, sin] = cosSin((THUMB.angles[bone] as number) + open + (bone === 2 ? bend : 0));
    const [x, y, z] = joints[bone] as Vector;
    const size = length * long * (1 + body.bell(0.015));
    joints.push([x + size * sin, y + size * cos, z + (bone === 0 ? 0.07 : 0.02)]);
  });
  const thumb = { joints, radii: THUMB_RADII.map((radius) => radius * thick) };

  return { fingers, thumb, landmarks: landmarksOf(fingers, thumb), broad, thick };
}

/**
 * Where the models of `@mediapipe/hands` put the joints: roots and wrist lie 4–5 % of the palm's length beyond the
 * ends of the bones. The offsets are fitted to these models, so errors against them measure consistency.
 */
function landmarksOf(fingers: Digit[], thumb: Digit): Vector[] {
  const wrist: Vector = [0, 0.045, 0];
  return [
    wrist,
    ...digitLandmarks(thumb, [0.07, 0.03], [0.05, 0.025]),
    ...fingers.flatMap((finger) => digitLandmarks(finger, [-0.008, 0.05], [0, 0])),
  ];
}

type Offset = readonly [x: number, y: number];

function digitLandmarks({ joints }: Digit, rootOffset: Offset, secondOffset: Offset): Vector[] {
  const [root, second, third, tip] = joints as [Vector, Vector, Vector, Vector];
  // The landmark of a tip lies in the middle of its pad.
  const pad = (k: 0 | 1 | 2) => tip[k] - 0.22 * (tip[k] - third[k]);
  return [
    [root[0] + rootOffset[0], root[1] + rootOffset[1], root[2]],
    [second[0] + secondOffset[0], second[1] + secondOffset[1], second[2]],
    third,
    [pad(0), pad(1), pad(2)],
  ];
}
