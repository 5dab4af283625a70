import assert from "node:assert/strict";
import { decodeTemplate, NO_VOTE, packCells, unpackCells } from "../../../functions/src/palm/codec.ts";
import {
  compareTemplates,
  extractTemplate,
  fuseTemplates,
  readTemplate,
} from "../../../functions/src/palm/index.ts";
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
