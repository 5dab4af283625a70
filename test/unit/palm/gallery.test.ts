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
  type PalmErrorCode,
  type SearchOptions,
  type TemplateFormat,
  VECTOR_512,
} from "../../../functions/src/palm/index.ts";
import { newChance } from "../../support/chance.ts";
import { syntheticPalm } from "../../support/palms.ts";
import { floatBytes, int8Bytes, syntheticVector } from "../../support/vectors.ts";

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
const random = newChance(1);
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

const SECRET = new TextEncoder().encode("a secret");
const wire = (seed: number, sample = 0) => floatBytes(syntheticVector({ seed, sample }));

/** Templates of both formats for the model below: 12 of which the last 3 are the first ones again. */
const MODELS: Record<TemplateFormat, { templates: Uint8Array[]; error: number }> = {
  [PALM_CODE]: {
    templates: Array.from({ length: 12 }, (_, i) =>
      encodeTemplate({
        hand: "unknown",
        quality: 50,
        samples: 1,
        planes: packCells(Uint8Array.from({ length: 1024 }, (_, c) => Math.imul(c + 1, 2 * (i % 9) + 3) % 6)),
      }),
    ),
    error: 0,
  },
  [VECTOR_512]: {
    templates: Array.from({ length: 12 }, (_, i) => {
      const vector = syntheticVector({ seed: i % 3, sample: i % 9 });
      return i % 2 ? floatBytes(vector) : int8Bytes(vector);
    }),
    // Rows are rounded to int8, the oracle's are not.
    error: 0.003,
  },
};

