/**
 * Random numbers, smooth noise and directions for synthetic palms. The same seed gives the same numbers on
 * every machine: integers, + − × ÷ and √ only.
 */

export type Point = readonly [x: number, y: number];

/** A seeded stream of random numbers. Streams of one seed are independent of each other. */
export class Chance {
  #state: number;

  constructor(seed: number, stream: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca77) ^ 0x5bd1e995) | 0;
    for (let i = 0; i < 4; i++) this.unit();
  }

  /** 0 ≤ u < 1: a Weyl sequence through an integer hash. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let h = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 4294967296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(count * this.unit());
  }

  /** Nearly normal: mean 0, the given standard deviation, within ±3.5 standard deviations. */
  bell(deviation: number): number {
    return (this.unit() + this.unit() + this.unit() + this.unit() - 2) * 1.7320508 * deviation;
  }
}

/** Smooth value noise over −0.25..1.25 in both directions, within ±amplitude. */
export class Noise {
  readonly #lattice: Float64Array;
  readonly #cells: number;

  constructor(chance: Chance, cells: number, amplitude: number) {
    this.#cells = cells;
    this.#lattice = Float64Array.from({ length: (cells + 1) * (cells + 1) }, () =>
      chance.between(-amplitude, amplitude),
    );
  }

  at(x: number, y: number): number {
    const cells = this.#cells;
    const u = Math.min(Math.max(((x + 0.25) / 1.5) * cells, 0), cells - 1e-6);
    const v = Math.min(Math.max(((y + 0.25) / 1.5) * cells, 0), cells - 1e-6);
    const column = Math.floor(u);
    const row = Math.floor(v);
    const fx = (u - column) * (u - column) * (3 - 2 * (u - column));
    const fy = (v - row) * (v - row) * (3 - 2 * (v - row));
    const i = row * (cells + 1) + column;
    const j = i + cells + 1;
    const lattice = this.#lattice;
    const upper = (lattice[i] as number) * (1 - fx) + (lattice[i + 1] as number) * fx;
    const lower = (lattice[j] as number) * (1 - fx) + (lattice[j + 1] as number) * fx;
    return upper * (1 - fy) + lower * fy;
  }
}

export function unitVector(x: number, y: number): Point {
  const length = Math.sqrt(x * x + y * y);
  return [x / length, y / length];
}

/** A direction with every angle equally likely. */
export function anyDirection(chance: Chance): Point {
  let x = 0;
  let y = 0;
  do {
    x = chance.between(-1, 1);
    y = chance.between(-1, 1);
  } while (x * x + y * y < 0.05 || x * x + y * y > 1);
  return unitVector(x, y);
}

/** A cubic Bézier curve as `steps` + 1 points. */
export function bezier(a: Point, b: Point, c: Point, d: Point, steps: number): Point[] {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = i / steps;
    const u = 1 - t;
    const mix = (k: 0 | 1) =>
      u * u * u * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t * t * t * d[k];
    return [mix(0), mix(1)];
  });
}
