import type { Extracted, Picture } from "../../domain/palm/extraction.ts";
import type { HandFinder } from "../../palm/hand/index.ts";
import {
  decodeImage,
  decodePhoto,
  extractProbe,
  extractTemplate,
  type GrayImage,
  type Hand,
} from "../../palm/index.ts";

/** What to extract, and how. */
export interface Task {
  picture: Picture;
  hand: Hand;
  poses: boolean;
}

/**
 * Reads a picture of a palm's region, or finds the palm in a photograph.
 * @throws PalmError `invalid_image`, `too_large`, and of a photograph `no_hand`, `hand_mismatch`
 */
export async function extract({ picture, hand, poses }: Task): Promise<Extracted> {
  const read = await (picture.kind === "photo"
    ? readPhoto(picture.bytes, hand)
    : readRegion(picture.bytes, hand));
  return { ...(poses ? extractProbe : extractTemplate)(read.region, read), hand: read.hand };
}

interface Region {
  region: GrayImage;
  hand: Hand;
}

const readRegion = async (bytes: Uint8Array, hand: Hand): Promise<Region> => ({
  region: await decodeImage(bytes),
  hand,
});

async function readPhoto(bytes: Uint8Array, said: Hand): Promise<Region> {
  // Loaded with the first photograph: the weights take memory and 0.2 s.
  const { findPalm, PHOTO_SIDE } = await import("../../palm/hand/index.ts");
  const photo = await decodePhoto(bytes, { targetSide: PHOTO_SIDE });
  return findPalm(photo, { finder: await handFinder(), said });
}

let finder: Promise<HandFinder> | undefined;

function handFinder(): Promise<HandFinder> {
  finder ??= openFinder();
  return finder;
}

async function openFinder(): Promise<HandFinder> {
  const [{ openHandFinder }, { readHandModels }] = await Promise.all([
    import("../../palm/hand/index.ts"),
    import("./handModels.ts"),
  ]);
  return openHandFinder(readHandModels());
}
