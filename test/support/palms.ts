/**
 * Synthetic palms: nobody's hand, but lines, veins and skin that come back from session to session as
 * they do in a sensor. Same seed, same bytes on every machine: integers, + − × ÷ and √ only.
 */
import { crc32 } from "node:zlib";
import type { Sample } from "../../functions/src/domain/palm/sample.ts";

export interface GrayImage {
  width: number;
  height: number;
  gray: Uint8Array;
}

/** Side of a synthetic palm, px. */
export const PALM_SIDE = 144;

/**
 * A grey picture of the palm `seed` (a whole number) as the session `sample` sees it: 144 × 144 px.
 * Samples differ in place, turn, scale, stretch of the skin, light, gain, sharpness, noise and in how
 * well each line shows.
 */
export function syntheticPalm({ seed, sample = 0 }: { seed: number; sample?: number }): GrayImage {
  const palm = growPalm(seed);
  const session = new Chance(seed, 1 + sample);
  const warp = newWarp(session);
  const skin = render(palm, warp, session);
  return photograph(skin, session);
}

// ---- chance ----

class Chance {
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

  /** Nearly normal: mean 0, standard deviation as given, within ±3.5 of them. */
  bell(deviation: number): number {
    return (this.unit() + this.unit() + this.unit() + this.unit() - 2) * 1.7320508 * deviation;
  }
}

// ---- a palm: what stays ----

type Point = readonly [x: number, y: number];

interface Line {
  /** In palm coordinates: 0..1 across the region of interest, fingers up. */
  points: Point[];
  /** Half width in px and darkness in grey levels. */
  width: number;
  depth: number;
}

interface Palm {
  creases: Line[];
  wrinkles: Line[];
  veins: Line[];
  texture: Noise[];
}

function growPalm(seed: number): Palm {
  const chance = new Chance(seed, 0);
  const near = ([x, y]: Point, by: number): Point => [x + chance.bell(by), y + chance.bell(by)];
  const bezier = (a: Point, b: Point, c: Point, d: Point, steps = 20): Point[] =>
    Array.from({ length: steps + 1 }, (_, i) => {
      const t = i / steps;
      const u = 1 - t;
      const mix = (k: 0 | 1) =>
        u * u * u * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t * t * t * d[k];
      return [mix(0), mix(1)];
    });

  // Heart, head and life line, in everybody's order but nobody's place; some have a line of fate.
  const plans: Point[][] = [
    [
      [1.1, 0.34],
      [0.8, 0.4],
      [0.5, 0.3],
      [0.3, 0.02],
    ],
    [
      [-0.1, 0.36],
      [0.3, 0.38],
      [0.6, 0.52],
      [0.95, 0.68],
    ],
    [
      [-0.1, 0.34],
      [0.25, 0.38],
      [0.45, 0.7],
      [0.38, 1.12],
    ],
    [
      [0.55, 1.1],
      [0.5, 0.8],
      [0.52, 0.6],
      [0.55, 0.3],
    ],
  ];
  const creases: Line[] = [];
  plans.forEach((plan, i) => {
    if (i === 3 && chance.unit() < 0.55) return;
    const [a, b, c, d] = plan.map((point) => near(point, 0.07)) as [Point, Point, Point, Point];
    creases.push({
      points: bezier(a, b, c, d),
      width: chance.between(2, 3.4),
      depth: i === 3 ? chance.between(12, 26) : chance.between(26, 46),
    });
    // A companion that leaves the crease on the way.
    if (chance.unit() < 0.5) {
      const from = chance.between(0.02, 0.05);
      creases.push({
        points: bezier(near(a, from), near(b, from), near(c, 0.05), near(d, 0.09)),
        width: chance.between(1.4, 2),
        depth: chance.between(10, 20),
      });
    }
  });

  const wrinkles = Array.from({ length: Math.floor(chance.between(26, 46)) }, (): Line => {
    const start: Point = [chance.between(-0.1, 1.1), chance.between(-0.1, 1.1)];
    const [dx, dy] = direction(chance);
    const length = chance.between(0.12, 0.42);
    const along = (t: number): Point => near([start[0] + dx * length * t, start[1] + dy * length * t], 0.018);
    return {
      points: bezier(start, along(0.33), along(0.67), along(1), 10),
      width: chance.between(1, 2),
      depth: chance.between(6, 22),
    };
  });

  const veins: Line[] = [];
  const grow = (from: Point, heading: Point, width: number, left: number): void => {
    const [dx, dy] = heading;
    const length = chance.between(0.25, 0.45);
    const to: Point = [from[0] + dx * length, from[1] + dy * length];
    const bend = (t: number): Point => near([from[0] + dx * length * t, from[1] + dy * length * t], 0.03);
    veins.push({ points: bezier(from, bend(0.33), bend(0.67), to, 10), width, depth: chance.between(8, 16) });
    if (left === 0) return;
    for (const side of [-1, 1]) {
      const turn = side * chance.between(0.15, 0.7);
      grow(to, unitVector(dx - turn * dy, dy + turn * dx), width * 0.8, left - 1);
    }
  };
  const trunks = 1 + Math.floor(chance.between(0, 2));
  for (let i = 0; i < trunks; i++)
    grow([chance.between(0.1, 0.9), 1.15], unitVector(chance.bell(0.4), -1), chance.between(6, 9), 2);

  const texture = [new Noise(chance, 8, 8), new Noise(chance, 20, 9), new Noise(chance, 48, 7)];
  return { creases, wrinkles, veins, texture };
}

