/** Paints a hand over its background. */
import type { Chance } from "../palm/random.ts";
import type { Bones } from "./bones.ts";
import type { Camera } from "./camera.ts";
import { type Light, shadowOf } from "./light.ts";
import { blur, bump, clamp, noiseAt, scramble, step } from "./math.ts";
import type { PalmSkin } from "./palmSkin.ts";
import { newPalmFrame } from "./palmSkin.ts";
import { jointCreases, type Tone } from "./skin.ts";
import type { Surface } from "./surface.ts";

interface Scene {
  seed: number;
  bones: Bones;
  camera: Camera;
  surface: Surface;
  skin: PalmSkin;
  tone: Tone;
  light: Light;
  /** Linear light, three channels a px; becomes the picture. */
  picture: Float32Array;
  pose: Chance;
}

/** What the skin of each px is like. */
interface Relief {
  /** The surface with its furrows, in hand units. */
  heights: Float32Array;
  /** Darkness 0..1 of furrows. */
  lines: Float32Array;
  /** Hand units of the px. */
  x: Float32Array;
  y: Float32Array;
}

/** How strongly veins and texture show in each channel. */
const VEINS = [0.16, 0.16, 0.14] as const;
const TEXTURE = [1.6, 2, 2] as const;
/** How far light wraps around edges through the flesh, in each channel. */
const WRAP = [0.38, 0.26, 0.22] as const;

export function shade(scene: Scene): void {
  const { camera, surface, light, picture, pose } = scene;
  const { width, height, unit } = camera;
  const variant = scramble(pose.below(2 ** 31));
  const relief = newRelief(scene, variant);
  const around = blur(surface.heights, width, height, Math.round(0.09 * unit));
  const shadow = shadowOf(surface.outside, camera, light);
  const sheen = pose.between(0.01, 0.05);
  const paint = newPaint(scene, relief, variant);

  const [lx, ly, lz] = light.from;
  // Half way between the lamp and the camera, for the sheen.
  const half = Math.sqrt(lx * lx + ly * ly + (lz + 1) * (lz + 1));
  const slopeOf = (a: number, b: number) =>
    clamp(((relief.heights[b] as number) - (relief.heights[a] as number)) * 0.5 * unit, -2.2, 2.2);
  const color = new Float64Array(3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const falloff = 1 + light.slope[0] * (x / width - 0.5) + light.slope[1] * (y / height - 0.5);
      const ground = (light.sky + 0.9 * light.lamp * lz) * falloff * (1 - 0.62 * (shadow[i] as number));
      const cover = clamp(0.5 - ((surface.outside[i] as number) * unit) / 1.3, 0, 1);
      for (let k = 0; k < 3; k++) {
        picture[3 * i + k] = (picture[3 * i + k] as number) * ground * (light.color[k] as number);
      }
      if (cover === 0) continue;

      const gx = slopeOf(x > 0 ? i - 1 : i, x < width - 1 ? i + 1 : i);
      const gy = slopeOf(y > 0 ? i - width : i, y < height - 1 ? i + width : i);
      const normal = Math.sqrt(gx * gx + gy * gy + 1);
      const facing = (lz - gx * lx - gy * ly) / normal;
      const hollow = (around[i] as number) - (surface.heights[i] as number);
      const open = clamp(1 - 1.5 * Math.max(0, hollow), 0.45, 1);
      const sky = light.sky * (0.55 + 0.45 / normal) * open;
      const lamp = light.lamp * (0.7 + 0.3 * open);
      const gloss = Math.max(0, (lz + 1 - gx * lx - gy * ly) / (half * normal));
      const shine = sixteenth(gloss) * sheen * light.lamp;
      paint(i, color);
      for (let k = 0; k < 3; k++) {
        const wrap = WRAP[k as 0 | 1 | 2];
        const lit = sky + lamp * Math.max(0, (facing + wrap) / (1 + wrap));
        const value = ((color[k] as number) * lit + shine) * falloff * (light.color[k] as number);
        picture[3 * i + k] = (picture[3 * i + k] as number) * (1 - cover) + value * cover;
      }
    }
  }
}

