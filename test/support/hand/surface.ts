/** The surface of a hand as the camera sees it: a height field of rounded bones that merge into each other. */
import type { Chance } from "../palm/random.ts";
import type { Bones, Digit } from "./bones.ts";
import type { Camera } from "./camera.ts";
import { blur, clamp, distance, smoothMax, smoothMin, step, type Vector } from "./math.ts";

/** One value per px, lengths in hand units. */
export interface Surface {
  /** Distance to the outline of the hand, negative inside. */
  outside: Float32Array;
  /** Height toward the camera. */
  heights: Float32Array;
  /** 0 the palm, 1..4 index to little finger, 5 thumb. */
  digit: Uint8Array;
  /** On digits: the way from the root, and the place from one edge (−1) to the other (1). */
  along: Float32Array;
  across: Float32Array;
}

/** A rounded bone: half widths at both ends, and height of its middle over its half width. */
interface Capsule {
  a: Vector;
  b: Vector;
  radiusA: number;
  radiusB: number;
  flat: number;
}

type Projected = ReturnType<Camera["project"]>;

interface SeenCapsule {
  a: Projected;
  b: Projected;
  radiusA: number;
  radiusB: number;
  flat: number;
}

/** A px near a bone: place along it 0..1 (`raw` beyond its ends too), distance to its middle, half width there. */
interface Near {
  pixel: number;
  t: number;
  raw: number;
  distance: number;
  radius: number;
  /** From one edge of the bone (−1) to the other (1). */
  side: number;
}

const FAR_OUTSIDE = 9;

/** @param body decides what stays the same in all photographs of this hand */
export function newSurface(bones: Bones, camera: Camera, body: Chance): Surface {
  const { width, height, unit } = camera;
  const size = width * height;
  const surface: Surface = {
    outside: new Float32Array(size).fill(FAR_OUTSIDE),
    heights: new Float32Array(size).fill(-0.5),
    digit: new Uint8Array(size),
    along: new Float32Array(size),
    across: new Float32Array(size),
  };
  for (const capsule of palmCapsules(bones, bones.thick * (1 + body.bell(0.03)))) {
    const bone = see(capsule, camera);
    visit(bone, 0.14, camera, ({ pixel, t, distance, radius }) => {
      const rise = bone.a[2] + (bone.b[2] - bone.a[2]) * t + bone.flat * radius * rounded(distance, radius);
      surface.outside[pixel] = smoothMin(surface.outside[pixel] as number, distance - radius, 0.1);
      surface.heights[pixel] = smoothMax(surface.heights[pixel] as number, rise, 0.11);
    });
  }
  const scratch: Surface = {
    outside: new Float32Array(size).fill(FAR_OUTSIDE),
    heights: new Float32Array(size),
    digit: surface.digit,
    along: new Float32Array(size),
    across: new Float32Array(size),
  };
  [...bones.fingers, bones.thumb].forEach((digit, i) => {
    addDigit(surface, scratch, digit, i + 1, camera);
  });
  const floor = surface.heights.map((rise) => Math.max(rise, -0.25));
  return { ...surface, heights: blur(floor, width, height, Math.max(1, Math.round(0.016 * unit))) };
}

function palmCapsules({ broad, fingers, thumb }: Bones, fat: number): Capsule[] {
  const capsules: Capsule[] = [];
  const add = (a: Vector, b: Vector, radiusA: number, radiusB: number, flat: number) =>
    capsules.push({ a, b, radiusA, radiusB, flat });
  fingers.forEach(({ joints: [root = [0, 0, 0]] }, i) => {
    // The bones of the palm, from the wrist to the roots of the fingers.
    add([(0.13 - 0.085 * i) * broad, 0.17, 0], root, 0.2, (0.138 - 0.0033 * i) * fat, 0.62);
    // The palm covers the root of a finger up to the web.
    add(root, [root[0] * 1.02, root[1] + 0.1, -0.01], 0.125 * fat, 0.108 * fat, 0.72);
    const next = fingers[i + 1]?.joints[0];
    if (next === undefined) return;
    const [x, y] = [(root[0] + next[0]) / 2, (root[1] + next[1]) / 2 + 0.02];
    add([x, y, 0.015], [x, y + 0.07, 0.01], 0.09, 0.06, 0.7);
  });
  const [carpal = [0, 0, 0], knuckle = [0, 0, 0]] = thumb.joints;
  // The ball of the thumb, the web to the index finger, and the outer ball.
  add([carpal[0] - 0.02, carpal[1] + 0.04, 0.045], [0.37 * broad, 0.42, 0.05], 0.2 * fat, 0.165 * fat, 0.78);
  add([0.2 * broad, 0.16, 0.03], knuckle, 0.17 * fat, 0.125 * fat, 0.8);
  add([0.3 * broad, 0.62, -0.03], [0.43 * broad, 0.5, -0.01], 0.12, 0.085, 0.6);
  add([-0.17 * broad, 0.16, 0.03], [-0.34 * broad, 0.6, 0.025], 0.185 * fat, 0.155 * fat, 0.74);
  // The wrist, and the forearm, which leaves the picture.
  add([0, 0.12, -0.02], [0, -0.12, -0.03], 0.3 * broad, 0.285 * broad, 0.55);
  add([0, -0.12, -0.03], [0.01, -1.1, -0.03], 0.285 * broad, 0.36 * broad, 0.6);
  add([0.01, -1.1, -0.03], [0.02, -3.2, -0.03], 0.36 * broad, 0.46 * broad, 0.6);
  return capsules;
}

