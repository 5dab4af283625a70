import { Gallery } from "../../palm/index.ts";
import { DomainError } from "../errors.ts";
import type { Change, Changes, Manifest } from "./changes.ts";
import { type DataKey, type Sealing, templateSeal, type WrappedKey } from "./sealing.ts";

const PAGE = 1000;

const erased = (): DomainError => new DomainError("expired", "The environment's palms were erased.");

/** A gallery in this instance's memory that follows its log. */
export class LiveGallery {
  readonly environment_id: string;
  readonly #changes: Changes;
  readonly #sealing: Sealing;
  #gallery = new Gallery({ format: "palm-code.v1" });
  #seq = 0;
  #key: { wrapped: WrappedKey; opened: DataKey } | undefined;
  #loaded = false;
  #turn: Promise<unknown> = Promise.resolve();
  #loading: Promise<void> | undefined;

  constructor(environment_id: string, ports: { changes: Changes; sealing: Sealing }) {
    this.environment_id = environment_id;
    this.#changes = ports.changes;
    this.#sealing = ports.sealing;
  }

  /** The number of the last change that is in memory. */
  get seq(): number {
    return this.#seq;
  }

  /** The palms in memory; true to the log as of the last `sync`. */
  get rows(): Gallery {
    return this.#gallery;
  }

  /**
   * Takes in every change committed before this call began; search right after it, without awaiting.
   * @returns the key to seal with.
   * @throws DomainError `expired` when the environment's key was destroyed.
   */
  async sync(): Promise<DataKey> {
    // Whoever comes while the log is first read waits for it, then reads only what is newer.
    if (!this.#loaded) {
      this.#loading ??= this.#load();
      await this.#loading;
    }
    await this.#catchUp();
    if (!this.#key) throw erased();
    return this.#key.opened;
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
      const { manifest, changes } = await this.#changes.readAfter(this.environment_id, this.#seq, PAGE);
      const key = this.#open(manifest);
      for (const change of changes) this.#apply(change, key);
      if (changes.length < PAGE) return;
    }
  }

  #open(manifest: Manifest | undefined): DataKey {
    if (!manifest) throw new Error(`environment ${this.environment_id} has no manifest`);
    const wrapped = manifest.wrapped_key;
    if (!wrapped) {
      this.#gallery = new Gallery({ format: "palm-code.v1" });
      this.#key = undefined;
      throw erased();
    }
    if (this.#key && Buffer.compare(this.#key.wrapped.sealed, wrapped.sealed) === 0) return this.#key.opened;
    const opened = this.#sealing.unwrap(this.environment_id, wrapped);
    this.#key = { wrapped, opened };
    return opened;
  }

  #apply(change: Change, key: DataKey): void {
    // Readers of overlapping pages meet here: each change counts once, in order.
    if (change.seq !== this.#seq + 1) {
      if (change.seq <= this.#seq) return;
      throw new Error(`gallery ${this.environment_id} has a gap before change ${change.seq}`);
    }
    if (change.template) {
      const template = key.open(change.template, templateSeal(this.environment_id, change.palm_id));
      const { palm_id, project_id, hand } = change;
      this.#gallery.add({ palm_id, project_id, member_id: null, hand, template });
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
  open(environment_id: string): LiveGallery {
    const live = this.#live.get(environment_id) ?? new LiveGallery(environment_id, this.#ports);
    this.#live.delete(environment_id);
    this.#live.set(environment_id, live);
    this.#evict();
    return live;
  }

  #evict(): void {
    let bytes = 0;
    for (const { rows } of this.#live.values()) bytes += rows.bytes;
    for (const [id, { rows }] of this.#live) {
      if (bytes <= this.#maxBytes || this.#live.size === 1) return;
      this.#live.delete(id);
      bytes -= rows.bytes;
    }
  }
}
