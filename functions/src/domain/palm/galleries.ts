import { Gallery, PalmError } from "../../palm/index.ts";
import type { Surroundings } from "../context.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError } from "../errors.ts";
import type { Change, Changes, Manifest } from "./changes.ts";
import { type LinkFault, Links } from "./links.ts";
import { type DataKey, ROTATION, type Sealing, templateSeal, type WrappedKey } from "./sealing.ts";

const PAGE = 1000;

/** What a gallery has to know of its environment. */
type Home = Pick<Environment, "id" | "template_format">;

const erased = (): DomainError => new DomainError("expired", "The environment's palms were erased.");

/** A gallery, and the sync that somebody has begun for a request. */
export interface Following {
  live: LiveGallery;
  synced: Promise<DataKey>;
}

interface GalleryPorts {
  changes: Changes;
  sealing: Sealing;
  log: Surroundings["log"];
}

/** Why an entry of the log is skipped. `not_opened`: its template is not sealed for this palm by this environment's key. */
export type EntryFault = LinkFault | "malformed" | "not_opened" | "not_a_template";

/** How many skipped entries a gallery names, and how many all galleries of an instance report. */
const MOST_NAMED = 100;
const MOST_REPORTED = 10_000;

/** State of an instance that outlives evicted galleries. */
class Memory {
  /** Skipped entries that were logged. */
  readonly reported = new Set<string>();
  /** Environments that were seen sealed. An older wrapped key must not undo that. */
  readonly sealed = new Set<string>();
}

/** A gallery in this instance's memory that follows its log. */
export class LiveGallery {
  readonly #home: Home;
  readonly #ports: GalleryPorts;
  readonly #memory: Memory;
  readonly #skipped: { count: number; first: { seq: number; fault: EntryFault }[] } = { count: 0, first: [] };
  /** Made when the key is known, which its rotation follows from. */
  #gallery: Gallery | undefined;
  #seq = 0;
  #head = 0;
  /** For this gallery's life: a rotation of the keyring wraps the same key anew, maybe by one unknown here. */
  #key: DataKey | undefined;
  #wrapped: WrappedKey | undefined;
  #links: Links | undefined;
  /** For ever: a read that began before the key was destroyed must not bring it back. */
  #erased = false;
  #loaded = false;
  #turn: Promise<unknown> = Promise.resolve();
  #loading: Promise<void> | undefined;

  constructor(home: Home, ports: GalleryPorts, memory = new Memory()) {
    this.#home = home;
    this.#ports = ports;
    this.#memory = memory;
  }

  get environment_id(): string {
    return this.#home.id;
  }

  /** How many entries of the log were skipped because they were edited or are malformed, and the first 100 of them. */
  get skipped(): { readonly count: number; readonly first: readonly { seq: number; fault: EntryFault }[] } {
    return this.#skipped;
  }

  /** The number of the last change that is in memory. */
  get seq(): number {
    return this.#seq;
  }

