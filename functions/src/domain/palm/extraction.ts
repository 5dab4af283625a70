import type { Hand } from "../../palm/index.ts";

/** What a picture becomes; `quality` is 0..100, `poses` are there if they were asked for. */
export interface Extracted {
  template: Uint8Array;
  quality: number;
  poses?: Uint8Array[];
}

/** Turns pictures into templates, off the thread that serves requests. */
export interface Extraction {
  /**
   * Decodes a picture and extracts its template. Owners who wait are served in turn, one picture at a time, so that
   * many pictures of one do not delay the others' (docs/adr/0015-requests-reach-us-unread.md).
   * @param input.poses whether the picture's templates in other poses are wanted, too
   * @param input.owner whose picture it is: the id of an organization
   * @throws PalmError `invalid_image`, `too_large`
   * @throws DomainError `unavailable` when the extraction crashed or took over 10 s
   */
  extract(input: { image: Uint8Array; hand: Hand; owner: string; poses: boolean }): Promise<Extracted>;
}
