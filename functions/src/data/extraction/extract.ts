import type { Extracted, Picture } from "../../domain/palm/extraction.ts";
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

let photoReader: ReturnType<typeof openPhotoReader> | undefined;

async function readPhoto(bytes: Uint8Array, said: Hand): Promise<Region> {
  // Opened with the first photograph: the weights take memory and 0.2 s.
  photoReader ??= openPhotoReader();
  return (await photoReader)(bytes, said);
}

/** @returns a function that finds the palm in a photograph, see `findPalm` */
export async function openPhotoReader(): Promise<(bytes: Uint8Array, said: Hand) => Promise<Region>> {
  const [{ findPalm, openHandFinder, PHOTO_SIDE }, { readHandModels }] = await Promise.all([
    import("../../palm/hand/index.ts"),
    import("./handModels.ts"),
  ]);
  const finder = openHandFinder(readHandModels());
  return async (bytes, said) =>
    findPalm(await decodePhoto(bytes, { targetSide: PHOTO_SIDE }), { finder, said });
}
