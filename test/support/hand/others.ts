/** Pictures without a hand, which a check for hands must refuse. */
import { Chance } from "../palm/random.ts";
import { BACKGROUND_NAMES, type BackgroundName, paintBackground } from "./backdrop.ts";
import { develop } from "./develop.ts";
import { type Color, clamp, cosSin, noiseAt, smoothMax, smoothMin, type Vector } from "./math.ts";
import { linear, MONK_TONES, mapColor } from "./skin.ts";

const KINDS = { face, cup, text, noise, foot, fork, sausages, blank, wall } as const satisfies Record<
  string,
  (scene: Scene) => void
>;

export type OtherKind = keyof typeof KINDS;
export const OTHER_KINDS = Object.keys(KINDS) as OtherKind[];

interface Scene {
  chance: Chance;
  /**
   * Paints every point for which `colorAt` returns a color: linear light. Coordinates are halves of the shorter side
   * from the middle of the picture, y up.
   */
  paint(colorAt: (x: number, y: number) => Color | undefined): void;
}

/**
 * A picture of something that is not a hand, in front of a background.
 *
 * Seeds 1 to 8 were checked in 480 × 640 px with the light models of `@mediapipe/hands` 0.4.1675469240. They report a
 * presence above 0.5 for every foot (0.90 to 0.96) and for the forks 3, 4 and 8 (0.60 to 0.86), and at most 0.03 for
 * the rest. Each finger of these feet is at most 0.28 of the palm's length (landmark 0 to 9) from root to tip. The roots
 * of the index and the little finger are at least 0.86 of it apart in these forks, and 0.60 to 0.72 in rendered hands.
 *
 * @param turn degrees clockwise
 */
export function notAHand(
  kind: OtherKind,
  seed: number,
  { width = 480, height = 640, turn = 0 }: { width?: number; height?: number; turn?: number } = {},
): { width: number; height: number; rgb: Uint8Array } {
  const chance = new Chance(seed, -100 - OTHER_KINDS.indexOf(kind));
  const background = BACKGROUND_NAMES[chance.below(4)] as BackgroundName;
  const picture = paintBackground(background, width, height, chance);
  const unit = Math.min(width, height) / 2;
  const [cos, sin] = cosSin(turn);
  const paint: Scene["paint"] = (colorAt) => {
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i += 3) {
        const a = (x - width / 2) / unit;
        const b = (height / 2 - y) / unit;
        const color = colorAt(cos * a - sin * b, sin * a + cos * b);
        if (color) picture.set(color, i);
      }
    }
  };
  KINDS[kind]({ chance, paint });
  return { width, height, rgb: develop(picture, width, height, chance) };
}

// ---- solid things ----

/** A rounded part from (ax, ay) to (bx, by) with its half widths there. */
type Part = readonly [ax: number, ay: number, bx: number, by: number, radiusA: number, radiusB: number];
/** Distance to the outline (negative inside) and height at a point. */
type Shape = (x: number, y: number) => readonly [outside: number, height: number];

/** Parts that merge into each other within `soft`. */
function merged(parts: readonly Part[], soft: number): Shape {
  return (x, y) => {
    let outside = 9;
    let height = -9;
    for (const [ax, ay, bx, by, radiusA, radiusB] of parts) {
      const dx = bx - ax;
      const dy = by - ay;
      const t = clamp(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1);
      const ex = x - ax - t * dx;
      const ey = y - ay - t * dy;
      const distance = Math.sqrt(ex * ex + ey * ey);
      const radius = radiusA + (radiusB - radiusA) * t;
      const q = distance / radius;
      outside = smoothMin(outside, distance - radius, soft);
      height = smoothMax(height, q < 1 ? radius * Math.sqrt(1 - q * q) : 2 * radius * (1 - q), soft);
    }
    return [outside, height];
  };
}