/** The bones of one digit merge with each other first, then the digit merges into the palm at its root. */
function addDigit(surface: Surface, scratch: Surface, digit: Digit, index: number, camera: Camera): void {
  const isThumb = index === 5;
  const touched: number[] = [];
  let way = 0;
  for (let bone = isThumb ? 1 : 0; bone < 3; bone++) {
    const [a, b] = digit.joints.slice(bone) as [Vector, Vector];
    const [radiusA, radiusB] = digit.radii.slice(bone) as [number, number];
    const length = distance(a, b);
    // The last bone ends inside the tip.
    const share = bone === 2 ? 1 - (0.72 * radiusB) / length : 1;
    const end: Vector = [
      a[0] + (b[0] - a[0]) * share,
      a[1] + (b[1] - a[1]) * share,
      a[2] + (b[2] - a[2]) * share,
    ];
    const start = way;
    const seen = see({ a, b: end, radiusA, radiusB, flat: 0.86 }, camera);
    visit(seen, 0.1, camera, (near) => {
      addBone(scratch, seen, near, start + clamp(near.raw, -0.5, 1.6) * length * share, touched);
    });
    way += length;
  }
  for (const i of touched) {
    const gap = scratch.outside[i] as number;
    const rise = scratch.heights[i] as number;
    const along = scratch.along[i] as number;
    scratch.outside[i] = FAR_OUTSIDE;
    const soft = isThumb
      ? 0.03 + 0.09 * (1 - step(0.05, 0.3, along))
      : 0.012 + 0.085 * (1 - step(0.14, 0.34, along));
    const before = surface.outside[i] as number;
    if (along > 0.02 && (gap < before || rise > (surface.heights[i] as number))) {
      surface.digit[i] = index;
      surface.along[i] = along;
      surface.across[i] = (scratch.across[i] as number) * camera.mirror;
    }
    surface.outside[i] = smoothMin(before, gap, soft);
    surface.heights[i] = smoothMax(surface.heights[i] as number, rise, 0.5 * soft);
  }
}

function addBone(scratch: Surface, bone: SeenCapsule, near: Near, along: number, touched: number[]): void {
  const { pixel, t, distance, radius, side } = near;
  const q = distance / radius;
  // Each bone carries a pad.
  const pad = q < 1 ? 0.28 * radius * t * (1 - t) * (1 - q * q) : 0;
  const rise = bone.a[2] + (bone.b[2] - bone.a[2]) * t + bone.flat * radius * rounded(distance, radius) + pad;
  const gap = distance - radius;
  const before = scratch.outside[pixel] as number;
  if (gap < before) {
    scratch.along[pixel] = along;
    scratch.across[pixel] = side;
  }
  if (before === FAR_OUTSIDE) {
    touched.push(pixel);
    scratch.outside[pixel] = gap;
    scratch.heights[pixel] = rise;
    return;
  }
  scratch.outside[pixel] = smoothMin(before, gap, 0.02);
  scratch.heights[pixel] = smoothMax(scratch.heights[pixel] as number, rise, 0.02);
}

function see({ a, b, radiusA, radiusB, flat }: Capsule, camera: Camera): SeenCapsule {
  const [from, to] = [camera.project(a), camera.project(b)];
  return { a: from, b: to, radiusA: radiusA * from[3], radiusB: radiusB * to[3], flat };
}

/** The height of a round bone over its half width; it falls steeply beyond the edge. */
function rounded(distance: number, radius: number): number {
  const q = distance / radius;
  return q < 1 ? Math.sqrt(1 - q * q) : 2.5 * (1 - q);
}

/** Calls `each` for every px within `margin` hand units of a bone. */
function visit(bone: SeenCapsule, margin: number, camera: Camera, each: (near: Near) => void): void {
  const { width, height, unit } = camera;
  const { a, b, radiusA, radiusB } = bone;
  const reach = (Math.max(radiusA, radiusB) + margin) * unit;
  const left = Math.max(0, Math.floor(Math.min(a[0], b[0]) - reach));
  const right = Math.min(width - 1, Math.ceil(Math.max(a[0], b[0]) + reach));
  const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - reach));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(a[1], b[1]) + reach));
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length2 = dx * dx + dy * dy + 1e-9;
  const length = Math.sqrt(length2);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const raw = ((x - a[0]) * dx + (y - a[1]) * dy) / length2;
      const t = clamp(raw, 0, 1);
      const ex = x - a[0] - t * dx;
      const ey = y - a[1] - t * dy;
      const distance = Math.sqrt(ex * ex + ey * ey) / unit;
      const radius = radiusA + (radiusB - radiusA) * t;
      if (distance >= radius + margin) continue;
      const side = (dx * ey - dy * ex) / (length * unit * radius);
      each({ pixel: y * width + x, t, raw, distance, radius, side });
    }
  }
}
