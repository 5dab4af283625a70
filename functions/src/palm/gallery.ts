import type { Hand, TemplateFormat } from "./codec.ts";
import { PalmError } from "./errors.ts";
import { ROWS, type Rows, type Sample, type Scorer } from "./rows.ts";

/** Who a palm is: ids are opaque; project and member are null where palms belong to nobody. */
export interface PalmIdentity {
  palm_id: string;
  project_id: string | null;
  member_id: string | null;
  hand: Hand;
  /** The number of the change that put it, where there is one. */
  seq?: number;
}

/** What `Gallery.add` takes. */
export interface Enrolment extends PalmIdentity {
  /** As it came over the wire, or as `Gallery.protect` gave it. */
  template: Uint8Array;
}

/** What a search found; `score` 0..1 at full precision, so round it before it leaves the house. */
export interface Candidate extends PalmIdentity {
  score: number;
}

/** Which rows count: those of a project (null: of none; absent: of all), and of a hand or of no known one. */
export interface GalleryFilter {
  project_id?: string | null | undefined;
  hand?: Hand | undefined;
}

/** How many of the best rows are compared in every pose of the probe. */
const POSED = 100;
/** How many other palms a claim is compared with at most. */
const MOST_OTHERS = 500;

export interface SearchOptions extends GalleryFilter {
  /** The probe's templates in other poses; none unless given. */
  poses?: readonly Uint8Array[] | undefined;
  /** How many candidates at most, 8 unless told. */
  k?: number | undefined;
}

export interface ClaimOptions extends GalleryFilter {
  poses?: readonly Uint8Array[] | undefined;
  /** 0..1, to choose the other palms. */
  random: () => number;
}

/** How a probe compares with the palms that it is claimed to be of, and with others. */
export interface ClaimResult {
  /** The claimed palms, best first. */
  claimed: Candidate[];
  /** How many other palms were compared, and the highest of their scores; 0 if there were none. */
  others: { count: number; highest: number };
}

export interface GalleryOptions {
  format: TemplateFormat;
  /** A secret of any length by which vectors are rotated, else they are not; palm codes ignore it. */
  rotation?: Uint8Array | undefined;
}

/**
 * Enrolled palms of one format in memory: templates in dense rows of typed arrays, identities beside them.
 * A removed row is overwritten by the last one, and that one by zeros, so nothing of it remains.
 */
export class Gallery {
  readonly format: TemplateFormat;
  readonly #rows: Rows;
  readonly #palms: PalmIdentity[] = [];
  readonly #rowOf = new Map<string, number>();

  /** @throws PalmError `template_mismatch` for a format this build does not know. */
  constructor({ format, rotation }: GalleryOptions) {
    const open: ((rotation?: Uint8Array) => Rows) | undefined = ROWS[format];
    if (open === undefined) throw new PalmError("template_mismatch", "The gallery's format is unknown");
    this.format = format;
    this.#rows = open(rotation);
  }

  /** The number of the change that put a palm; undefined for one that is not enrolled. */
  seqOf(palm_id: string): number | undefined {
    const row = this.#rowOf.get(palm_id);
    return row === undefined ? undefined : this.#palms[row]?.seq;
  }

  /** Palms enrolled. */
  get size(): number {
    return this.#palms.length;
  }

  /** Memory held for templates, in bytes. */
  get bytes(): number {
    return this.#rows.planes.reduce((total, { numbers }) => total + numbers.byteLength, 0);
  }

  /**
   * Enrols a palm, or replaces the one of that `palm_id`. A protected template is kept as it is: it must
   * have been protected by a gallery of the same secret, which nothing in it tells.
   * @throws PalmError `invalid_template`, or `template_mismatch` for another format; the gallery is then as
   *   before.
   */
  add({ template, ...palm }: Enrolment): void {
    const { palm_id } = palm;
    const row = this.#rowOf.get(palm_id) ?? this.#palms.length;
    this.#rows.put(row, template);
    this.#palms[row] = palm;
    this.#rowOf.set(palm_id, row);
  }

  /** Forgets a palm; false when there was none. */
  remove(palm_id: string): boolean {
    const row = this.#rowOf.get(palm_id);
    if (row === undefined) return false;
    const last = this.#palms.length - 1;
    const moved = this.#palms.pop() as PalmIdentity;
    if (row !== last) {
      this.#palms[row] = moved;
      this.#rowOf.set(moved.palm_id, row);
    }
    for (const plane of this.#rows.planes) {
      plane.copy(last, row);
      plane.clear(last);
    }
    this.#rowOf.delete(palm_id);
    return true;
  }