/** A shape in the light of a lamp. */
function lit(shape: Shape, base: Color, lamp: Vector, grain = 0.05, seed = 1) {
  const delta = 0.008;
  return (x: number, y: number): Color | undefined => {
    const [outside, height] = shape(x, y);
    if (outside > 0) return undefined;
    const gx = clamp((shape(x + delta, y)[1] - height) / delta, -2, 2);
    const gy = clamp((shape(x, y + delta)[1] - height) / delta, -2, 2);
    const facing = (lamp[2] - gx * lamp[0] - gy * lamp[1]) / Math.sqrt(gx * gx + gy * gy + 1);
    const light = 0.4 + 0.65 * Math.max(0, 0.2 + 0.8 * facing);
    const shade = light * (1 + grain * noiseAt(20 * x, 20 * y, seed));
    return mapColor(base, (value) => value * shade);
  };
}

function newLamp(chance: Chance): Vector {
  const [cos, sin] = cosSin(chance.between(0, 360));
  return [0.5 * cos, 0.5 * sin, 0.85];
}

function newSkin(chance: Chance): Color {
  const rosy: Color = [215, 150, 130];
  return mapColor(MONK_TONES[chance.below(10)] as Color, (level, k) => linear(0.7 * level + 0.3 * rosy[k]));
}

const square = (value: number) => value * value;
const anyColor = (chance: Chance, low: number, high: number): Color =>
  mapColor([0, 0, 0], () => chance.between(low, high));
const times = (color: Color, factor: number): Color => mapColor(color, (value) => value * factor);

// ---- kinds ----

function face({ chance, paint }: Scene): void {
  const skin = newSkin(chance);
  const wide = chance.between(0.42, 0.5);
  const hair = times([0.05, 0.035, 0.03], chance.between(0.5, 4));
  const lamp = newLamp(chance);
  paint(lit(merged([[0, 0.12, 0, 0.28, wide + 0.1, wide + 0.06]], 0.1), hair, lamp));
  paint(lit(merged([[0, -0.9, 0, -0.4, 0.3, 0.22]], 0.1), skin, lamp));
  const head: Part[] = [
    [0, -0.28, 0, 0.15, wide - 0.1, wide],
    [-wide, 0, -wide, 0.1, 0.07, 0.08],
    [wide, 0, wide, 0.1, 0.07, 0.08],
  ];
  paint(lit(merged(head, 0.06), skin, lamp));
  const spot = (x0: number, y0: number, rx: number, ry: number, color: Color) =>
    paint((x, y) => (square((x - x0) / rx) + square((y - y0) / ry) < 1 ? color : undefined));
  for (const side of [-1, 1]) {
    spot(0.19 * side, 0.1, 0.09, 0.045, [0.8, 0.8, 0.78]);
    spot(0.19 * side, 0.1, 0.042, 0.042, [0.06, 0.04, 0.03]);
    spot(0.19 * side, 0.22, 0.12, 0.022, hair);
  }
  paint(lit(merged([[0, 0.08, 0, -0.1, 0.03, 0.07]], 0.03), times(skin, 0.92), lamp));
  spot(0, -0.29, 0.15, 0.045, [0.75 * skin[0], 0.4 * skin[1], 0.4 * skin[2]]);
}

function cup({ chance, paint }: Scene): void {
  const color = anyColor(chance, 0.05, 0.8);
  const [aside] = newLamp(chance);
  paint((x, y) => {
    const ring = Math.sqrt(square(x - 0.45) + square(0.9 * y));
    return ring > 0.2 && ring < 0.29 ? times(color, 0.7) : undefined;
  });
  paint((x, y) => {
    if (Math.abs(y) > 0.5 || Math.abs(x) > 0.42 + 0.06 * y) return undefined;
    return times(color, 0.45 + 0.6 * Math.sqrt(1 - square(x / 0.46)) + 0.3 * aside * x);
  });
  paint((x, y) => (square(x / 0.45) + square((y - 0.5) / 0.1) < 1 ? [0.12, 0.07, 0.04] : undefined));
}