for (const [format, { templates, error }] of Object.entries(MODELS) as [
  TemplateFormat,
  (typeof MODELS)[TemplateFormat],
][]) {
  describe(`A gallery of ${format}`, () => {
    /** The oracle's palms in the oracle's order, as far as scores are more than the error apart. */
    const agrees = (found: Candidate[], all: Candidate[], k: number) => {
      const expected = all.slice(0, k);
      if (error === 0) return assert.deepEqual(found, expected);
      assert.equal(found.length, expected.length);
      found.forEach(({ score, ...palm }, i) => {
        const { score: exact = -1, ...same } = all.find(({ palm_id }) => palm_id === palm.palm_id) ?? {};
        assert.deepEqual(palm, same);
        for (const other of [exact, expected[i]?.score ?? -1]) assert.ok(Math.abs(score - other) <= error);
        const next = found[i + 1];
        if (next === undefined) return;
        assert.ok(score > next.score || (score === next.score && palm.palm_id < next.palm_id));
      });
    };

    it("agrees with a naive one after any additions, replacements and removals", () => {
      const id = fc.constantFrom(..."abcdefghij");
      const project = fc.constantFrom("p", "q", null);
      const hand = fc.constantFrom<Hand[]>("left", "right", "unknown");
      const which = fc.nat(templates.length - 1);
      const operation = fc.oneof(
        { weight: 4, arbitrary: fc.record({ add: id, project, hand, which, stored: fc.boolean() }) },
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
        {
          weight: 1,
          arbitrary: fc.record({
            palm_ids: fc.array(id),
            project: fc.option(project, { nil: undefined }),
            hand: fc.option(hand, { nil: undefined }),
            which,
          }),
        },
      );
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
          const gallery = new Gallery({ format, rotation: SECRET });
          const rows = new Map<string, Enrolment>();
          for (const step of operations) {
            if ("add" in step) {
              const template = templates[step.which] as Uint8Array;
              const row = enrolment(step.add, template, {
                project_id: step.project,
                member_id: `m-${step.add}`,
                hand: step.hand,
              });
              const stored = () => gallery.protect({ template, hand: step.hand, samples: 1 });
              gallery.add(step.stored ? { ...row, template: stored() } : row);
              rows.set(step.add, row);
            } else if ("remove" in step) {
              assert.equal(gallery.remove(step.remove), rows.delete(step.remove));
            } else if ("palm_ids" in step) {
              const probe = templates[step.which] as Uint8Array;
              const options = { project_id: step.project, hand: step.hand };
              const { claimed, others } = gallery.compareClaim(probe, step.palm_ids, { ...options, random });
              const isClaimed = ({ palm_id }: { palm_id: string }) => step.palm_ids.includes(palm_id);
              const ofHand = oracle(rows, probe, { hand: step.hand, k: Infinity });
              agrees(claimed, ofHand.filter(isClaimed), Infinity);
              const rest = oracle(rows, probe, { ...options, k: Infinity }).filter((row) => !isClaimed(row));
              assert.equal(others.count, rest.length);
              assert.ok(Math.abs(others.highest - (rest[0]?.score ?? 0)) <= error);
            } else {
              const options = { project_id: step.project, hand: step.hand, k: step.k };
              const probe = templates[step.which] as Uint8Array;
              const all = oracle(rows, probe, { ...options, k: Infinity });
              agrees(gallery.search(probe, options), all, step.k);
              assert.equal(gallery.count(options), all.length);
            }
            assert.equal(gallery.size, rows.size);
          }
        }),
        { numRuns: 100 },
      );
    });

    it("compares a claim with the palms of that claim, and with the others of the project", () => {
      const gallery = new Gallery({ format, rotation: SECRET });
      const probe = templates[0] as Uint8Array;
      for (const hand of ["left", "right", "unknown"] as const) {
        for (const i of [0, 1, 2]) {
          gallery.add(
            enrolment(`${hand}-${i}`, templates[i] as Uint8Array, { hand, project_id: "p", member_id: "m" }),
          );
        }
      }
      const all = gallery.search(probe, { k: Infinity });
      const ids = ["left-2", "right-0", "left-0", "nobody", "unknown-1", "left-0"];
      const isClaimed = ({ palm_id }: { palm_id: string }) => ids.includes(palm_id);
      const { claimed, others } = gallery.compareClaim(probe, ids, { project_id: "p", random });
      assert.deepEqual(claimed, all.filter(isClaimed));
      const rest = all.filter((row) => !isClaimed(row));
      assert.deepEqual(others, { count: 5, highest: rest[0]?.score });
      const left = gallery.compareClaim(probe, ids, { hand: "left", random });
      assert.deepEqual(
        left.claimed,
        all.filter((row) => isClaimed(row) && row.hand !== "right"),
      );
      assert.equal(left.others.count, 3);
      const elsewhere = gallery.compareClaim(probe, ["left-0"], { project_id: "q", random });
      assert.deepEqual([elsewhere.claimed.length, elsewhere.others], [1, { count: 0, highest: 0 }]);
      gallery.remove("left-0");
      assert.deepEqual(gallery.compareClaim(probe, ["left-0"], { random }).claimed, []);
      assert.deepEqual(gallery.compareClaim(probe, [], { random }).claimed, []);
    });

    it("compares a claim with 500 of many palms, chosen at random", () => {
      const gallery = new Gallery({ format, rotation: SECRET });
      const [probe, other] = templates as [Uint8Array, Uint8Array];
      for (let i = 0; i < 1000; i++) gallery.add(enrolment(`${i}`, i === 700 ? probe : other));
      const chance = newChance(1);
      let met = 0;
      for (let i = 0; i < 20; i++) {
        const { others } = gallery.compareClaim(probe, ["0"], { random: chance });
        assert.equal(others.count, 500);
        if (others.highest > 0.9) met++;
      }
      assert.ok(met > 4 && met < 16, `the one alike was among them ${met} times of 20`);
    });

    it("refuses templates of another format and broken ones, and stays as it was", () => {
      const gallery = new Gallery({ format, rotation: SECRET });
      const [sound] = templates as [Uint8Array];
      gallery.add(enrolment("a", sound));
      const before = gallery.search(sound);
      const refuses = (code: PalmErrorCode, bytes: Uint8Array) => {
        for (const act of [
          () => gallery.add(enrolment("a", bytes)),
          () => gallery.add(enrolment("b", bytes)),
          () => gallery.search(bytes),
          () => gallery.compareClaim(bytes, ["a"], { random }),
          () => gallery.protect({ template: bytes, hand: "left", samples: 1 }),
        ]) {
          assert.throws(act, (error) => error instanceof PalmError && error.code === code);
        }
      };
      for (const [other, { templates }] of Object.entries(MODELS)) {
        if (other === format) continue;
        for (const bytes of templates) refuses("template_mismatch", bytes);
      }
      if (format === PALM_CODE) {
        const vectors = new Gallery({ format: VECTOR_512 });
        refuses("template_mismatch", vectors.protect({ template: wire(1), hand: "left", samples: 1 }));
      }
      refuses("invalid_template", new Uint8Array(512));
      refuses("invalid_template", new Uint8Array(528));
      refuses("invalid_template", template(1).with(100, (template(1)[100] as number) ^ 1));
      assert.equal(gallery.size, 1);
      assert.deepEqual(gallery.search(sound), before);
    });
  });
}