/** The 16th power. */
function sixteenth(value: number): number {
  const fourth = value * value * value * value;
  return fourth * fourth * fourth * fourth;
}

function newRelief({ seed, bones, camera, surface, skin }: Scene, variant: number): Relief {
  const { width, height } = camera;
  const size = width * height;
  const relief: Relief = {
    heights: surface.heights.slice(),
    lines: new Float32Array(size),
    x: new Float32Array(size),
    y: new Float32Array(size),
  };
  const joint = jointCreases(bones, seed);
  const toPalm = newPalmFrame(bones);
  const own = scramble(seed + 77);
  for (let py = 0, i = 0; py < height; py++) {
    for (let px = 0; px < width; px++, i++) {
      if ((surface.outside[i] as number) > 0.1) continue;
      // Skin gives way a little, differently in every photograph.
      const [u, v] = camera.unproject(px, py);
      const x = u + 0.007 * noiseAt(3 * u, 3 * v, variant);
      const y = v + 0.007 * noiseAt(3 * u, 3 * v, variant + 5);
      relief.x[i] = x;
      relief.y[i] = y;
      const digit = surface.digit[i] as number;
      const along = surface.along[i] as number;
      let line = 0;
      if (digit === 0 || along < 0.2) {
        const [palmX, palmY] = toPalm(x, y);
        line = skin.lines(palmX, palmY) * (digit === 0 ? 1 : 1 - step(0.08, 0.2, along));
      }
      if (digit > 0) line = Math.max(line, joint(digit, along, surface.across[i] as number));
      relief.lines[i] = line;
      const grain = 0.0011 * noiseAt(70 * x, 70 * y, own);
      relief.heights[i] = (surface.heights[i] as number) - 0.005 * line + grain;
    }
  }
  return relief;
}

/** @returns a function that writes the color of a px of skin, as linear light, into `color` */
function newPaint({ seed, bones, surface, skin, tone }: Scene, relief: Relief, variant: number) {
  const toPalm = newPalmFrame(bones);
  const own = scramble(seed + 78);
  return (i: number, color: Float64Array): void => {
    const x = relief.x[i] as number;
    const y = relief.y[i] as number;
    const digit = surface.digit[i] as number;
    const [palmX, palmY] = toPalm(x, y);
    // Blood: tips, balls and finger roots are redder, and all skin is blotchy.
    const blotch = 0.5 * noiseAt(7 * x, 7 * y, own) + 0.2 * noiseAt(5 * x, 5 * y, variant + 9);
    const pads =
      digit > 0
        ? 0.5 * step(0.45, 0.95, surface.along[i] as number) - 0.1
        : 0.45 * bump(x - 0.3, 0.3) * bump(y - 0.36, 0.4) +
          0.35 * bump(x + 0.3, 0.25) * bump(y - 0.4, 0.45) +
          0.3 * bump(y - 1.02, 0.2) -
          0.15;
    const red = 0.11 * blotch + 0.24 * pads;
    const arm = 1 - step(-0.45, 0.12, y);
    const texture = skin.texture(palmX, palmY) * (1 - 0.7 * arm);
    const vein = digit > 0 ? 0 : skin.veins(palmX, palmY);
    const line = relief.lines[i] as number;
    for (let k = 0; k < 3; k++) {
      const base = (tone.palm[k] as number) * (1 - arm) + (tone.arm[k] as number) * arm;
      const warm = k === 0 ? 0.35 : k === 1 ? -0.9 : -0.8;
      const surfaceColor = 1 + (TEXTURE[k as 0 | 1 | 2] as number) * texture;
      const dark = (1 - (VEINS[k as 0 | 1 | 2] as number) * vein) * (1 - (tone.crease[k] as number) * line);
      color[k] = base * (1 + warm * red) * surfaceColor * dark;
    }
  };
}