  /**
   * The form in which a template is stored: a palm code as it is, for hand and samples are inside; a vector
   * rotated by the gallery's secret and quantised, 528 bytes with that hand and samples.
   * @throws PalmError `invalid_template`, or `template_mismatch` for another format.
   */
  protect(sample: Sample): Uint8Array {
    return this.#rows.protect(sample);
  }

  /** Whether a palm is enrolled. */
  has(palm_id: string): boolean {
    return this.#rowOf.has(palm_id);
  }

  /**
   * The score of two enrolled palms, 0..1.
   * @throws Error when one of them is not enrolled
   */
  comparePalms(one: string, other: string): number {
    const [a, b] = [this.#rowOf.get(one), this.#rowOf.get(other)];
    if (a === undefined || b === undefined) throw new Error("the palm is not enrolled");
    return this.#rows.compareRows(a, b);
  }

  /** How many rows a search with this filter compares. */
  count(filter: GalleryFilter = {}): number {
    const matches = matcher(filter);
    return this.#palms.reduce((total, palm) => total + (matches(palm) ? 1 : 0), 0);
  }

  /**
   * The `k` palms most like the probe, best first, equal scores by `palm_id`. Every row is compared in the pose of the
   * probe, and the best 100 of them in its other poses, too.
   * @throws PalmError `invalid_template` for broken bytes and protected vectors, `template_mismatch` for
   *   another format.
   */
  search(probe: Uint8Array, { k = 8, poses = [], ...filter }: SearchOptions = {}): Candidate[] {
    return this.#best(this.#rowsOf(filter), this.#rows.prepare(probe, poses), k);
  }

  /**
   * Compares a probe with the palms that it is claimed to be of, those of `palm_ids` that are enrolled and of the
   * filter's hand, and with the other palms of the filter: all, or 500 of them chosen at random.
   * @throws PalmError as `search` does.
   */
  compareClaim(
    probe: Uint8Array,
    palm_ids: readonly string[],
    { poses = [], random, ...filter }: ClaimOptions,
  ): ClaimResult {
    const scorer = this.#rows.prepare(probe, poses);
    const matchesHand = matcher({ hand: filter.hand });
    const claimed = [...new Set(palm_ids)].flatMap((palm_id) => {
      const row = this.#rowOf.get(palm_id);
      return row !== undefined && matchesHand(this.#palms[row] as PalmIdentity) ? [row] : [];
    });
    const ids = new Set(palm_ids);
    const others = this.#rowsOf(filter).filter((row) => !ids.has((this.#palms[row] as PalmIdentity).palm_id));
    const chosen = choose(others, MOST_OTHERS, random);
    const [best] = this.#best(chosen, scorer, 1);
    return {
      claimed: this.#best(claimed, scorer, claimed.length),
      others: { count: chosen.length, highest: best?.score ?? 0 },
    };
  }

  #rowsOf(filter: GalleryFilter): number[] {
    const matches = matcher(filter);
    return this.#palms.flatMap((palm, row) => (matches(palm) ? [row] : []));
  }

  #best(rows: readonly number[], { score, bestScore }: Scorer, k: number): Candidate[] {
    const byScore = (a: Candidate, b: Candidate) => (ahead(a, a.score, b) ? -1 : 1);
    const near: (Candidate & { row: number })[] = [];
    const most = Math.max(k, POSED);
    for (const row of rows) {
      const palm = this.#palms[row] as PalmIdentity;
      const found = score(row);
      const last = near.at(-1);
      if (near.length >= most && (last === undefined || !ahead(palm, found, last))) continue;
      if (near.length >= most) near.pop();
      const place = near.findIndex((other) => ahead(palm, found, other));
      near.splice(place < 0 ? near.length : place, 0, { ...palm, score: found, row });
    }
    return near
      .map(({ row, ...candidate }) => ({ ...candidate, score: bestScore(row) }))
      .sort(byScore)
      .slice(0, k);
  }
}

/** So many of the items at random, or all of them if there are no more. */
function choose<T>(items: T[], most: number, random: () => number): T[] {
  if (items.length <= most) return items;
  for (let i = 0; i < most; i++) {
    const j = i + Math.floor(random() * (items.length - i));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items.slice(0, most);
}

function matcher({ project_id, hand = "unknown" }: GalleryFilter): (palm: PalmIdentity) => boolean {
  return (palm) =>
    (project_id === undefined || palm.project_id === project_id) &&
    (hand === "unknown" || palm.hand === "unknown" || palm.hand === hand);
}

function ahead({ palm_id }: PalmIdentity, score: number, other: Candidate): boolean {
  return score > other.score || (score === other.score && palm_id < other.palm_id);
}