describe("A gallery of vectors", () => {
  const filled = (rotation: Uint8Array | undefined, seeds: number) => {
    const gallery = new Gallery({ format: VECTOR_512, rotation });
    for (let seed = 0; seed < seeds; seed++) gallery.add(enrolment(`${seed}`, wire(seed)));
    return gallery;
  };

  it("finds the palm that exact cosines find, and scores it within 0.003, rotated or not", () => {
    const wires = Array.from({ length: 300 }, (_, seed) => wire(seed));
    for (const rotation of [SECRET, undefined]) {
      const gallery = filled(rotation, wires.length);
      for (let seed = 0; seed < 20; seed++) {
        for (const probe of [wire(seed, 1), wire(seed + 5000)]) {
          const exact = wires.map((bytes) => compareTemplates(probe, bytes));
          const [best] = gallery.search(probe, { k: 1 });
          // Among strangers two may be nearer to one another than int8 tells.
          assert.ok((exact[Number(best?.palm_id)] as number) > Math.max(...exact) - 0.003);
          assert.ok(Math.abs((best?.score ?? 0) - Math.max(...exact)) < 0.003);
        }
        assert.equal(gallery.search(wire(seed, 1), { k: 1 })[0]?.palm_id, `${seed}`);
      }
    }
  });

  it("gives the same scores for a vector added as protected and as it came", () => {
    const [direct, stored] = [filled(SECRET, 20), new Gallery({ format: VECTOR_512, rotation: SECRET })];
    const elsewhere = new Gallery({ format: VECTOR_512, rotation: SECRET });
    for (let seed = 0; seed < 20; seed++) {
      const template = elsewhere.protect({ template: wire(seed), hand: "right", samples: 3 });
      stored.add(enrolment(`${seed}`, template));
    }
    for (let seed = 0; seed < 20; seed++) {
      assert.deepEqual(stored.search(wire(seed, 1), { k: 20 }), direct.search(wire(seed, 1), { k: 20 }));
    }
  });

  it("does not know a vector that another secret protected", () => {
    const gallery = new Gallery({ format: VECTOR_512, rotation: SECRET });
    const other = new Gallery({ format: VECTOR_512, rotation: Uint8Array.of(1) });
    const template = other.protect({ template: wire(1), hand: "left", samples: 1 });
    gallery.add(enrolment("a", template));
    assert.ok((gallery.search(wire(1))[0]?.score ?? 1) < 0.2);
  });

  it("scores opposite vectors 0 and never above 1", () => {
    const gallery = filled(SECRET, 50);
    for (let seed = 0; seed < 50; seed++) {
      for (const sign of [1, -1]) {
        const probe = floatBytes(syntheticVector({ seed }).map((x) => sign * x));
        const score = gallery.compareClaim(probe, [`${seed}`], { random }).claimed[0]?.score ?? -1;
        assert.ok(sign > 0 ? score > 0.999 && score <= 1 : score === 0);
      }
    }
  });

  it("holds 516 bytes a palm", () => {
    assert.equal(filled(SECRET, 64).bytes, 64 * 516);
  });
});

describe("Gallery.protect", () => {
  it("leaves a palm code as it is", () => {
    assert.deepEqual(newGallery().protect({ template: template(1), hand: "right", samples: 4 }), template(1));
  });
});
