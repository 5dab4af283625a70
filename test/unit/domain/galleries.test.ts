import assert from "node:assert/strict";
import type { Change, Changes, Manifest } from "../../../functions/src/domain/palm/changes.ts";
import { Galleries } from "../../../functions/src/domain/palm/galleries.ts";
import type { Sealing } from "../../../functions/src/domain/palm/sealing.ts";
import { extractTemplate } from "../../../functions/src/palm/index.ts";
import { syntheticPalm } from "../../support/palms.ts";
import { testSurroundings } from "../../support/surroundings.ts";

const { template } = extractTemplate(syntheticPalm({ seed: 1 }), { hand: "left" });

const sealing: Sealing = {
  kids: ["k"],
  newDataKey: () => ({ kid: "k", sealed: Uint8Array.of(1) }),
  unwrap(_environment, { kid }) {
    if (kid !== "k" && kid !== "sealed") throw new Error(`no key ${kid}`);
    const derive = () => Uint8Array.of(1);
    return { seal: (plain) => plain, open: (sealed) => sealed, derive, linksSealed: kid === "sealed" };
  },
  markLinksSealed: (_environment, key) => key,
  rewrap: (_environment, key) => key,
};

const { log: silent } = testSurroundings();

const home = (id: string) => ({ id, template_format: "palm-code.v1" }) as const;

/** A log in memory whose next reads can be held back. */
function newLog() {
  const entries: Change[] = [];
  let manifest: Manifest = { wrapped_key: sealing.newDataKey("e") };
  let gate: Promise<void> = Promise.resolve();
  const changes = {
    async readAfter(_environment: string, seq: number, limit: number) {
      const more = entries.length - seq >= limit;
      const answer = { manifest, changes: entries.slice(seq, seq + limit), malformed: [], more };
      await gate;
      return answer;
    },
  } as unknown as Changes;
  return {
    ports: { changes, log: silent },
    galleries: new Galleries({ changes, sealing, log: silent }, 2 ** 30),
    append(palm_id: string) {
      const seq = entries.length + 1;
      const put = { seq, op: "put", palm_id, project_id: "p", hand: "left", template } as const;
      entries.push({ ...put, at: new Date(0), mac: null });
    },
    break(seq: number) {
      const put = entries[seq - 1] as Change;
      entries[seq - 1] = { ...put, mac: new Uint8Array(32) };
    },
    seal() {
      manifest = { wrapped_key: { kid: "sealed", sealed: Uint8Array.of(3) } };
    },
    unseal() {
      manifest = { wrapped_key: sealing.newDataKey("e") };
    },
    rotate() {
      manifest = { wrapped_key: { kid: "unknown", sealed: Uint8Array.of(2) } };
    },
    destroy() {
      manifest = { wrapped_key: null };
    },
    hold() {
      const held = Promise.withResolvers<void>();
      gate = held.promise;
      return held.resolve;
    },
    release() {
      gate = Promise.resolve();
    },
  };
}

