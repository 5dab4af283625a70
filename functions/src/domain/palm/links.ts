import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Change } from "./changes.ts";
import type { Palm } from "./palm.ts";
import type { DataKey } from "./sealing.ts";

/** The purpose of the secret that binds palms to members (docs/adr/0017-the-link-from-palm-to-member.md). */
const LINKS = "palmgate: links from palms to members";

/** Why a stored document is refused. */
export type LinkFault = "no_mac" | "wrong_mac";

type PalmLink = Omit<Palm, "mac" | "samples" | "quality" | "created_at">;
type ChangeLink = Pick<Change, "seq" | "palm_id" | "project_id" | "hand"> & { template: Uint8Array };

/**
 * Binds what decides whose palm it is: HMAC-SHA256 with a key that follows from the environment's data key. Whoever can
 * edit the database but has no key of `TEMPLATE_KEYS` can neither move a palm to another member nor make up a row of the
 * gallery.
 */
export class Links {
  readonly #environment_id: string;
  readonly #key: Uint8Array;
  /** Whether documents without a MAC are refused: the environment was created or migrated that way. */
  readonly required: boolean;

  constructor(environment_id: string, key: Pick<DataKey, "derive">, { required }: { required: boolean }) {
    this.#environment_id = environment_id;
    this.#key = key.derive(LINKS);
    this.required = required;
  }

  ofPalm({
    environment_id,
    id,
    project_id,
    member_id,
    hand,
    seq,
    object,
    template_format,
  }: PalmLink): Uint8Array {
    return this.#mac([
      ...["palm.v1", environment_id, id, project_id, member_id],
      ...[hand, seq, object, template_format],
    ]);
  }

  /** Of a `put`; a `remove` is not bound, for the functions that erase palms have no key. */
  ofPut({ seq, palm_id, project_id, hand, template }: ChangeLink): Uint8Array {
    const hash = createHash("sha256").update(template).digest("hex");
    return this.#mac(["put.v1", this.#environment_id, seq, palm_id, project_id, hand, hash]);
  }

  /** Why a palm document must not count; undefined when it may. */
  faultOfPalm(palm: PalmLink & Pick<Palm, "mac">): LinkFault | undefined {
    return palm.mac ? this.#compare(palm.mac, this.ofPalm(palm)) : this.#without();
  }

  /** Why a `put` of the log must not count; undefined when it may. */
  faultOfPut(put: ChangeLink & Pick<Change, "mac">): LinkFault | undefined {
    return put.mac ? this.#compare(put.mac, this.ofPut(put)) : this.#without();
  }

  #without = (): LinkFault | undefined => (this.required ? "no_mac" : undefined);

  #compare(mac: Uint8Array, expected: Uint8Array): LinkFault | undefined {
    return mac.length === expected.length && timingSafeEqual(mac, expected) ? undefined : "wrong_mac";
  }

  /** JSON of a flat list: strings are quoted, null is not "null", so different lists have different texts. */
  #mac(fields: readonly (string | number | null)[]): Uint8Array {
    return new Uint8Array(createHmac("sha256", this.#key).update(JSON.stringify(fields)).digest());
  }
}
