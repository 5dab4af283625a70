/** The master palm: an attack on 1:1 verification for tests and benches. */
import {
  encodeTemplate,
  GRID,
  type Hand,
  NO_VOTE,
  ORIENTATION_CODES,
  type Planes,
  packCells,
  unpackCells,
} from "../../functions/src/palm/codec.ts";

/**
 * Builds a template that resembles as many palms as possible: each cell takes the orientation of the majority
 * of other people's codes, and only the cells with the largest majorities vote. All palms share three large
 * creases, so such a template can be accepted as a member whose palm the attacker has never seen.
 *
 * The same idea is known from fingerprints (Roy, Memon & Ross, "MasterPrint", IEEE TIFS 12, 2017); the
 * majority vote is the simplest version of it and needs no score from the attacked system.
 *
 * @param palms codes of other people's palms, one for each palm
 * @param cells how many cells vote, of 1,024. Fewer cells have larger majorities, but a comparison with fewer
 *   than `MIN_OVERLAP` joint cells scores 0.
 * @returns the bytes of a template. Equal majorities prefer the lower orientation and the earlier cell.
 */
export function masterPalm(palms: readonly Planes[], cells: number, hand: Hand = "unknown"): Uint8Array {
  const counts = Array.from({ length: GRID * GRID }, () => ORIENTATION_CODES.map(() => 0));
  for (const planes of palms) {
    unpackCells(planes).forEach((orientation, cell) => {
      const count = counts[cell] as number[];
      if (orientation !== NO_VOTE) count[orientation] = (count[orientation] as number) + 1;
    });
  }
  const majorities = counts.map((count, cell) => {
    const votes = Math.max(...count);
    return { cell, votes, orientation: count.indexOf(votes) };
  });
  majorities.sort((a, b) => b.votes - a.votes || a.cell - b.cell);

  const master = new Uint8Array(GRID * GRID).fill(NO_VOTE);
  for (const { cell, orientation } of majorities.slice(0, cells)) master[cell] = orientation;
  return encodeTemplate({ hand, quality: 100, samples: 1, planes: packCells(master) });
}
