/** Backgrounds of rendered hands. */
import type { Chance } from "../palm/random.ts";
import { type Color, cosSin, noiseAt, step } from "./math.ts";
import { mapColor, type Tone } from "./skin.ts";

/** The color of a point, in shorter sides of the picture from its upper left corner. */
type Pattern = (x: number, y: number) => Color;

const PATTERNS = { plain, gradient, wood, cloth, clutter } as const satisfies Record<
  string,
  (chance: Chance, seed: number) => Pattern
>;

export type BackgroundName = keyof typeof PATTERNS;
export const BACKGROUND_NAMES = Object.keys(PATTERNS) as BackgroundName[];

/** A background as linear light, three channels a px. */
export function paintBackground(
  name: BackgroundName,
  width: number,
  height: number,
  chance: Chance,
): Float32Array {
  const seed = chance.below(1e9);
  const colorAt = PATTERNS[name](chance, seed);
  const unit = 1 / Math.min(width, height);
  const out = new Float32Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) out.set(colorAt(x * unit, y * unit), i);
  }
  return out;
}

/** Darkens a background that is as bright as the skin: a hand hardly shows in front of it. */
export function separate(background: Float32Array, { palm }: Tone): void {
  const luma = (r: number, g: number, b: number) => 0.3 * r + 0.6 * g + 0.1 * b;
  let sum = 0;
  for (let i = 0; i < background.length; i += 3) {
    sum += luma(background[i] as number, background[i + 1] as number, background[i + 2] as number);
  }
  const ratio = (3 * sum) / background.length / luma(...palm);
  if (ratio < 0.62 || ratio > 1.45) return;
  for (let i = 0; i < background.length; i++) background[i] = ((background[i] as number) * 0.55) / ratio;
}

function anyColor(chance: Chance, low: number, high: number): Color {
  const level = chance.between(low, high);
  return mapColor([level, level, level], (value) => value * (1 + chance.bell(0.18)));
}

const times = (color: Color, factor: number): Color => [
  color[0] * factor,
  color[1] * factor,
  color[2] * factor,
];

function plain(chance: Chance, seed: number): Pattern {
  const base = chance.unit() < 0.3 ? anyColor(chance, 0.02, 0.08) : anyColor(chance, 0.12, 0.75);
  return (x, y) =>
    times(base, 1 + 0.03 * noiseAt(60 * x, 60 * y, seed) + 0.04 * noiseAt(3 * x, 3 * y, seed + 1));
}

function gradient(chance: Chance): Pattern {
  const from = anyColor(chance, 0.05, 0.6);
  const to = anyColor(chance, 0.05, 0.8);
  const [cos, sin] = cosSin(chance.between(0, 360));
  return (x, y) => {
    const t = step(-0.8, 0.8, (x - 0.5) * cos + (y - 0.6) * sin);
    return mapColor(from, (value, k) => value + (to[k] - value) * t);
  };
}

function wood(chance: Chance, seed: number): Pattern {
  const base = mapColor([0.34, 0.2, 0.1], (value) => value * chance.between(0.45, 1.5));
  const [cos, sin] = cosSin(chance.between(-8, 8) + 90 * chance.below(2));
  return (x, y) => {
    const along = x * cos + y * sin;
    const across = y * cos - x * sin;
    const plank = Math.floor(3.5 * across);
    const flow = 26 * across + 3 * noiseAt(1.4 * along, 5 * across, seed + plank);
    const ring = flow - Math.floor(flow);
    const fiber = noiseAt(9 * along, 170 * across, seed + 7 + plank);
    const shade = 1 + 0.22 * (ring * ring - 0.33) + 0.14 * fiber + 0.14 * noiseAt(7.3 * plank, 0.5, seed);
    const joint = 3.5 * across - plank < 0.014 ? 0.35 : 1;
    return mapColor(base, (value, k) => value * shade * joint * (1 - 0.06 * k * ring));
  };
}

function cloth(chance: Chance, seed: number): Pattern {
  const color = anyColor(chance, 0.06, 0.45);
  const base = mapColor(color, (value) => 0.7 * color[0] + 0.3 * value);
  return (x, y) => {
    const fold = noiseAt(2.3 * x + y, 1.1 * y, seed) + 0.5 * noiseAt(5 * x, 4 * y - x, seed + 2);
    const threads = Math.abs(((90 * x) % 1) - 0.5) + Math.abs(((90 * y) % 1) - 0.5);
    return times(base, 1 + 0.25 * fold + 0.24 * (threads - 0.5) + 0.1 * noiseAt(200 * x, 200 * y, seed + 4));
  };
}

/** A table with 14 to 27 flat things on it. */
function clutter(chance: Chance, seed: number): Pattern {
  const base = anyColor(chance, 0.15, 0.5);
  const things = Array.from({ length: 14 + chance.below(14) }, () => ({
    center: [chance.between(0, 1.3), chance.between(0, 1.3)] as const,
    size: [chance.between(0.03, 0.22), chance.between(0.03, 0.22)] as const,
    turned: cosSin(chance.between(0, 180)),
    round: chance.unit() < 0.4,
    color: mapColor([0, 0, 0], () => chance.between(0.02, 0.7)),
  })).reverse();
  return (x, y) => {
    for (const { center, size, turned, round, color } of things) {
      const [dx, dy] = [x - center[0], y - center[1]];
      const a = (dx * turned[0] + dy * turned[1]) / size[0];
      const b = (dy * turned[0] - dx * turned[1]) / size[1];
      if (round ? a * a + b * b <= 1 : Math.abs(a) <= 1 && Math.abs(b) <= 1)
        return times(color, 1 + 0.25 * a);
    }
    return mapColor(base, (value, k) => value * (1 + 0.25 * noiseAt(6 * x + 9 * k, 6 * y, seed)));
  };
}
