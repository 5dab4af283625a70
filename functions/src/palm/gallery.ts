import { decodeTemplate, type Hand, PALM_CODE, PLANE_WORDS, type TemplateFormat } from "./codec.ts";
import { PalmError } from "./errors.ts";
import { Probe } from "./match.ts";

/** Who a palm is: ids are opaque; project and member are null where palms belong to nobody. */
export interface PalmIdentity {
  palm_id: string;
  project_id: string | null;
  member_id: string | null;
  hand: Hand;
}

/** What `Gallery.add` takes. */
export interface Enrolment extends PalmIdentity {
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
  /** Compare with every row in full; `palm-code.v1` always does. */
  exhaustive?: boolean | undefined;
}

export interface GalleryOptions {
  format: TemplateFormat;
  /** A secret of formats that rotate their templates; `palm-code.v1` has none. */
  rotation?: Uint8Array | undefined;
}

/**
 * Enrolled palms of one format in memory: codes back to back in one typed array, identities beside
 * them. A removed row is overwritten by the last one, so rows stay dense and nothing of it remains.
 */
export class Gallery {
  readonly format: TemplateFormat;
  #planes = new Int32Array(64 * PLANE_WORDS);
  readonly #rows: PalmIdentity[] = [];
  readonly #rowOf = new Map<string, number>();

  /** @throws PalmError `template_mismatch` for a format this build does not know. */
  constructor({ format }: GalleryOptions) {
    if (format !== PALM_CODE) throw new PalmError("template_mismatch", "The gallery's format is unknown");
    this.format = format;
  }

  /** Palms enrolled. */
  get size(): number {
    return this.#rows.length;
  }

  /** Memory held for templates, in bytes. */
  get bytes(): number {
    return this.#planes.byteLength;
  }

  /**
   * Enrols a palm, or replaces the one of that `palm_id`.
   * @throws PalmError `invalid_template`; the gallery is then as before.
   */
  add({ palm_id, project_id, member_id, hand, template }: Enrolment): void {
    const { planes } = decodeTemplate(template);
    const row = this.#rowOf.get(palm_id) ?? this.#rows.length;
    if ((row + 1) * PLANE_WORDS > this.#planes.length) {
      const grown = new Int32Array(2 * this.#planes.length);
      grown.set(this.#planes);
      this.#planes = grown;
    }
    this.#planes.set(planes, row * PLANE_WORDS);
    this.#rows[row] = { palm_id, project_id, member_id, hand };
    this.#rowOf.set(palm_id, row);
  }

  /** Forgets a palm; false when there was none. */
  remove(palm_id: string): boolean {
    const row = this.#rowOf.get(palm_id);
    if (row === undefined) return false;
    const last = this.#rows.length - 1;
    const moved = this.#rows.pop() as PalmIdentity;
    if (row !== last) {
      this.#planes.copyWithin(row * PLANE_WORDS, last * PLANE_WORDS, (last + 1) * PLANE_WORDS);
      this.#rows[row] = moved;
      this.#rowOf.set(moved.palm_id, row);
    }
    this.#planes.fill(0, last * PLANE_WORDS, (last + 1) * PLANE_WORDS);
    this.#rowOf.delete(palm_id);
    return true;
  }

  /** How many rows a search with this filter compares. */
  count(filter: GalleryFilter = {}): number {
    const matches = matcher(filter);
    return this.#rows.reduce((total, row) => total + (matches(row) ? 1 : 0), 0);
  }

  /**
   * The `k` palms most like the probe, best first, equal scores by `palm_id`.
   * @throws PalmError `invalid_template` for broken bytes.
   */
  search(probe: Uint8Array, { k = 8, ...filter }: SearchOptions = {}): Candidate[] {
    const prepared = new Probe(decodeTemplate(probe).planes);
    const matches = matcher(filter);
    const best: { row: PalmIdentity; score: number }[] = [];
    this.#rows.forEach((row, i) => {
      if (!matches(row)) return;
      const score = prepared.score(this.#planes, i * PLANE_WORDS);
      const last = best.at(-1);
      if (best.length >= k && (last === undefined || !ahead(row, score, last))) return;
      if (best.length >= k) best.pop();
      const place = best.findIndex((other) => ahead(row, score, other));
      best.splice(place < 0 ? best.length : place, 0, { row, score });
    });
    return best.map(({ row, score }) => ({ ...row, score }));
  }
}

function matcher({ project_id, hand = "unknown" }: GalleryFilter): (row: PalmIdentity) => boolean {
  return (row) =>
    (project_id === undefined || row.project_id === project_id) &&
    (hand === "unknown" || row.hand === "unknown" || row.hand === hand);
}

function ahead(row: PalmIdentity, score: number, other: { row: PalmIdentity; score: number }): boolean {
  return score > other.score || (score === other.score && row.palm_id < other.row.palm_id);
}
