/** Colors of skin, and the creases of finger joints. */
import { Chance } from "../palm/random.ts";
import type { Bones, Digit } from "./bones.ts";
import { bump, type Color, clamp, distance, type Vector } from "./math.ts";

/** The ten tones of the Monk skin tone scale, sRGB, from the lightest. */
export const MONK_TONES: readonly Color[] = [
  [246, 237, 228],
  [243, 231, 219],
  [247, 234, 208],
  [234, 218, 186],
  [215, 189, 150],
  [160, 126, 86],
  [130, 92, 67],
  [96, 65, 52],
  [58, 49, 42],
  [41, 36, 32],
];

export interface Tone {
  /** The palm and the forearm as linear light. */
  palm: Color;
  arm: Color;
  /** The share of the light that the darkest crease absorbs. */
  crease: Color;
}

/** Square of a share of 255: our gamma is 2. */
export const linear = (level: number): number => (level / 255) * (level / 255);

export const mapColor = (color: Color, map: (value: number, channel: 0 | 1 | 2) => number): Color => [
  map(color[0], 0),
  map(color[1], 1),
  map(color[2], 2),
];

/** @param monk 1 (lightest) to 10 (darkest). Palms are pinker than the rest of the skin, and in dark hands lighter. */
export function newTone(monk: number, body: Chance, pose: Chance): Tone {
  const back = MONK_TONES[clamp(Math.round(monk), 1, 10) - 1] as Color;
  const dark = (monk - 1) / 9;
  const rosy: Color = [222 - 30 * dark, 160 - 32 * dark, 138 - 38 * dark];
  const share = 0.6 + 0.05 * dark;
  const bright = 1 + body.bell(0.025);
  const palm = mapColor(back, (level, k) => {
    const vary = bright + body.bell(0.01) + pose.bell(0.006);
    return (level * (1 - share) + rosy[k] * share) * vary;
  });
  return {
    palm: mapColor(palm, linear),
    arm: mapColor(back, (level, k) => linear(0.6 * level + 0.4 * palm[k])),
    crease: [0.44 + 0.1 * dark, 0.58 + 0.05 * dark, 0.6 + 0.04 * dark],
  };
}

interface JointCrease {
  /** Way from the root of the digit in hand units. */
  at: number;
  depth: number;
  width: number;
  bow: number;
  lean: number;
}

/**
 * The creases where digits bend.
 * @returns darkness 0..1 of a place on a digit: 1..5, way from its root, −1..1 from edge to edge
 */
export function jointCreases(
  { fingers, thumb }: Bones,
  seed: number,
): (digit: number, along: number, across: number) => number {
  const chance = new Chance(seed, -2);
  const creases = [...fingers, thumb].map((digit, i) => creasesOf(digit, i, chance));
  return (digit, along, across) => {
    let darkest = 0;
    for (const { at, depth, width, bow, lean } of creases[digit - 1] as JointCrease[]) {
      const off = along - at - bow * (1 - across * across) - lean * across;
      if (off > -width && off < width) darkest = Math.max(darkest, depth * bump(off, width));
    }
    return darkest;
  };
}

function creasesOf({ joints }: Digit, digit: number, chance: Chance): JointCrease[] {
  const [root, second, third] = joints as [Vector, Vector, Vector];
  const crease = (at: number, depth: number, width: number): JointCrease => ({
    at: at + chance.bell(0.004),
    depth,
    width,
    bow: chance.bell(0.03),
    lean: chance.bell(0.01),
  });
  const middle = distance(second, third);
  if (digit === 4) {
    return [crease(0.02, 0.4, 0.014), crease(middle - 0.015, 0.7, 0.014), crease(middle + 0.025, 0.45, 0.01)];
  }
  const first = distance(root, second);
  const last = first + middle;
  const short = digit === 3 ? 0.85 : 1;
  return [
    crease(0.2 * short, 0.75, 0.014),
    crease(0.235 * short, 0.35, 0.01),
    crease(first - 0.02, 0.75, 0.013),
    crease(first + 0.012, 0.6, 0.012),
    crease(last - 0.005, 0.7, 0.012),
    ...Array.from({ length: 5 }, () =>
      crease(chance.between(0.24, last + 0.1), chance.between(0.08, 0.22), 0.008),
    ),
  ];
}