function text({ chance, paint }: Scene): void {
  const seed = chance.below(1e9);
  const size = chance.between(0.05, 0.12);
  paint((x, y) => {
    if (Math.abs(x) > 0.85 || Math.abs(y) > 1) return undefined;
    const row = Math.floor(y / size);
    const column = Math.floor(x / (0.55 * size));
    const u = x / (0.55 * size) - column;
    const v = y / size - row;
    const letter = noiseAt(column + 0.5, row + 0.5, seed);
    const inside = letter > -0.55 && v > 0.2 && v < 0.8 && u > 0.1 && u < 0.9;
    const stem = Math.abs(u - 0.25) < 0.09;
    const bar = Math.abs(v - 0.5 - 0.25 * letter) < 0.06 && u > 0.2;
    const second = letter > 0.2 && Math.abs(u - 0.7) < 0.09;
    return inside && (stem || bar || second) ? [0.02, 0.02, 0.03] : [0.82, 0.81, 0.78];
  });
}

/** Blotches of one size, of the color of skin. */
function noise({ chance, paint }: Scene): void {
  const seed = chance.below(1e9);
  const scale = [2, 5, 12, 60, 300][chance.below(5)] as number;
  const skin = newSkin(chance);
  paint((x, y) => {
    const blotch = 1 + 0.8 * noiseAt(scale * x, scale * y, seed);
    return mapColor(skin, (value, k) => value * (blotch + 0.15 * noiseAt(90 * x, 90 * y, seed + k)));
  });
}

/** The sole of a foot with its toes. */
function foot({ chance, paint }: Scene): void {
  const side = chance.unit() < 0.5 ? -1 : 1;
  const parts: Part[] = [
    [0, -0.6, 0, -0.3, 0.24, 0.2],
    [0.05, -0.3, 0.06, 0.3, 0.19, 0.25],
    [-0.1, 0.2, -0.12, 0.38, 0.2, 0.19],
    [0.14, 0.2, 0.14, 0.35, 0.17, 0.15],
    [-0.2, 0.55, -0.2, 0.68, 0.1, 0.11],
    [-0.04, 0.6, -0.04, 0.68, 0.06, 0.065],
    [0.09, 0.57, 0.1, 0.64, 0.058, 0.06],
    [0.2, 0.52, 0.21, 0.57, 0.053, 0.055],
    [0.29, 0.44, 0.3, 0.48, 0.05, 0.05],
  ];
  const mirrored = parts.map(([ax, ay, bx, by, ra, rb]): Part => [side * ax, ay, side * bx, by, ra, rb]);
  paint(lit(merged(mirrored, 0.05), newSkin(chance), newLamp(chance)));
}

function fork({ chance, paint }: Scene): void {
  const tines = [-0.17, -0.057, 0.057, 0.17].map((x): Part => [x, 0.1, x, 0.75, 0.045, 0.03]);
  const parts: Part[] = [[0, -1.3, 0, -0.05, 0.08, 0.06], [0, 0, 0, 0.1, 0.16, 0.2], ...tines];
  paint(lit(merged(parts, 0.05), [0.45, 0.46, 0.48], newLamp(chance), 0.02));
}

/** Five in a row, of the color of skin or of bananas. */
function sausages({ chance, paint }: Scene): void {
  const color: Color = chance.unit() < 0.5 ? newSkin(chance) : [0.75, 0.55, 0.08];
  const lamp = newLamp(chance);
  for (let k = 0; k < 5; k++) {
    const x = -0.5 + 0.25 * k + chance.bell(0.02);
    const parts: Part[] = [
      [x, -0.5, x + chance.bell(0.06), 0, 0.1, 0.11],
      [x, 0, x + chance.bell(0.1), 0.5, 0.11, 0.09],
    ];
    paint(lit(merged(parts, 0.05), color, lamp, 0.04, k));
  }
}

/** The background on its own. */
function blank(): void {}

/** Tiles with dark joints, of the color of skin. */
function wall({ chance, paint }: Scene): void {
  const size = chance.between(0.12, 0.4);
  const seed = chance.below(1e9);
  const skin = newSkin(chance);
  paint((x, y) => {
    const row = Math.floor(y / size);
    const u = x / (2 * size) + 0.5 * (row & 1);
    const joint = Math.min(u - Math.floor(u), (y / size - row) / 2) < 0.03;
    const tile = 0.25 * noiseAt(Math.floor(u) + 0.5, row + 0.5, seed);
    const shade = 1 + tile + 0.1 * noiseAt(30 * x, 30 * y, seed + 1);
    return times(skin, joint ? 0.4 * shade : shade);
  });
}
