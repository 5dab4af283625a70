import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  decodeTemplate,
  encodeTemplate,
  GRID,
  NO_VOTE,
  packCells,
  unpackCells,
} from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  PalmError,
  readTemplate,
} from "../../../functions/src/palm/index.ts";
import { MIN_OVERLAP, MIN_QUARTER, Probe, REACH } from "../../../functions/src/palm/match.ts";
import { PALM_SIDE, syntheticPalm } from "../../support/palms.ts";

const template = (seed: number, sample = 0) =>
  extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template;
const encode = (cells: Uint8Array) =>
  encodeTemplate({ hand: "left", quality: 50, samples: 1, planes: packCells(cells) });

/** Arbitrary codes of which some share votes, from two numbers so that a counterexample can be read. */
const arbitraryCells = fc
  .record({ seed: fc.integer(), voting: fc.integer({ min: 30, max: 100 }) })
  .map(({ seed, voting }) =>
    Uint8Array.from({ length: 1024 }, (_, i) => {
      const hash = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ seed, 0x85ebca6b) >>> 8;
      return (hash >>> 4) % 100 < voting ? hash % 6 : NO_VOTE;
    }),
  );

/** The definition, cell by cell. */
function naive(a: Uint8Array, b: Uint8Array): number {
  const tally = (dx: number, dy: number) => {
    const quarters = Array.from({ length: 4 }, () => ({ distance: 0, cells: 0 }));
    for (let i = 0; i < 1024; i++) {
      const [row, column] = [i >> 5, i & 31];
      if (row + dy < 0 || row + dy >= GRID || column + dx < 0 || column + dx >= GRID) continue;
      const [mine, other] = [a[i] as number, b[i + GRID * dy + dx] as number];
      if (mine === NO_VOTE || other === NO_VOTE) continue;
      const quarter = quarters[(2 * row + dy < GRID ? 0 : 2) + (2 * column + dx < GRID ? 0 : 1)];
      if (quarter === undefined) continue;
      quarter.cells++;
      quarter.distance += Math.min(Math.abs(mine - other), 6 - Math.abs(mine - other));
    }
    return quarters.map(({ distance, cells }) =>
      cells < MIN_QUARTER ? { mean: Infinity, cells: 0 } : { mean: distance / cells, cells },
    );
  };
  const span = Array.from({ length: 2 * REACH + 1 }, (_, i) => i - REACH);
  const tallies = new Map(span.flatMap((dy) => span.map((dx) => [`${dx} ${dy}`, tally(dx, dy)] as const)));
  let best = 0;
  for (const dy of span) {
    for (const dx of span) {
      let [distance, cells] = [0, 0];
      (tallies.get(`${dx} ${dy}`) ?? []).forEach((quarter, q) => {
        if (quarter.cells === 0) return;
        const around = [-1, 0, 1].flatMap((y) =>
          [-1, 0, 1].map((x) => tallies.get(`${dx + x} ${dy + y}`)?.[q]?.mean ?? Infinity),
        );
        distance += quarter.cells * Math.min(...around);
        cells += quarter.cells;
      });
      if (cells < MIN_OVERLAP) continue;
      best = Math.max(best, 0.58 + (1 - distance / cells / 3 - 0.58) * Math.sqrt(cells / 950));
    }
  }
  return Math.min(1, best);
}

