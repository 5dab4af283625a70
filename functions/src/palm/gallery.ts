import type { Hand, TemplateFormat } from "./codec.ts";
import { PalmError } from "./errors.ts";
import { ROWS, type Rows, type Sample } from "./rows.ts";

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

export interface SearchOptions extends GalleryFilter {
  /** How many candidates at most, 8 unless told. */
  k?: number | undefined;
  /** Compare with every row in full; so far every search does. */
  exhaustive?: boolean | undefined;
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

  /** How many rows a search with this filter compares. */
  count(filter: GalleryFilter = {}): number {
    const matches = matcher(filter);
    return this.#palms.reduce((total, palm) => total + (matches(palm) ? 1 : 0), 0);
  }

  /**
   * The `k` palms most like the probe, best first, equal scores by `palm_id`.
   * @throws PalmError `invalid_template` for broken bytes and protected vectors, `template_mismatch` for
   *   another format.
   */
  search(probe: Uint8Array, { k = 8, ...filter }: SearchOptions = {}): Candidate[] {
    const scoreOf = this.#rows.prepare(probe);
    const matches = matcher(filter);
    const best: Candidate[] = [];
    this.#palms.forEach((palm, row) => {
      if (!matches(palm)) return;
      const score = scoreOf(row);
      const last = best.at(-1);
      if (best.length >= k && (last === undefined || !ahead(palm, score, last))) return;
      if (best.length >= k) best.pop();
      const place = best.findIndex((other) => ahead(palm, score, other));
      best.splice(place < 0 ? best.length : place, 0, { ...palm, score });
    });
    return best;
  }

  /**
   * Compares a probe with the palms that it is said to be of: those of `palm_ids` that are enrolled, of that
   * hand or of no known one, best first, equal scores by `palm_id`.
   * @throws PalmError as `search` does.
   */
  compare(
    probe: Uint8Array,
    palm_ids: readonly string[],
    { hand }: Pick<GalleryFilter, "hand"> = {},
  ): Candidate[] {
    const scoreOf = this.#rows.prepare(probe);
    const matches = matcher({ hand });
    return [...new Set(palm_ids)]
      .flatMap((palm_id) => {
        const row = this.#rowOf.get(palm_id);
        if (row === undefined) return [];
        const palm = this.#palms[row] as PalmIdentity;
        return matches(palm) ? [{ ...palm, score: scoreOf(row) }] : [];
      })
      .sort((a, b) => (ahead(a, a.score, b) ? -1 : 1));
  }
}

function matcher({ project_id, hand = "unknown" }: GalleryFilter): (palm: PalmIdentity) => boolean {
  return (palm) =>
    (project_id === undefined || palm.project_id === project_id) &&
    (hand === "unknown" || palm.hand === "unknown" || palm.hand === hand);
}

function ahead({ palm_id }: PalmIdentity, score: number, other: Candidate): boolean {
  return score > other.score || (score === other.score && palm_id < other.palm_id);
}
