/** Light on a rendered hand: one lamp and the sky. */
import type { Chance } from "../palm/random.ts";
import type { Camera } from "./camera.ts";
import { blur, type Color, clamp, cosSin, type Vector } from "./math.ts";

/** Strength of the lamp and of the sky, their color, and how far the lamp is from straight above. */
const LIGHTS = {
  soft: { lamp: 0.5, sky: 0.62, color: [1, 0.99, 0.97], low: 0.3 },
  side: { lamp: 0.95, sky: 0.32, color: [1, 0.98, 0.95], low: 0.9 },
  warm: { lamp: 0.7, sky: 0.42, color: [1.1, 0.97, 0.78], low: 0.5 },
  cool: { lamp: 0.7, sky: 0.45, color: [0.92, 0.99, 1.1], low: 0.5 },
  dim: { lamp: 0.5, sky: 0.27, color: [1.03, 0.98, 0.9], low: 0.6 },
  bright: { lamp: 0.85, sky: 0.55, color: [1, 1, 1], low: 0.5 },
} as const satisfies Record<string, { lamp: number; sky: number; color: Color; low: number }>;

export type LightName = keyof typeof LIGHTS;
export const LIGHT_NAMES = Object.keys(LIGHTS) as LightName[];

export interface Light {
  lamp: number;
  sky: number;
  color: Color;
  /** Unit vector to the lamp. */
  from: Vector;
  /** How much the light changes from left to right and from top to bottom. */
  slope: readonly [x: number, y: number];
}

export function newLight(name: LightName, pose: Chance): Light {
  const { low, ...light } = LIGHTS[name];
  const [cos, sin] = cosSin(pose.between(0, 360));
  const aside = low * pose.between(0.7, 1.15);
  const length = Math.sqrt(aside * aside + 1);
  return {
    ...light,
    from: [(cos * aside) / length, (sin * aside) / length, 1 / length],
    slope: [pose.bell(0.12), pose.bell(0.12)],
  };
}

/** Share 0..1 of the lamp that the hand keeps from each px of the background. */
export function shadowOf(
  outside: Float32Array,
  { width, height, unit }: Camera,
  { from }: Light,
): Float32Array {
  const hand = outside.map((distance) => (distance < 0 ? 1 : 0));
  const soft = blur(hand, width, height, Math.max(1, Math.round(0.07 * unit)));
  const dx = Math.round(-0.3 * from[0] * unit);
  const dy = Math.round(-0.3 * from[1] * unit);
  return hand.map((_, i) => {
    const x = clamp((i % width) - dx, 0, width - 1);
    const y = clamp(Math.floor(i / width) - dy, 0, height - 1);
    return soft[y * width + x] as number;
  });
}
