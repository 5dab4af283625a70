/** The palm of `growPalm` on a rendered hand: lines, veins and texture in palm coordinates. */
import { growPalm, growSurroundings, showLines } from "../palm/lines.ts";
import type { Chance, Point } from "../palm/random.ts";
import { drawLines } from "../palm/strokes.ts";
import type { Bones } from "./bones.ts";
import { clamp, noiseAt, scramble } from "./math.ts";
import { palmRegion } from "./region.ts";

/** Darkness of a point: `lines` 0..1 for furrows, `veins` 0..1, `texture` as a share of the gray level. */
export interface PalmSkin {
  lines(x: number, y: number): number;
  veins(x: number, y: number): number;
  texture(x: number, y: number): number;
}

/** Canvas: palm coordinates −0.6..1.6 by −0.6..1.8, with this many px for one. */
const FINE = 180;
const LEFT = -0.6;
const TOP = -0.6;
const COLUMNS = Math.round(2.2 * FINE);
const ROWS = Math.round(2.4 * FINE);
/** Side of a region in px, to which widths of lines refer. */
const REGION = 144;
/** Gray levels of the darkest line, of the darkest vein, and of skin. */
const DARKEST_LINE = 52;
const DARKEST_VEIN = 13;
const SKIN = 140;

/** @param pose decides which lines this photograph shows, and how well */
export function newPalmSkin(seed: number, pose: Chance): PalmSkin {
  const palm = growPalm(seed);
  const shown = showLines(palm, pose);
  const around = showLines({ ...palm, creases: [], veins: [], wrinkles: growSurroundings(seed) }, pose);
  const canvas = {
    width: COLUMNS,
    height: ROWS,
    place: ([x, y]: Point): Point => [(x - LEFT) * FINE, (y - TOP) * FINE],
    scale: FINE / REGION,
  };
  const lines = drawLines([...shown.lines, ...around.lines], canvas);
  const veins = drawLines(shown.veins, canvas);
  const own = scramble(seed);
  return {
    lines: (x, y) => Math.min(sample(lines, x, y) / DARKEST_LINE, 1),
    veins: (x, y) => Math.min(sample(veins, x, y) / DARKEST_VEIN, 1),
    texture(x, y) {
      // The texture of a palm ends beyond its region; noise of the same size continues it.
      const beyond = clamp(8 * (Math.max(Math.abs(x - 0.5), Math.abs(y - 0.5)) - 0.6), 0, 1);
      let gray = 0;
      if (beyond < 1) for (const noise of palm.texture) gray += (1 - beyond) * noise.at(x, y);
      if (beyond > 0) {
        gray += beyond * (4 * noiseAt(5 * x, 5 * y, own) + 4.5 * noiseAt(13 * x, 13 * y, own + 1));
        gray += beyond * 3.5 * noiseAt(32 * x, 32 * y, own + 2);
      }
      return gray / SKIN;
    },
  };
}

/** Maps hand units to palm coordinates: the region that is cut by the landmarks is 0..1. */
export function newPalmFrame({ landmarks }: Bones): (x: number, y: number) => Point {
  const { x: cx, y: cy, side, up } = palmRegion(landmarks.map(([x, y]): Point => [x, y]));
  // Hand units have the thumb at +x, palm coordinates at 0; both have the fingers up.
  return (x, y) => {
    const [dx, dy] = [x - cx, y - cy];
    return [0.5 - (dx * up[1] - dy * up[0]) / side, 0.5 - (dx * up[0] + dy * up[1]) / side];
  };
}

function sample(canvas: Float64Array, x: number, y: number): number {
  const u = (x - LEFT) * FINE;
  const v = (y - TOP) * FINE;
  const column = Math.floor(u);
  const row = Math.floor(v);
  if (column < 0 || row < 0 || column >= COLUMNS - 1 || row >= ROWS - 1) return 0;
  const i = row * COLUMNS + column;
  const fx = u - column;
  const fy = v - row;
  const upper = (canvas[i] as number) * (1 - fx) + (canvas[i + 1] as number) * fx;
  const lower = (canvas[i + COLUMNS] as number) * (1 - fx) + (canvas[i + COLUMNS + 1] as number) * fx;
  return upper * (1 - fy) + lower * fy;
}