describe("A live gallery", () => {
  it("counts each change once, however many reads bring it", async () => {
    const log = newLog();
    const live = log.galleries.open(home("e"));
    log.append("a");
    log.append("b");
    await Promise.all(Array.from({ length: 10 }, () => live.sync()));
    assert.deepEqual({ size: live.rows.size, seq: live.seq }, { size: 2, seq: 2 });
    log.append("a");
    await live.sync();
    assert.deepEqual({ size: live.rows.size, seq: live.seq }, { size: 2, seq: 3 });
  });

  it("is expired for all once the key is destroyed, a read under way included", async () => {
    const log = newLog();
    const live = log.galleries.open(home("e"));
    log.append("a");
    await live.sync();
    log.append("b");
    const goOn = log.hold();
    const late = live.sync();
    log.release();
    log.destroy();
    await assert.rejects(live.sync(), { code: "expired" });
    goOn();
    await assert.rejects(late, { code: "expired" });
    assert.throws(() => live.rows, { code: "expired" });
    await assert.rejects(live.sync(), { code: "expired" });
  });

  it("follows its log through a rotation, though its keyring does not have the new master key", async () => {
    const log = newLog();
    const live = log.galleries.open(home("e"));
    log.append("a");
    const key = await live.sync();
    log.rotate();
    log.append("b");
    assert.equal(await live.sync(), key);
    assert.equal(live.rows.size, 2);
    await assert.rejects(
      new Galleries({ ...log.ports, sealing }, 1).open(home("e")).sync(),
      /no key unknown/,
    );
  });

  it("skips entries that were edited, counts them, and logs each once, however often the log is read", async () => {
    const { log: logger, logged } = testSurroundings();
    const log = newLog();
    for (const palm_id of ["a", "b", "c"]) log.append(palm_id);
    log.break(2);
    const galleries = new Galleries({ ...log.ports, sealing, log: logger }, 1);
    for (let round = 0; round < 3; round++) {
      const live = galleries.open(home("e"));
      await live.sync();
      assert.deepEqual({ size: live.rows.size, seq: live.seq }, { size: 2, seq: 3 });
      assert.deepEqual(live.skipped, { count: 1, first: [{ seq: 2, fault: "wrong_mac" }] });
      // Another one takes its place in memory.
      await galleries.open(home(`other ${round}`)).sync();
    }
    const reports = logged.filter((line) => line.includes('"environment_id":"e"'));
    assert.deepEqual(reports, [
      'error skipping a gallery log entry {"environment_id":"e","seq":2,"fault":"wrong_mac"}',
    ]);
  });

  it("refuses what is not bound as soon as the environment is sealed, for as long as the instance lives", async () => {
    const log = newLog();
    const galleries = new Galleries({ ...log.ports, sealing }, 1);
    const live = galleries.open(home("e"));
    log.append("a");
    const key = await live.sync();
    assert.equal(live.links.required, false);
    log.rotate();
    await live.sync();
    assert.equal(live.links.required, false);
    log.seal();
    log.append("b");
    assert.equal(await live.sync(), key);
    assert.equal(live.links.required, true);
    assert.deepEqual([live.rows.size, live.skipped.first], [1, [{ seq: 2, fault: "no_mac" }]]);
    log.unseal();
    log.append("c");
    await live.sync();
    assert.deepEqual([live.links.required, live.rows.size, live.skipped.count], [true, 1, 2]);
    // Another gallery takes its place in memory, and it is read once more, with the older key.
    await galleries.open(home("other")).sync();
    const again = galleries.open(home("e"));
    await again.sync();
    assert.notEqual(again, live);
    assert.equal(again.links.required, true);
  });

  it("does not read for ever where a page has no change in it", async () => {
    const changes = {
      readAfter: async () => ({
        manifest: { wrapped_key: sealing.newDataKey("e") },
        ...{ changes: [], malformed: [], more: true },
      }),
    } as unknown as Changes;
    const live = new Galleries({ changes, sealing, log: silent }, 1).open(home("e"));
    await assert.rejects(live.sync(), /a page without a change/);
  });

  it("leaves memory when others need it, the least recently used first", async () => {
    const log = newLog();
    log.append("a");
    const small = new Galleries(
      {
        changes: {
          readAfter: async () => ({
            manifest: { wrapped_key: sealing.newDataKey("e") },
            changes: [],
            malformed: [],
            more: false,
          }),
        } as unknown as Changes,
        sealing,
        log: silent,
      },
      1,
    );
    const first = small.open(home("one"));
    await first.sync();
    assert.equal(small.open(home("one")), first);
    await small.open(home("two")).sync();
    assert.notEqual(small.open(home("one")), first);
  });

  it("stays when it is followed, however early it was opened", async () => {
    const log = newLog();
    log.append("a");
    const ports = { ...log.ports, sealing };
    const one = new Galleries(ports, 1).open(home("e"));
    await one.sync();
    const galleries = new Galleries(ports, 2.5 * one.bytes);
    const used = galleries.open(home("e"));
    await used.sync();
    await galleries.open(home("idle")).sync();
    await galleries.followKnown("e")?.synced;
    await galleries.open(home("third")).sync();
    galleries.followKnown("third");
    assert.equal(galleries.followKnown("e")?.live, used);
    assert.equal(galleries.followKnown("idle"), undefined);
  });

  it("starts anew when its first read fails", async () => {
    const log = newLog();
    log.append("a");
    let fails = true;
    const flaky = {
      async readAfter(...args: Parameters<Changes["readAfter"]>) {
        if (fails) throw new Error("down");
        return source.readAfter(...args);
      },
    } as Changes;
    const source = {
      readAfter: async () => ({
        manifest: { wrapped_key: sealing.newDataKey("e") },
        changes: [],
        malformed: [],
        more: false,
      }),
    } as unknown as Changes;
    const live = new Galleries({ changes: flaky, sealing, log: silent }, 1).open(home("e"));
    await assert.rejects(live.sync(), /down/);
    fails = false;
    await live.sync();
  });
});
