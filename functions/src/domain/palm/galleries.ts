import { Gallery } from "../../palm/index.ts";
import type { Environment } from "../environment/environment.ts";
import { DomainError } from "../errors.ts";
import type { Change, Changes, Manifest } from "./changes.ts";
import { type DataKey, ROTATION, type Sealing, templateSeal } from "./sealing.ts";

const PAGE = 1000;

/** What a gallery has to know of its environment. */
type Home = Pick<Environment, "id" | "template_format">;

const erased = (): DomainError => new DomainError("expired", "The environment's palms were erased.");

/** A gallery, and the sync that somebody has begun for a request. */
export interface Following {
  live: LiveGallery;
  synced: Promise<DataKey>;
}

/** A gallery in this instance's memory that follows its log. */
export class LiveGallery {
  readonly #home: Home;
  readonly #changes: Changes;
  readonly #sealing: Sealing;
  /** Made when the key is known, which its rotation follows from. */
  #gallery: Gallery | undefined;
  #seq = 0;
  #head = 0;
  /** For this gallery's life: a rotation of the keyring wraps the same key anew, maybe by one unknown here. */
  #key: DataKey | undefined;
  /** For ever: a read that began before the key was destroyed must not bring it back. */
  #erased = false;
  #loaded = false;
  #turn: Promise<unknown> = Promise.resolve();
  #loading: Promise<void> | undefined;

  constructor(home: Home, ports: { changes: Changes; sealing: Sealing }) {
    this.#home = home;
    this.#changes = ports.changes;
    this.#sealing = ports.sealing;
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
      const { manifest, changes } = await this.#changes.readAfter(this.#home.id, this.#seq, PAGE);
      const key = this.#open(manifest);
      for (const change of changes) this.#apply(change, key);
      if (changes.length < PAGE) return;
    }
  }

  #open(manifest: Manifest | undefined): DataKey {
    if (!manifest) throw new Error(`environment ${this.#home.id} has no manifest`);
    const wrapped = manifest.wrapped_key;
    if (!wrapped || this.#erased) {
      this.#erased = true;
      this.#gallery = undefined;
      this.#key = undefined;
      throw erased();
    }
    if (this.#key) return this.#key;
    const key = this.#sealing.unwrap(this.#home.id, wrapped);
    this.#gallery = new Gallery({ format: this.#home.template_format, rotation: key.derive(ROTATION) });
    this.#key = key;
    return key;
  }

  #apply(change: Change, key: DataKey): void {
    // Readers of overlapping pages meet here: each change counts once, in order.
    if (change.seq !== this.#seq + 1) {
      if (change.seq <= this.#seq) return;
      throw new Error(`gallery ${this.#home.id} has a gap before change ${change.seq}`);
    }
    const { palm_id, project_id, hand } = change;
    if (change.op === "remove") this.rows.remove(palm_id);
    else if (change.template) {
      const template = key.open(change.template, templateSeal(this.#home.id, palm_id));
      this.rows.add({ palm_id, project_id, member_id: null, hand, template });
    }
    this.#seq = change.seq;
  }
}

/** The galleries of this instance: the least recently used go when they outgrow `maxBytes` together. */
export class Galleries {
  readonly #live = new Map<string, LiveGallery>();
  readonly #ports: { changes: Changes; sealing: Sealing };
  readonly #maxBytes: number;

  constructor(ports: { changes: Changes; sealing: Sealing }, maxBytes: number) {
    this.#ports = ports;
    this.#maxBytes = maxBytes;
  }

  /** The environment's gallery, empty until its first `sync`. */
  open(home: Home): LiveGallery {
    return this.#use(home.id, this.#live.get(home.id) ?? new LiveGallery(home, this.#ports));
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