function unitVector(x: number, y: number): Point {
  const length = Math.sqrt(x * x + y * y);
  return [x / length, y / length];
}

function direction(chance: Chance): Point {
  let x = 0;
  let y = 0;
  do {
    x = chance.between(-1, 1);
    y = chance.between(-1, 1);
  } while (x * x + y * y < 0.05 || x * x + y * y > 1);
  return unitVector(x, y);
}

/** Smooth value noise over −0.25..1.25, ±amplitude. */
class Noise {
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
  const shown = session.between(0.6, 1.15);
  const fade = (line: Line, least: number): Line => ({
    ...line,
    depth: line.depth * shown * session.between(least, 1.2),
  });
  const wrinkles = palm.wrinkles.filter(() => session.unit() > 0.1);
  const creases = [
    ...palm.creases.map((line) => fade(line, 0.7)),
    ...wrinkles.map((line) => fade(line, 0.3)),
  ];
  const lines = draw(creases, warp);
  const veins = draw(
    palm.veins.map((line) => fade(line, 0.3)),
    warp,
  );
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

/** Strokes with soft edges; where they cross the darker one shows. */
function draw(lines: Line[], warp: Warp): Float64Array {
  const canvas = new Float64Array(PALM_SIDE * PALM_SIDE);
  for (const { points, width, depth } of lines) {
    const pixels = points.map(([x, y]) => warp.outward(x, y).map((at) => at * PALM_SIDE) as [number, number]);
    for (let i = 1; i < pixels.length; i++) {
      const t = (2 * i - 1) / (pixels.length - 1) - 1;
      const taper = depth * (1 - t * t * t * t);
      stroke(canvas, pixels[i - 1] as Point, pixels[i] as Point, width, taper);
    }
  }
  return canvas;
}

function stroke(canvas: Float64Array, [ax, ay]: Point, [bx, by]: Point, width: number, depth: number): void {
  const clip = (at: number) => Math.min(Math.max(at, 0), PALM_SIDE - 1);
  const dx = bx - ax;
  const dy = by - ay;
  const length2 = dx * dx + dy * dy + 1e-9;
  for (
    let y = clip(Math.ceil(Math.min(ay, by) - width));
    y <= clip(Math.floor(Math.max(ay, by) + width));
    y++
  ) {
    for (
      let x = clip(Math.ceil(Math.min(ax, bx) - width));
      x <= clip(Math.floor(Math.max(ax, bx) + width));
      x++
    ) {
      const t = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length2, 0), 1);
      const ex = x - ax - t * dx;
      const ey = y - ay - t * dy;
      const near = 1 - (ex * ex + ey * ey) / (width * width);
      const i = y * PALM_SIDE + x;
      if (near > 0) canvas[i] = Math.max(canvas[i] as number, depth * near * near);
    }
  }
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

// ---- PNG ----

/** A grey 8-bit PNG of stored blocks: no compressor, so no version of one, decides its bytes. */
export function encodePng({ width, height, gray }: GrayImage): Uint8Array {
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(gray.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUint32BE(width, 0);
  header.writeUint32BE(height, 4);
  header[8] = 8;
  return Uint8Array.from(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      pngChunk("IHDR", header),
      pngChunk("IDAT", storedZlib(rows)),
      pngChunk("IEND", new Uint8Array()),
    ]),
  );
}

/** One chunk of a PNG: length, type, body, CRC. */
export function pngChunk(type: string, body: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUint32BE(body.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  chunk.writeUint32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

function storedZlib(bytes: Uint8Array): Uint8Array {
  const parts = [Buffer.from([0x78, 0x01])];
  for (let at = 0; at < bytes.length; at += 65535) {
    const block = bytes.subarray(at, at + 65535);
    const head = Buffer.from([at + block.length === bytes.length ? 1 : 0, 0, 0, 0, 0]);
    head.writeUint16LE(block.length, 1);
    head.writeUint16LE(~block.length & 0xffff, 3);
    parts.push(head, Buffer.from(block));
  }
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  const adler = Buffer.alloc(4);
  adler.writeUint32BE(b * 65536 + a);
  return Buffer.concat([...parts, adler]);
}

/** The one sample of a request: a synthetic palm's picture. */
export const sampleOf = (seed: number, sample = 0): Sample => ({
  path: "samples.0",
  image: encodePng(syntheticPalm({ seed, sample })),
});
