import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { Links } from "../../../functions/src/domain/palm/links.ts";
import type { Palm } from "../../../functions/src/domain/palm/palm.ts";
import { newRing, sealingOf } from "../../support/memory.ts";

const sealing = sealingOf(newRing("k1"));
const key = sealing.unwrap("e", sealing.newDataKey("e"));
const links = new Links("e", key, { required: true });

const palm: Omit<Palm, "mac"> = {
  ...{
    id: "p",
    environment_id: "e",
    project_id: "j",
    member_id: "m",
    hand: "left",
    template_format: "palm-code.v1",
  },
  ...{ samples: 3, quality: 90, seq: 7, object: "o", created_at: new Date(0) },
};
const put = { seq: 7, palm_id: "p", project_id: "j", hand: "left", template: randomBytes(50) } as const;

describe("The MAC of a palm's document and of a log entry", () => {
  it("holds for what it was made of, and for nothing else of what it binds", () => {
    const mac = links.ofPalm(palm);
    assert.equal(mac.length, 32);
    assert.equal(links.faultOfPalm({ ...palm, mac }), undefined);
    for (const edit of [
      { id: "q" },
      { environment_id: "f" },
      { project_id: "k" },
      { project_id: null },
      { member_id: "n" },
      { member_id: null },
      { member_id: "null" },
      { hand: "right" },
      { seq: 8 },
      { object: "x" },
      { template_format: "vector-512.v1" },
      // The same letters at other places.
      { id: "", environment_id: "ep" },
      { project_id: "m", member_id: "j" },
    ] as Partial<Palm>[]) {
      assert.equal(links.faultOfPalm({ ...palm, ...edit, mac }), "wrong_mac", JSON.stringify(edit));
    }
    const logged = links.ofPut(put);
    assert.equal(links.faultOfPut({ ...put, mac: logged }), undefined);
    for (const edit of [
      { seq: 8 },
      { palm_id: "q" },
      { project_id: null },
      { hand: "unknown" },
      { template: Buffer.from(put.template).fill(1, 3, 4) },
    ] as Partial<typeof put>[]) {
      assert.equal(links.faultOfPut({ ...put, ...edit, mac: logged }), "wrong_mac", JSON.stringify(edit));
    }
  });

  it("is another one for any two different lists of fields", () => {
    const text = fc.string({ unit: "binary", maxLength: 4 });
    const linked = fc.record({
      ...{ id: text, environment_id: text, object: text, seq: fc.nat() },
      ...{ project_id: fc.option(text), member_id: fc.option(text), hand: fc.constantFrom("left", "right") },
    });
    const made = (fields: object) => Buffer.from(links.ofPalm({ ...palm, ...fields })).toString("hex");
    fc.assert(
      fc.property(linked, linked, (one, other) => {
        fc.pre(!Object.is(JSON.stringify(one), JSON.stringify(other)));
        return made(one) !== made(other);
      }),
    );
  });

  it("is of one environment and of one kind of document", () => {
    const other = new Links("e", sealing.unwrap("e", sealing.newDataKey("e")), { required: true });
    assert.equal(other.faultOfPalm({ ...palm, mac: links.ofPalm(palm) }), "wrong_mac");
    const moved = new Links("f", key, { required: true });
    assert.equal(moved.faultOfPut({ ...put, mac: links.ofPut(put) }), "wrong_mac");
    assert.equal(links.faultOfPalm({ ...palm, mac: links.ofPut(put) }), "wrong_mac");
    for (const mac of [new Uint8Array(), new Uint8Array(32), links.ofPalm(palm).subarray(1)]) {
      assert.equal(links.faultOfPalm({ ...palm, mac }), "wrong_mac");
    }
  });

  it("may be missing only where it is not required", () => {
    const lenient = new Links("e", key, { required: false });
    assert.equal(links.faultOfPalm({ ...palm, mac: null }), "no_mac");
    assert.equal(links.faultOfPut({ ...put, mac: null }), "no_mac");
    assert.equal(lenient.faultOfPalm({ ...palm, mac: null }), undefined);
    assert.equal(lenient.faultOfPut({ ...put, mac: null }), undefined);
    assert.equal(lenient.faultOfPalm({ ...palm, member_id: "n", mac: links.ofPalm(palm) }), "wrong_mac");
  });
});
