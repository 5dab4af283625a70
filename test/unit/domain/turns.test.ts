import assert from "node:assert/strict";
import { Turns } from "../../../functions/src/domain/turns.ts";

/** Takes a turn, says so in `started`, and ends it at once. */
async function passThrough(turns: Turns, owner: string, started: string[]): Promise<void> {
  const end = await turns.take(owner);
  started.push(owner);
  end();
}

describe("Turns", () => {
  it("serve owners in turn, however much one of them wants", async () => {
    const turns = new Turns({ most: 1 });
    const started: string[] = [];
    await Promise.all(["a", "a", "a", "b", "b", "c"].map((owner) => passThrough(turns, owner, started)));
    assert.deepEqual(started, ["a", "a", "b", "c", "a", "b"]);
  });

  it("are never more than `most`, nor more than `mostOfOne` of one owner", async () => {
    const turns = new Turns({ most: 3, mostOfOne: 2 });
    const running: string[] = [];
    const ends = new Map<string, () => void>();
    for (const id of ["a1", "a2", "a3", "b1", "c1"]) {
      void turns.take(id.slice(0, 1)).then((end) => {
        running.push(id);
        ends.set(id, end);
      });
    }
    const settle = () => new Promise(setImmediate);
    await settle();
    assert.deepEqual(running, ["a1", "a2", "b1"]);
    ends.get("b1")?.();
    await settle();
    assert.deepEqual(running, ["a1", "a2", "b1", "c1"]);
    ends.get("a1")?.();
    await settle();
    assert.deepEqual(running, ["a1", "a2", "b1", "c1", "a3"]);
  });

  it("are not kept for those who have left, before and while they wait", async () => {
    const turns = new Turns({ most: 1 });
    const end = await turns.take("a");
    const gone = new AbortController();
    const started: string[] = [];
    const waiting = ["a", "b"].map((owner) => turns.take(owner, gone.signal));
    const other = passThrough(turns, "b", started);
    gone.abort();
    for (const take of [...waiting, turns.take("c", gone.signal)]) {
      await assert.rejects(take, { code: "invalid_request" });
    }
    end();
    await other;
    await passThrough(turns, "a", started);
    assert.deepEqual(started, ["b", "a"]);
  });

  it("are refused to an owner of whom too many wait, and to nobody else", async () => {
    const turns = new Turns({ most: 1, mostWaiting: 2 });
    const end = await turns.take("a");
    const started: string[] = [];
    const waiting = ["a", "a", "b"].map((owner) => passThrough(turns, owner, started));
    await assert.rejects(turns.take("a"), { code: "unavailable" });
    end();
    await Promise.all(waiting);
    assert.deepEqual(started, ["a", "b", "a"]);
  });

  it("forget owners who want nothing more", async () => {
    const turns = new Turns({ most: 1, mostOfOne: 1 });
    const started: string[] = [];
    for (const owner of ["a", "b", "a"]) await passThrough(turns, owner, started);
    assert.deepEqual(started, ["a", "b", "a"]);
  });
});