  /** The number of the last change that is known of: in memory, or committed by this instance. */
  get head(): number {
    return Math.max(this.#seq, this.#head);
  }

  /** Says that this instance has committed a change, which the next `sync` will take in. */
  committed(seq: number): void {
    this.#head = Math.max(this.#head, seq);
  }

  /**
   * The palms in memory; true to the log as of the last `sync`.
   * @throws DomainError `expired` when the environment's key was destroyed meanwhile.
   */
  get rows(): Gallery {
    if (!this.#gallery) throw erased();
    return this.#gallery;
  }

  /**
   * What binds the environment's palms to their members, as of the last `sync`.
   * @throws DomainError `expired` when the environment's key was destroyed meanwhile.
   */
  get links(): Links {
    if (!this.#links) throw erased();
    return this.#links;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#gallery?.bytes ?? 0;
  }

  /**
   * Takes in every change committed before this call began; search right after it, without awaiting.
   * @returns the key to seal with.
   * @throws DomainError `expired` when the environment's key was destroyed.
   */
  sync(): Promise<DataKey> {
    const synced = this.#sync();
    // A request that is refused for another reason never hears of it.
    synced.catch(() => undefined);
    return synced;
  }

  async #sync(): Promise<DataKey> {
    // Whoever comes while the log is first read waits for it, then reads only what is newer.
    if (!this.#loaded) {
      this.#loading ??= this.#load();
      await this.#loading;
    }
    await this.#catchUp();
    if (!this.#key) throw erased();
    return this.#key;
  }

  /**
   * Runs one task of this instance at a time: two enrolments that race here for the next number would only
   * cost each other a try. Between instances the log itself decides.
   */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(task);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #load(): Promise<void> {
    try {
      await this.#catchUp();
      this.#loaded = true;
    } finally {
      this.#loading = undefined;
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const before = this.#seq;
      const page = await this.#ports.changes.readAfter(this.#home.id, this.#seq, PAGE);
      const { manifest, changes, malformed, more } = page;
      const key = this.#open(manifest);
      const entries = [...changes, ...malformed.map((seq) => ({ seq, op: "malformed" as const }))];
      for (const entry of entries.sort((a, b) => a.seq - b.seq)) this.#apply(entry, key);
      if (!more) return;
      if (this.#seq === before) throw new Error(`gallery ${this.#home.id} has a page without a change`);
    }
  }

  #open(manifest: Manifest | undefined): DataKey {
    if (!manifest) throw new Error(`environment ${this.#home.id} has no manifest`);
    const wrapped = manifest.wrapped_key;
    if (!wrapped || this.#erased) {
      this.#erased = true;
      this.#gallery = undefined;
      this.#key = undefined;
      this.#links = undefined;
      throw erased();
    }
    if (this.#key) {
      this.#noticeSeal(wrapped, this.#key);
      return this.#key;
    }
    const { id, template_format: format } = this.#home;
    const key = this.#ports.sealing.unwrap(id, wrapped);
    this.#gallery = new Gallery({ format, rotation: key.derive(ROTATION) });
    const { sealed } = this.#memory;
    if (key.linksSealed) sealed.add(id);
    this.#links = new Links(id, key, { required: sealed.has(id) });
    this.#wrapped = wrapped;
    this.#key = key;
    return key;
  }

  /** Learns that the environment's links were sealed meanwhile. Never the opposite: an older wrapped key may be put back. */
  #noticeSeal(wrapped: WrappedKey, key: DataKey): void {
    if (this.links.required || isSame(this.#wrapped, wrapped)) return;
    this.#wrapped = wrapped;
    try {
      if (!this.#ports.sealing.unwrap(this.#home.id, wrapped).linksSealed) return;
    } catch {
      // A rotation to a master key that this instance does not have.
      return;
    }
    this.#memory.sealed.add(this.#home.id);
    this.#links = new Links(this.#home.id, key, { required: true });
  }

  #apply(entry: Entry, key: DataKey): void {
    // Readers of overlapping pages meet here: each change counts once, in order.
    const { seq } = entry;
    if (seq !== this.#seq + 1) {
      if (seq <= this.#seq) return;
      throw new Error(`gallery ${this.#home.id} has a gap before change ${seq}`);
    }
    const fault = this.#takeIn(entry, key);
    if (fault) this.#skip(seq, fault);
    this.#seq = seq;
  }

  /** @returns why the entry must not count */
  #takeIn(entry: Entry, key: DataKey): EntryFault | undefined {
    const { rows } = this;
    if (entry.op === "malformed") return entry.op;
    const { seq, palm_id, project_id, hand, template: sealed } = entry;
    if (entry.op === "remove") rows.remove(palm_id);
    if (entry.op === "remove" || !sealed) return undefined;
    const fault = this.links.faultOfPut({ ...entry, template: sealed });
    if (fault) return fault;
    let template: Uint8Array;
    try {
      template = key.open(sealed, templateSeal(this.#home.id, palm_id));
    } catch {
      return "not_opened";
    }
    try {
      rows.add({ palm_id, project_id, member_id: null, hand, seq, template });
      return undefined;
    } catch (error) {
      if (error instanceof PalmError) return "not_a_template";
      throw error;
    }
  }

  #skip(seq: number, fault: EntryFault): void {
    const { id: environment_id } = this.#home;
    this.#skipped.count += 1;
    if (this.#skipped.first.length < MOST_NAMED) this.#skipped.first.push({ seq, fault });
    const name = `${environment_id} ${seq}`;
    const { reported } = this.#memory;
    if (reported.has(name) || reported.size >= MOST_REPORTED) return;
    reported.add(name);
    this.#ports.log.error("skipping a gallery log entry", { environment_id, seq, fault });
  }
}

type Entry = Change | { seq: number; op: "malformed" };

const isSame = (one: WrappedKey | undefined, other: WrappedKey): boolean =>
  one?.kid === other.kid && Buffer.compare(one.sealed, other.sealed) === 0;

/** The galleries of this instance: the least recently used go when they outgrow `maxBytes` together. */
export class Galleries {
  readonly #live = new Map<string, LiveGallery>();
  readonly #ports: GalleryPorts;
  readonly #memory = new Memory();
  readonly #maxBytes: number;

  constructor(ports: GalleryPorts, maxBytes: number) {
    this.#ports = ports;
    this.#maxBytes = maxBytes;
  }

  /** The environment's gallery, empty until its first `sync`. */
  open(home: Home): LiveGallery {
    return this.#use(home.id, this.#live.get(home.id) ?? new LiveGallery(home, this.#ports, this.#memory));
  }

  /** Begins to take in the newest changes of an environment's gallery. */
  follow(home: Home): Following {
    const live = this.open(home);
    return { live, synced: live.sync() };
  }

  /** The same before the environment has been read: of a gallery that is in memory. */
  followKnown(environment_id: string): Following | undefined {
    const live = this.#live.get(environment_id);
    return live && { live: this.#use(environment_id, live), synced: live.sync() };
  }

  /** The last in the map is the one used last. */
  #use(id: string, live: LiveGallery): LiveGallery {
    this.#live.delete(id);
    this.#live.set(id, live);
    this.#evict();
    return live;
  }

  #evict(): void {
    let bytes = 0;
    for (const live of this.#live.values()) bytes += live.bytes;
    for (const [id, live] of this.#live) {
      if (bytes <= this.#maxBytes || this.#live.size === 1) return;
      this.#live.delete(id);
      bytes -= live.bytes;
    }
  }
}
