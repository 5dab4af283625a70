/**
 * What stays the same from session to session: the creases, wrinkles, veins and skin texture of a palm.
 */
import { anyDirection, bezier, Chance, Noise, type Point, unitVector } from "./random.ts";

export interface Line {
  /** In palm coordinates: 0..1 across the region of interest, x away from the thumb, y toward the wrist. */
  points: Point[];
  /** Half width in px of the region, and darkness in gray levels. */
  width: number;
  depth: number;
}

export interface Palm {
  creases: Line[];
  wrinkles: Line[];
  veins: Line[];
  texture: Noise[];
}

type Curve = readonly [Point, Point, Point, Point];

/**
 * Heart, head and life line, which all hands have in about the same place, and the fate line, which some
 * have. Control points of cubic Bézier curves in the palm coordinates of a left hand.
 */
const HEART: Curve = [
  [1.18, 0.48],
  [0.76, 0.42],
  [0.39, 0.32],
  [0.22, 0.05],
];
const HEAD: Curve = [
  [-0.21, 0.38],
  [0.18, 0.42],
  [0.58, 0.56],
  [0.94, 0.83],
];
const LIFE: Curve = [
  [-0.21, 0.39],
  [0.18, 0.44],
  [0.42, 0.92],
  [0.29, 1.47],
];
const FATE: Curve = [
  [0.42, 1.44],
  [0.45, 0.98],
  [0.42, 0.68],
  [0.39, 0.26],
];

/** Standard deviations from the common creases: size and place of all of them, and place of each control point. */
const SIZE_DEVIATION = 0.025;
const PLACE_DEVIATION = 0.025;
const POINT_DEVIATION = 0.033;

/** The palm `seed`: always the same one for the same seed. */
export function growPalm(seed: number): Palm {
  const chance = new Chance(seed, 0);
  // Some palms are close to the common one, others are unusual in every respect.
  const individual = chance.between(0, 1.8);
  const creases = growCreases(chance, individual);
  const wrinkles = growWrinkles(chance, individual);
  const veins = growVeins(chance);
  const texture = [new Noise(chance, 8, 4), new Noise(chance, 20, 4.5), new Noise(chance, 48, 3.5)];
  return { creases, wrinkles, veins, texture };
}

/** The lines that one session shows: each fainter or darker than usual, and a tenth of the wrinkles not at all. */
export function showLines(palm: Palm, session: Chance): { lines: Line[]; veins: Line[] } {
  const shown = session.between(0.6, 1.15);
  const fade = (least: number) => (line: Line) => ({
    ...line,
    depth: line.depth * shown * session.between(least, 1.2),
  });
  const wrinkles = palm.wrinkles.filter(() => session.unit() > 0.1);
  return {
    lines: [...palm.creases.map(fade(0.7)), ...wrinkles.map(fade(0.3))],
    veins: palm.veins.map(fade(0.3)),
  };
}

const near = (chance: Chance, [x, y]: Point, by: number): Point => [x + chance.bell(by), y + chance.bell(by)];

function growCreases(chance: Chance, individual: number): Line[] {
  const size = 1 + chance.bell(SIZE_DEVIATION);
  const shift: Point = near(chance, [0, 0], PLACE_DEVIATION);
  const place = ([x, y]: Point): Point =>
    near(
      chance,
      [0.5 + size * (x - 0.5) + shift[0], 0.5 + size * (y - 0.5) + shift[1]],
      individual * POINT_DEVIATION,
    );

  const creases: Line[] = [];
  for (const plan of [HEART, HEAD, LIFE, FATE]) {
    if (plan === FATE && chance.unit() < 0.55) continue;
    const [a, b, c, d] = plan.map(place) as [Point, Point, Point, Point];
    creases.push({
      points: bezier(a, b, c, d, 20),
      width: chance.between(2.6, 4.4),
      depth: plan === FATE ? chance.between(17, 36) : chance.between(36, 64),
    });
    // A companion that leaves the crease on the way.
    if (chance.unit() < 0.5) {
      const from = chance.between(0.02, 0.05);
      creases.push({
        points: bezier(
          near(chance, a, from),
          near(chance, b, from),
          near(chance, c, 0.05),
          near(chance, d, 0.09),
          20,
        ),
        width: chance.between(1.4, 2),
        depth: chance.between(10, 20),
      });
    }
  }
  return creases;
}

function growWrinkles(chance: Chance, individual: number): Line[] {
  return Array.from({ length: Math.floor(chance.between(26, 46)) }, () => {
    const start: Point = [chance.between(-0.1, 1.1), chance.between(-0.1, 1.1)];
    return growWrinkle(chance, start, individual);
  });
}