describe("compareTemplates", () => {
  it("is what the definition says", () => {
    fc.assert(
      fc.property(arbitraryCells, arbitraryCells, (a, b) =>
        assert.equal(compareTemplates(encode(a), encode(b)), naive(a, b)),
      ),
      { numRuns: 40 },
    );
    for (const [a, b] of [
      [template(1), template(1, 1)],
      [template(1), template(2)],
    ] as const) {
      const score = naive(unpackCells(decodeTemplate(a).planes), unpackCells(decodeTemplate(b).planes));
      assert.ok(Math.abs(compareTemplates(a, b) - score) < 1e-12);
    }
  });

  it("is symmetric, reflexive and within 0..1", () => {
    fc.assert(
      fc.property(arbitraryCells, arbitraryCells, (a, b) => {
        const score = compareTemplates(encode(a), encode(b));
        assert.equal(compareTemplates(encode(b), encode(a)), score);
        assert.ok(score >= 0 && score <= 1);
        const voting = a.filter((cell) => cell !== NO_VOTE).length;
        if (voting >= 950) assert.equal(compareTemplates(encode(a), encode(a)), 1);
      }),
      { numRuns: 100 },
    );
    assert.equal(compareTemplates(template(1), template(2)), compareTemplates(template(2), template(1)));
    assert.equal(compareTemplates(template(1), template(1)), 1);
  });

  it("finds a palm that moved by up to five cells", () => {
    const whole = unpackCells(new Int32Array(128).fill(-1)).map(
      (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 16) % 6,
    );
    const moved = (dx: number, dy: number) =>
      whole.map((_, i) => whole[(GRID * ((i >> 5) - dy) + (i & 31) - dx + 4096) % 1024] as number);
    for (const [dx, dy] of [
      [0, 0],
      [3, -3],
      [-2, 1],
      [0, 5],
      [-5, 4],
    ] as const) {
      const probe = new Probe(packCells(whole), REACH, 0);
      // Quarters may move one cell more, so that the palms overlap by a row and a column more.
      const best = (give: number) => {
        const side = (shift: number) => GRID - Math.max(0, Math.abs(shift) - give);
        return Math.min(1, 0.58 + 0.42 * Math.sqrt((side(dx) * side(dy)) / 950));
      };
      assert.ok(Math.abs(probe.score(packCells(moved(dx, dy)), 0) - best(0)) < 1e-12);
      assert.deepEqual([probe.dx, probe.dy], [dx, dy]);
      assert.ok(Math.abs(compareTemplates(encode(whole), encode(moved(dx, dy))) - best(1)) < 1e-12);
    }
    assert.ok(compareTemplates(encode(whole), encode(moved(8, 8))) < 0.9);
  });

  it("finds a picture that moved by 12 px", () => {
    const { gray } = syntheticPalm({ seed: 7 });
    const window = (x0: number, y0: number) => {
      const side = PALM_SIDE - 13;
      const out = Uint8Array.from(
        { length: side * side },
        (_, i) => gray[(y0 + Math.floor(i / side)) * PALM_SIDE + x0 + (i % side)] as number,
      );
      return extractTemplate({ width: side, height: side, gray: out }, { hand: "left" }).template;
    };
    for (const [x, y] of [
      [12, 0],
      [0, 12],
      [8, 4],
    ] as const)
      assert.ok(compareTemplates(window(0, 0), window(x, y)) > 0.85);
  });

  it("answers 0 when too few cells vote in both", () => {
    const left = new Uint8Array(1024).map((_, i) => ((i & 31) < 14 ? 1 : NO_VOTE));
    const right = new Uint8Array(1024).map((_, i) => ((i & 31) < 14 ? NO_VOTE : 1));
    assert.equal(compareTemplates(encode(left), encode(right)), 0);
    const none = new Uint8Array(1024).fill(NO_VOTE);
    assert.equal(compareTemplates(encode(none), encode(none)), 0);
  });

  it("does not look at the hand", () => {
    const image = syntheticPalm({ seed: 1 });
    const [a, b] = [extractTemplate(image, { hand: "left" }), extractTemplate(image, { hand: "right" })];
    assert.notEqual(readTemplate(a.template).hand, readTemplate(b.template).hand);
    assert.equal(compareTemplates(a.template, b.template), 1);
  });

  it("refuses broken bytes and unlike formats", () => {
    const sound = template(1);
    const throws = (bytes: Uint8Array, code: string) => {
      for (const pair of [
        [sound, bytes],
        [bytes, sound],
      ] as const) {
        assert.throws(
          () => compareTemplates(...pair),
          (error) => error instanceof PalmError && error.code === code,
        );
      }
    };
    throws(sound.with(100, (sound[100] as number) ^ 1), "invalid_template");
    throws(new Uint8Array(512), "invalid_template");
    throws(otherFormat(sound), "template_mismatch");
  });
});

/** A template of the next format, sound as far as its envelope goes. */
function otherFormat(bytes: Uint8Array): Uint8Array {
  const other = bytes.with(4, 2);
  new DataView(other.buffer).setUint32(other.length - 4, crc32(other.subarray(0, -4)));
  return other;
}
