import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeTemplate, type Hand, packCells } from "../../../functions/src/palm/codec.ts";
import {
  type Candidate,
  compareTemplates,
  type Enrolment,
  extractTemplate,
  Gallery,
  PALM_CODE,
  PalmError,
  type SearchOptions,
} from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";

function template(seed: number, sample = 0): Uint8Array {
  const key = `${seed} ${sample}`;
  const known =
    templates.get(key) ?? extractTemplate(syntheticPalm({ seed, sample }), { hand: "left" }).template;
  templates.set(key, known);
  return known;
}
const templates = new Map<string, Uint8Array>();

const enrolment = (palm_id: string, bytes: Uint8Array, rest: Partial<Enrolment> = {}): Enrolment => ({
  palm_id,
  project_id: null,
  member_id: null,
  hand: "left",
  ...rest,
  template: bytes,
});
const newGallery = () => new Gallery({ format: PALM_CODE });

/** Compares with every row, sorts everything. */
function oracle(
  rows: Map<string, Enrolment>,
  probe: Uint8Array,
  { project_id, hand = "unknown", k = 8 }: SearchOptions,
): Candidate[] {
  return [...rows.values()]
    .filter((row) => project_id === undefined || row.project_id === project_id)
    .filter((row) => hand === "unknown" || row.hand === "unknown" || row.hand === hand)
    .map(({ template, ...row }) => ({ ...row, score: compareTemplates(probe, template) }))
    .sort((a, b) => b.score - a.score || (a.palm_id < b.palm_id ? -1 : 1))
    .slice(0, k);
}

describe("Gallery", () => {
  it("finds a palm among others in another session", () => {
    const gallery = newGallery();
    for (let seed = 1; seed <= 30; seed++)
      gallery.add(enrolment(`palm-${seed}`, template(seed), { member_id: `member-${seed}` }));
    for (const seed of [1, 15, 30]) {
      const found = gallery.search(template(seed, 1), {});
      assert.equal(found.length, 8);
      assert.deepEqual(
        { ...found[0], score: 0 },
        { palm_id: `palm-${seed}`, project_id: null, member_id: `member-${seed}`, hand: "left", score: 0 },
      );
      assert.ok((found[0]?.score ?? 0) > (found[1]?.score ?? 1));
    }
  });

  it("agrees with a naive search after any additions, replacements and removals", () => {
    const templates = Array.from({ length: 12 }, (_, i) =>
      encodeTemplate({
        hand: "unknown",
        quality: 50,
        samples: 1,
        planes: packCells(Uint8Array.from({ length: 1024 }, (_, c) => Math.imul(c + 1, 2 * (i % 9) + 3) % 6)),
      }),
    );
    const id = fc.constantFrom(..."abcdefghij");
    const project = fc.constantFrom("p", "q", null);
    const hand = fc.constantFrom<Hand[]>("left", "right", "unknown");
    const which = fc.nat(templates.length - 1);
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ add: id, project, hand, which }) },
      { weight: 2, arbitrary: fc.record({ remove: id }) },
      {
        weight: 2,
        arbitrary: fc.record({
          project: fc.option(project, { nil: undefined }),
          hand: fc.option(hand, { nil: undefined }),
          k: fc.nat(6),
          which,
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const gallery = newGallery();
        const rows = new Map<string, Enrolment>();
        for (const step of operations) {
          if ("add" in step) {
            const row = enrolment(step.add, templates[step.which] as Uint8Array, {
              project_id: step.project,
              member_id: `m-${step.add}`,
              hand: step.hand,
            });
            gallery.add(row);
            rows.set(step.add, row);
          } else if ("remove" in step) assert.equal(gallery.remove(step.remove), rows.delete(step.remove));
          else {
            const options = { project_id: step.project, hand: step.hand, k: step.k };
            const probe = templates[step.which] as Uint8Array;
            assert.deepEqual(gallery.search(probe, options), oracle(rows, probe, options));
            assert.deepEqual(
              gallery.search(probe, { ...options, exhaustive: true }),
              oracle(rows, probe, options),
            );
            assert.equal(gallery.count(options), oracle(rows, probe, { ...options, k: Infinity }).length);
          }
          assert.equal(gallery.size, rows.size);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("searches a project's rows, nobody's, or all", () => {
    const gallery = newGallery();
    gallery.add(enrolment("a", template(1), { project_id: "p" }));
    gallery.add(enrolment("b", template(1), { project_id: "q" }));
    gallery.add(enrolment("c", template(1)));
    const ids = (options: SearchOptions) =>
      gallery.search(template(1), options).map(({ palm_id }) => palm_id);
    assert.deepEqual(ids({ project_id: "p" }), ["a"]);
    assert.deepEqual(ids({ project_id: null }), ["c"]);
    assert.deepEqual(ids({ project_id: "r" }), []);
    assert.deepEqual(ids({}), ["a", "b", "c"]);
    assert.equal(gallery.count({ project_id: "q" }), 1);
    assert.equal(gallery.count(), 3);
  });

  it("searches the same hand and hands unknown", () => {
    const gallery = newGallery();
    for (const hand of ["left", "right", "unknown"] as const)
      gallery.add(enrolment(hand, template(1), { hand }));
    const ids = (hand?: Hand) => gallery.search(template(1), { hand }).map(({ palm_id }) => palm_id);
    assert.deepEqual(ids("left"), ["left", "unknown"]);
    assert.deepEqual(ids("right"), ["right", "unknown"]);
    assert.deepEqual(ids("unknown"), ["left", "right", "unknown"]);
    assert.deepEqual(ids(), ["left", "right", "unknown"]);
  });

  it("replaces a palm that is there already", () => {
    const gallery = newGallery();
    gallery.add(enrolment("a", template(1), { project_id: "p" }));
    gallery.add(enrolment("a", template(2), { project_id: "q", member_id: "m" }));
    assert.equal(gallery.size, 1);
    assert.deepEqual(gallery.search(template(1), { project_id: "p" }), []);
    assert.deepEqual(gallery.search(template(2), {}), [
      { palm_id: "a", project_id: "q", member_id: "m", hand: "left", score: 1 },
    ]);
  });

  it("stays as it was when a template is broken", () => {
    const gallery = newGallery();
    gallery.add(enrolment("a", template(1)));
    const broken = template(2).with(99, 1).with(98, 3);
    assert.throws(() => gallery.add(enrolment("a", broken)), PalmError);
    assert.throws(() => gallery.search(broken, {}), PalmError);
    assert.equal(gallery.search(template(1))[0]?.score, 1);
  });

  it("holds 512 bytes of code a palm and gives the rows of removed ones to new ones", () => {
    const gallery = newGallery();
    for (let i = 0; i < 1024; i++) gallery.add(enrolment(`${i}`, template(1)));
    assert.equal(gallery.bytes, 1024 * 512);
    for (let i = 0; i < 500; i++) assert.equal(gallery.remove(`${i}`), true);
    for (let i = 0; i < 500; i++) gallery.add(enrolment(`new-${i}`, template(1)));
    assert.equal(gallery.bytes, 1024 * 512);
    assert.equal(gallery.size, 1024);
  });

  it("refuses a format it does not know", () => {
    assert.throws(
      () => new Gallery({ format: "opaque.v1" as typeof PALM_CODE }),
      (error) => error instanceof PalmError && error.code === "template_mismatch",
    );
  });
});
