import {
  decodeProtected,
  decodeTemplate,
  decodeVector,
  encodeProtected,
  type Hand,
  isSealed,
  PALM_CODE,
  PLANE_WORDS,
  type TemplateFormat,
  VECTOR_512,
} from "./codec.ts";
import { Probe } from "./match.ts";
import { DIMENSIONS, dot, quantise, rotation, similarity, type Vector } from "./vector.ts";

/** A template with what its stored form says of it. */
export interface Sample {
  template: Uint8Array;
  hand: Hand;
  /** How many samples were fused, 1..255. */
  samples: number;
}

/** Scores a probe against rows, 0..1. */
export interface Scorer {
  /** In the pose in which the probe was taken. */
  score(row: number): number;
  /** In the best of all poses: several times slower. */
  bestScore(row: number): number;
}

/** How a gallery holds, compares and stores templates of one format. */
export interface Rows {
  /** All that is remembered of the rows' templates. */
  readonly planes: readonly Plane[];
  /**
   * @param row at most one past the last
   * @throws PalmError `invalid_template`, `template_mismatch`; the row is then as before.
   */
  put(row: number, template: Uint8Array): void;
  /**
   * Makes a probe ready to be scored against any row until rows change.
   * @param poses the probe's templates in other poses
   * @throws PalmError `invalid_template`, `template_mismatch`
   */
  prepare(probe: Uint8Array, poses: readonly Uint8Array[]): Scorer;
  /** The score of two rows, 0..1. */
  compareRows(a: number, b: number): number;
  /** @throws PalmError `invalid_template`, `template_mismatch` */
  protect(sample: Sample): Uint8Array;
}

/** One typed array for all rows, `width` numbers each, back to back, that grows as rows are put. */
export class Plane<Numbers extends Int32Array | Int8Array = Int32Array | Int8Array> {
  numbers: Numbers;
  readonly #width: number;
  readonly #allocate: (length: number) => Numbers;

  constructor(width: number, allocate: (length: number) => Numbers) {
    this.numbers = allocate(64 * width);
    this.#width = width;
    this.#allocate = allocate;
  }

  put(row: number, numbers: ArrayLike<number>): void {
    if ((row + 1) * this.#width > this.numbers.length) {
      const grown = this.#allocate(2 * this.numbers.length);
      grown.set(this.numbers);
      this.numbers = grown;
    }
    this.numbers.set(numbers, row * this.#width);
  }

  copy(from: number, to: number): void {
    this.numbers.copyWithin(to * this.#width, from * this.#width, (from + 1) * this.#width);
  }

  clear(row: number): void {
    this.numbers.fill(0, row * this.#width, (row + 1) * this.#width);
  }
}

/** Palm codes, as they are: 512 bytes a row. */
class CodeRows implements Rows {
  readonly #codes = new Plane(PLANE_WORDS, (length) => new Int32Array(length));
  readonly planes = [this.#codes];

  put(row: number, template: Uint8Array): void {
    this.#codes.put(row, decodeTemplate(template).planes);
  }

  prepare(template: Uint8Array, poses: readonly Uint8Array[]): Scorer {
    const [probe, ...others] = [template, ...poses].map((one) => new Probe(decodeTemplate(one).planes)) as [
      Probe,
      ...Probe[],
    ];
    const codes = this.#codes.numbers;
    const score = (row: number) => probe.score(codes, row * PLANE_WORDS);
    const bestScore = (row: number) =>
      others.reduce((best, pose) => Math.max(best, pose.score(codes, row * PLANE_WORDS)), score(row));
    return { score, bestScore };
  }

  compareRows(a: number, b: number): number {
    const codes = this.#codes.numbers;
    const probe = new Probe(codes.subarray(a * PLANE_WORDS, (a + 1) * PLANE_WORDS));
    return probe.score(codes, b * PLANE_WORDS);
  }

  protect({ template }: Sample): Uint8Array {
    decodeTemplate(template);
    return template;
  }
}

/** Vectors, rotated and quantised, with their squared lengths: 516 bytes a row. */
class VectorRows implements Rows {
  readonly #values = new Plane(DIMENSIONS, (length) => new Int8Array(length));
  readonly #squares = new Plane(1, (length) => new Int32Array(length));
  readonly planes = [this.#values, this.#squares];
  readonly #rotate: (vector: Vector) => Vector;

  constructor(secret: Uint8Array | undefined) {
    this.#rotate = secret === undefined ? (vector) => vector : rotation(secret);
  }

  put(row: number, template: Uint8Array): void {
    const values = isSealed(template) ? decodeProtected(template).values : this.#quantise(template);
    this.#values.put(row, values);
    this.#squares.put(row, [dot(values, values)]);
  }

  /** The probe stays in doubles: only one side of the comparison is rounded. Vectors have no poses. */
  prepare(template: Uint8Array): Scorer {
    const probe = this.#rotate(decodeVector(template));
    const square = dot(probe, probe);
    const values = this.#values.numbers;
    const squares = this.#squares.numbers;
    const score = (row: number) => {
      let product = 0;
      for (let i = 0, at = row * DIMENSIONS; i < DIMENSIONS; i++, at++) {
        product += (probe[i] as number) * (values[at] as number);
      }
      return similarity(product, square, squares[row] as number);
    };
    return { score, bestScore: score };
  }

  compareRows(a: number, b: number): number {
    const row = (i: number) => this.#values.numbers.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
    const [one, other] = [row(a), row(b)];
    return similarity(dot(one, other), dot(one, one), dot(other, other));
  }

  protect({ template, hand, samples }: Sample): Uint8Array {
    return encodeProtected({ hand, samples, values: this.#quantise(template) });
  }

  #quantise(template: Uint8Array): Int8Array {
    return quantise(this.#rotate(decodeVector(template)));
  }
}

/** Rows of each format, with the secret of those that rotate. */
export const ROWS: Record<TemplateFormat, (rotation?: Uint8Array) => Rows> = {
  [PALM_CODE]: () => new CodeRows(),
  [VECTOR_512]: (secret) => new VectorRows(secret),
};
