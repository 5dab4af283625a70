import type { Hand } from "../../palm/index.ts";

/** A picture of a palm's region (`image`), or a photograph of a whole hand. */
export interface Picture {
  kind: "image" | "photo";
  bytes: Uint8Array;
}

/** What a picture becomes. */
export interface Extracted {
  template: Uint8Array;
  /** 0..100 */
  quality: number;
  /** The hand that was said; where none was, the one that a photograph shows. */
  hand: Hand;
  /** If they were asked for. */
  poses?: Uint8Array[];
}

/** Turns pictures into templates, off the thread that serves requests. */
export interface Extraction {
  /**
   * Decodes a picture and extracts its template. Owners who wait are served in turn, one picture at a time, so that
   * many pictures of one do not delay the others' (docs/adr/0015-requests-reach-us-unread.md).
   * @param input.hand the hand that it is said to be
   * @param input.poses whether the picture's templates in other poses are wanted, too
   * @param input.owner whose picture it is: the id of an organization
   * @param input.signal aborted when the sender disconnects: a picture that waits then is dropped
   * @throws PalmError `invalid_image`, `too_large`; of a photograph `no_hand`, `hand_mismatch`
   * @throws DomainError `unavailable` when the extraction crashed or took over 10 s, or too many pictures of the owner wait
   */
  extract(input: {
    picture: Picture;
    hand: Hand;
    owner: string;
    poses: boolean;
    signal?: AbortSignal | undefined;
  }): Promise<Extracted>;
}
