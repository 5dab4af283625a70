import assert from "node:assert/strict";
import { decodeTemplate, NO_VOTE, packCells, unpackCells } from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  decide,
  decideClaim,
  extractTemplate,
  fuseTemplates,
  Gallery,
  MARGIN,
  PALM_CODE,
  readTemplate,
  searchThreshold,
  TARGET_FPIR,
} from "../../../functions/src/palm/index.ts";
import { newChance } from "../../support/chance.ts";
import { masterPalm } from "../../support/masterPalm.ts";
import { syntheticPalm } from "../../support/palms.ts";

const code = (...orientations: number[]) =>
  packCells(Uint8Array.from({ length: 1024 }, (_, cell) => orientations[cell] ?? NO_VOTE));
const cellsOf = (template: Uint8Array) => unpackCells(decodeTemplate(template).planes);

describe("masterPalm", () => {
  it("takes the majority's orientation in the cells with the largest majorities", () => {
    const palms = [code(1, 2, 5, NO_VOTE), code(1, 3, 5, 4), code(1, 3, 0, NO_VOTE)];
    const first = (cells: number) => [...cellsOf(masterPalm(palms, cells)).slice(0, 5)];
    assert.deepEqual(first(3), [1, 3, 5, NO_VOTE, NO_VOTE]);
    assert.deepEqual(first(1), [1, NO_VOTE, NO_VOTE, NO_VOTE, NO_VOTE]);
  });

  it("is a sound template that resembles palms it was not made of", () => {
    const template = (seed: number, sample = 0) =>
      extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template;
    const strangers = Array.from({ length: 25 }, (_, i) => template(1 + i));
    const master = masterPalm(
      strangers.map((bytes) => decodeTemplate(bytes).planes),
      700,
      "left",
    );
    assert.deepEqual(readTemplate(master), {
      format: "palm-code.v1",
      hand: "left",
      quality: 100,
      samples: 1,
      votes: 700,
    });
    assert.equal(cellsOf(master).filter((cell) => cell !== NO_VOTE).length, 700);

    const members = Array.from({ length: 20 }, (_, i) => {
      return fuseTemplates([0, 1, 2].map((sample) => template(41 + i, sample))).template;
    });
    const accepted = (probe: Uint8Array) =>
      members.filter((member) => compareTemplates(probe, member) >= 0.66).length / members.length;
    const single = strangers.reduce((sum, stranger) => sum + accepted(stranger), 0) / strangers.length;
    assert.ok(accepted(master) >= 0.3 && single <= 0.2, `${accepted(master)}, ${single}`);
  });
});

describe("A master palm", () => {
  const MEMBERS = 60;
  const STRANGERS = [25, 50, 100, 200];
  const CELLS = [500, 600, 700, 850, 900, 1024];
  /** How verification decided before: by the score alone. */
  const FORMER_THRESHOLD = 0.66;
  const gallery = new Gallery({ format: PALM_CODE });
  const members: Uint8Array[] = [];
  let masters: Uint8Array[] = [];

  before(() => {
    const extract = (seed: number, sample: number) =>
      extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template;
    for (let i = 0; i < MEMBERS; i++) {
      const { template } = fuseTemplates([0, 1, 2].map((sample) => extract(141 + i, sample)));
      members.push(template);
      gallery.add({ palm_id: `${i}`, member_id: `${i}`, project_id: "p", hand: "left", template });
    }
    const codes = Array.from({ length: 200 }, (_, i) => decodeTemplate(extract(3000 + i, 0)).planes);
    masters = STRANGERS.flatMap((count) =>
      CELLS.map((cells) => masterPalm(codes.slice(0, count), cells, "left")),
    );
  });

  const policy = (gallery_size: number, compared: number) => ({
    threshold: searchThreshold({
      ...{ format: PALM_CODE, probe: "single", target_fpir: TARGET_FPIR, gallery_size, compared },
    }),
    margin: MARGIN,
  });

  it("opened verification when the score alone decided", () => {
    const opened = masters.map(
      (master) => members.filter((member) => compareTemplates(master, member) >= FORMER_THRESHOLD).length,
    );
    assert.ok(Math.max(...opened) >= 0.3 * MEMBERS, `${opened}`);
  });

  it("is accepted as no member by verification, and identified as none, even without the least number of votes", () => {
    for (const master of masters) {
      const { outcome } = decide(gallery.search(master), policy(MEMBERS, MEMBERS));
      assert.equal(outcome, "no_match");
      for (let i = 0; i < MEMBERS; i++) {
        const result = gallery.compareClaim(master, [`${i}`], { random: newChance(1) });
        assert.equal(decideClaim(result, policy(1, MEMBERS)), undefined, `member ${i}`);
      }
    }
  });
});