/** A wrinkle runs along the nearest creases, or in any direction: the latter more often in unusual palms. */
function growWrinkle(chance: Chance, start: Point, individual: number): Line {
  const own = chance.unit() < 0.25 * individual ? anyDirection(chance) : undefined;
  const turn = chance.bell(0.15);
  const step = chance.between(0.12, 0.42) / 3;
  const points: Point[] = [start];
  let heading: Point = [0, 0];
  for (let i = 0; i < 3; i++) {
    const from = points[i] as Point;
    const [dx, dy] = own ?? flowAt(from);
    let [ex, ey] = unitVector(dx - turn * dy, dy + turn * dx);
    // The flow has no front: continue the way the wrinkle came.
    if (ex * heading[0] + ey * heading[1] < 0) [ex, ey] = [-ex, -ey];
    heading = [ex, ey];
    points.push(near(chance, [from[0] + step * ex, from[1] + step * ey], 0.014));
  }
  const [a, b, c, d] = points as [Point, Point, Point, Point];
  return { points: bezier(a, b, c, d, 10), width: chance.between(1, 2), depth: chance.between(5, 18) };
}

/** The wrinkles of the same hand around the region, which only photographs of whole hands show. */
export function growSurroundings(seed: number): Line[] {
  const chance = new Chance(seed, -1);
  const wrinkles: Line[] = [];
  for (let i = 0; i < 70; i++) {
    const wrinkle = growWrinkle(chance, [chance.between(-0.5, 1.5), chance.between(-0.3, 1.7)], 1);
    const inside = ([x, y]: Point) => Math.max(Math.abs(x - 0.5), Math.abs(y - 0.5)) < 0.52;
    if (!wrinkle.points.some(inside)) wrinkles.push(wrinkle);
  }
  for (const y of [1.64, 1.76]) {
    // The folds of the wrist.
    const fold: Curve = [
      [0.1, y - 0.03],
      [0.35, y + 0.05],
      [0.65, y + 0.05],
      [0.95, y - 0.03],
    ];
    const [a, b, c, d] = fold.map((point) => near(chance, point, 0.02)) as [Point, Point, Point, Point];
    wrinkles.push({ points: bezier(a, b, c, d, 20), width: 2.8, depth: 30 });
  }
  return wrinkles;
}

/** Lattice of the flow: this many cells a side over −0.5..1.5. */
const FLOW_CELLS = 16;
const FLOW = flowOfCreases();

/**
 * The direction of the common creases around a point. Directions are averaged with doubled angles, because
 * a line has no front and no back, and near creases count more.
 */
function flowOfCreases(): Point[] {
  const curves = [HEART, HEAD, LIFE].map(([a, b, c, d]) => bezier(a, b, c, d, 20));
  const around = (x: number, y: number): Point => {
    let [cos, sin] = [0, 0];
    for (const points of curves) {
      for (let i = 1; i < points.length; i++) {
        const [ax, ay] = points[i - 1] as Point;
        const [bx, by] = points[i] as Point;
        const [dx, dy] = unitVector(bx - ax, by - ay);
        const [ex, ey] = [(ax + bx) / 2 - x, (ay + by) / 2 - y];
        const far = ex * ex + ey * ey + 0.01;
        const weight = 1 / (far * far);
        cos += weight * (dx * dx - dy * dy);
        sin += weight * 2 * dx * dy;
      }
    }
    return unitVector(cos, sin);
  };
  const side = FLOW_CELLS + 1;
  return Array.from({ length: side * side }, (_, i) =>
    around((2 * (i % side)) / FLOW_CELLS - 0.5, (2 * Math.floor(i / side)) / FLOW_CELLS - 0.5),
  );
}

function flowAt([x, y]: Point): Point {
  const nearest = (at: number) =>
    Math.min(Math.max(Math.round(((at + 0.5) * FLOW_CELLS) / 2), 0), FLOW_CELLS);
  const [cos, sin] = FLOW[nearest(y) * (FLOW_CELLS + 1) + nearest(x)] as Point;
  // Half the angle.
  const half = Math.sqrt(Math.max(1 + cos, 0) / 2);
  return half < 1e-6 ? [0, 1] : [half, sin / (2 * half)];
}

function growVeins(chance: Chance): Line[] {
  const veins: Line[] = [];
  const grow = (from: Point, heading: Point, width: number, left: number): void => {
    const [dx, dy] = heading;
    const length = chance.between(0.25, 0.45);
    const to: Point = [from[0] + dx * length, from[1] + dy * length];
    const bend = (t: number): Point =>
      near(chance, [from[0] + dx * length * t, from[1] + dy * length * t], 0.03);
    veins.push({
      points: bezier(from, bend(0.33), bend(0.67), to, 10),
      width,
      depth: chance.between(5.5, 11),
    });
    if (left === 0) return;
    for (const side of [-1, 1]) {
      const turn = side * chance.between(0.15, 0.7);
      grow(to, unitVector(dx - turn * dy, dy + turn * dx), width * 0.8, left - 1);
    }
  };
  const trunks = 1 + Math.floor(chance.between(0, 2));
  for (let i = 0; i < trunks; i++)
    grow([chance.between(0.1, 0.9), 1.15], unitVector(chance.bell(0.4), -1), chance.between(6, 9), 2);
  return veins;
}
