/**
 * Synthetic palms for tests, benches and the demo. They belong to no person, but they share with real palms what
 * matters to recognition: three large creases in common places, wrinkles that run along them, and lines that
 * return in every session. How alike strangers are follows the worst of the real sets in docs/palm.md, so they
 * show what real people would suffer; they are no basis for thresholds.
 *
 * The same seed gives the same bytes on every machine: integers, + − × ÷ and √ only.
 */
import type { Sample } from "../../functions/src/domain/palm/sample.ts";
import { growPalm, type Palm, showLines } from "./palm/lines.ts";
import { encodePng } from "./palm/png.ts";
import { Chance, Noise, type Point } from "./palm/random.ts";
import { drawLines } from "./palm/strokes.ts";

export { encodePng, encodeRgbPng, pngChunk } from "./palm/png.ts";

export interface GrayImage {
  width: number;
  height: number;
  gray: Uint8Array;
}

interface SyntheticPalm {
  seed: number;
  sample?: number | undefined;
  hand?: "left" | "right" | undefined;
}

/** Side of a synthetic palm, px. */
export const PALM_SIDE = 144;

/**
 * A gray picture of the palm `seed` (a whole number) in the session `sample`: 144 × 144 px, fingers up. Samples
 * differ in place, turn, scale, stretch of the skin, light, gain, sharpness, noise and in how dark each line is.
 * The palm of a left hand has the thumb on the left; the right hand of the same seed is its mirror image.
 */
export function syntheticPalm({ seed, sample = 0, hand = "left" }: SyntheticPalm): GrayImage {
  const palm = growPalm(seed);
  const session = new Chance(seed, 1 + sample);
  const warp = newWarp(session);
  const skin = render(palm, warp, session);
  return photograph(hand === "left" ? skin : mirrored(skin), session);
}

function mirrored(skin: Float64Array): Float64Array {
  return skin.map((_, i) => skin[i - (i % PALM_SIDE) + PALM_SIDE - 1 - (i % PALM_SIDE)] as number);
}

// ---- a session: what changes ----

interface Warp {
  /** Pixel coordinates 0..1 → palm coordinates, and back. */
  inward(x: number, y: number): Point;
  outward(x: number, y: number): Point;
}

function newWarp(session: Chance): Warp {
  // tan of half the angle: ±4.6°.
  const half = session.between(-0.04, 0.04);
  const cos = (1 - half * half) / (1 + half * half);
  const sin = (2 * half) / (1 + half * half);
  const scale = session.between(0.96, 1.04);
  const shiftX = session.between(-0.05, 0.05);
  const shiftY = session.between(-0.05, 0.05);
  const stretchX = new Noise(session, 4, 0.024);
  const stretchY = new Noise(session, 4, 0.024);
  return {
    inward(x, y) {
      const u = (x - 0.5 - shiftX) / scale;
      const v = (y - 0.5 - shiftY) / scale;
      return [0.5 + cos * u + sin * v + stretchX.at(x, y), 0.5 - sin * u + cos * v + stretchY.at(x, y)];
    },
    outward(x, y) {
      let px = x;
      let py = y;
      for (let i = 0; i < 4; i++) {
        const u = x - 0.5 - stretchX.at(px, py);
        const v = y - 0.5 - stretchY.at(px, py);
        px = 0.5 + shiftX + scale * (cos * u - sin * v);
        py = 0.5 + shiftY + scale * (sin * u + cos * v);
      }
      return [px, py];
    },
  };
}

function render(palm: Palm, warp: Warp, session: Chance): Float64Array {
  const shown = showLines(palm, session);
  const place = ([x, y]: Point): Point => {
    const [u, v] = warp.outward(x, y);
    return [u * PALM_SIDE, v * PALM_SIDE];
  };
  const canvas = { width: PALM_SIDE, height: PALM_SIDE, place };
  const lines = drawLines(shown.lines, canvas);
  const veins = drawLines(shown.veins, canvas);
  const moisture = new Noise(session, 10, 4);

  const skin = new Float64Array(PALM_SIDE * PALM_SIDE);
  for (let y = 0, i = 0; y < PALM_SIDE; y++) {
    for (let x = 0; x < PALM_SIDE; x++, i++) {
      const [u, v] = warp.inward(x / PALM_SIDE, y / PALM_SIDE);
      const texture = palm.texture.reduce((total, noise) => total + noise.at(u, v), moisture.at(u, v));
      skin[i] = texture - (lines[i] as number) - (veins[i] as number);
    }
  }
  return skin;
}

/** Light, optics and sensor. */
function photograph(skin: Float64Array, session: Chance): GrayImage {
  const base = session.between(115, 170);
  const gain = session.between(0.7, 1.2);
  const slopeX = session.between(-45, 45);
  const slopeY = session.between(-45, 45);
  const vignette = session.between(0, 60);
  const blurs = Math.floor(session.between(0, 3));
  const noise = session.between(2, 7);

  let picture = skin;
  for (let i = 0; i < blurs; i++) picture = blur(picture);
  const gray = new Uint8Array(picture.length);
  for (let y = 0, i = 0; y < PALM_SIDE; y++) {
    for (let x = 0; x < PALM_SIDE; x++, i++) {
      const u = x / PALM_SIDE - 0.5;
      const v = y / PALM_SIDE - 0.5;
      const light = base + slopeX * u + slopeY * v - vignette * (u * u + v * v);
      const grey = light + gain * (picture[i] as number) + session.bell(noise);
      gray[i] = Math.min(Math.max(Math.round(grey), 0), 255);
    }
  }
  return { width: PALM_SIDE, height: PALM_SIDE, gray };
}

/** 1 2 1 both ways. */
function blur(picture: Float64Array): Float64Array {
  const pass = (from: Float64Array, step: number) =>
    from.map((grey, i) => ((from[i - step] ?? grey) + 2 * grey + (from[i + step] ?? grey)) / 4);
  return pass(pass(picture, 1), PALM_SIDE);
}

/** Palms any two of whose samples 0 to 5 score at least 0.735, in the best pose of one of them. */
const STEADY = [
  1, 2, 7, 18, 19, 20, 22, 29, 30, 33, 38, 50, 52, 55, 61, 67, 68, 70, 76, 78, 80, 81, 84, 86, 96, 103, 118,
  121, 122, 124, 126, 128, 132, 134, 140, 142, 144, 149, 153, 163, 164, 165, 167, 169, 171, 172, 173, 177,
  186, 189, 194, 201, 211, 214, 222, 225, 227, 234, 235, 238, 249, 254, 255, 264, 265, 271, 279, 281, 282,
  283, 284, 285, 293, 295, 308, 310, 313, 322, 324, 325, 327, 330, 331, 332, 338, 343, 346, 347, 349, 356,
  363, 368, 376, 377, 378, 387, 393, 395, 397,
];

/**
 * A synthetic palm of which every sample matches every other, for tests of what happens after the comparison. Each of
 * a hundred consecutive seeds is another palm.
 */
export const steadyPalm = ({ seed, sample = 0 }: { seed: number; sample?: number }): GrayImage =>
  syntheticPalm({ seed: STEADY[seed % STEADY.length] as number, sample });

/** The one sample of a request: a synthetic palm's picture. */
export const sampleOf = (seed: number, sample = 0): Sample => ({
  ...newSample(encodePng(steadyPalm({ seed, sample }))),
  path: "samples.0",
});

/** A picture of a region as a sample that is the whole body of a request. */
export const newSample = (image: Uint8Array): Sample => ({
  path: "",
  picture: { kind: "image", bytes: image },
});
