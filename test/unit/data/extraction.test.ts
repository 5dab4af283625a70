import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ExtractionPool, extractionHere } from "../../../functions/src/data/extraction.ts";
import { DomainError } from "../../../functions/src/domain/errors.ts";
import { PalmError, readTemplate } from "../../../functions/src/palm/index.ts";
import { encodeJpeg } from "../../support/encodeJpeg.ts";
import { CHECKED_HANDS, notAHand, renderHand } from "../../support/hands.ts";
import { encodePng, syntheticPalm } from "../../support/palms.ts";
import { readCase } from "../../support/pictures.ts";

const picture = (seed: number): Uint8Array => encodePng(syntheticPalm({ seed }));

describe("The extraction pool", () => {
  let pool: ExtractionPool;
  const open = (options: ConstructorParameters<typeof ExtractionPool>[0]) => {
    pool = new ExtractionPool(options);
    return pool;
  };
  afterEach(() => pool.close());

  it("extracts the same templates as this thread does", async () => {
    open({ threads: 2 });
    const pictures = [...[1, 2, 3, 4].map(picture), readCase("jpeg-ycc.jpg")];
    const inputs = pictures.map((image, i) => ({
      ...{ picture: { kind: "image" as const, bytes: image }, hand: "left" as const },
      owner: String(i % 2),
      poses: i % 2 === 0,
    }));
    const extracted = await Promise.all(inputs.map((input) => pool.extract(input)));
    assert.deepEqual(extracted, await Promise.all(inputs.map((input) => extractionHere.extract(input))));
  });

  it("reads photographs as this thread does, and says what is wrong with them", async () => {
    open({ threads: 1 });
    const hand = renderHand(CHECKED_HANDS[1]);
    const photograph = { kind: "photo" as const, bytes: await encodeJpeg(hand) };
    const wall = { kind: "photo" as const, bytes: await encodeJpeg(notAHand("wall", 1)) };
    const input = { picture: photograph, hand: "unknown" as const, owner: "a", poses: true };
    const extracted = await pool.extract(input);
    assert.deepEqual(extracted, await extractionHere.extract(input));
    assert.deepEqual([extracted.hand, readTemplate(extracted.template).hand], ["right", "right"]);
    assert.equal(extracted.poses?.length, 6);
    await assert.rejects(pool.extract({ ...input, picture: wall }), { name: "PalmError", code: "no_hand" });
    await assert.rejects(pool.extract({ ...input, hand: "left" }), { code: "hand_mismatch" });
    await assert.rejects(
      pool.extract({ ...input, picture: { kind: "photo", bytes: picture(1).subarray(0, 99) } }),
      {
        code: "invalid_image",
      },
    );
  });

  it("says what is wrong with a picture", async () => {
    open({ threads: 1 });
    const error = await pool
      .extract({
        picture: { kind: "image", bytes: Uint8Array.of(1, 2, 3) },
        hand: "left",
        owner: "a",
        poses: false,
      })
      .catch((error: unknown) => error);
    assert.ok(error instanceof PalmError);
    assert.deepEqual([error.code, error.message], ["invalid_image", "The image is not a PNG, JPEG or BMP"]);
  });

  it("leaves the event loop free", async () => {
    open({ threads: 1 });
    let turns = 0;
    let isDone = false;
    const work = pool
      .extract({ picture: { kind: "image", bytes: picture(1) }, hand: "left", owner: "a", poses: false })
      .finally(() => {
        isDone = true;
      });
    while (!isDone) {
      turns += 1;
      await new Promise(setImmediate);
    }
    await work;
    // On this thread it would be one turn.
    assert.ok(turns > 10, `${turns} turns`);
  });

  const worker = new URL("../../support/workers/scripted.ts", import.meta.url);
  const task = (owner: string, id: number, how: number) => ({
    ...{
      picture: { kind: "image" as const, bytes: Uint8Array.of(id, how) },
      hand: "left" as const,
      poses: false,
    },
    owner,
  });

  it("takes turns between owners, however many pictures one of them sends", async () => {
    open({ threads: 1, worker });
    const done: string[] = [];
    const send = (owner: string, id: number) =>
      pool.extract(task(owner, id, 0)).then(({ quality }) => done.push(`${owner}${quality}`));
    await Promise.all([
      ...[0, 1, 2, 3, 4, 5].map((id) => send("flood", id)),
      ...[0, 1].map((id) => send("a", id)),
      send("b", 0),
    ]);
    assert.deepEqual(done.slice(0, 5), ["flood0", "flood1", "a0", "b0", "flood2"]);
    assert.equal(done.length, 9);
  });

  it("keeps one thread free of an owner who would take them all", async () => {
    open({ threads: 2, worker });
    const done: number[] = [];
    const waiting = [0, 1].map((id) =>
      pool.extract(task("flood", id, 1)).then(({ quality }) => done.push(quality)),
    );
    const { quality } = await pool.extract(task("a", 7, 0));
    assert.deepEqual([quality, done], [7, []]);
    const gate = new BroadcastChannel("gate");
    for (; done.length < 2; await sleep(10)) gate.postMessage("open");
    gate.close();
    await Promise.all(waiting);
  });

  it("drops what waits when its sender leaves, and takes no more than 80 waiting pictures of an owner", async () => {
    open({ threads: 1, worker });
    const held = pool.extract(task("a", 1, 1));
    const leaving = new AbortController();
    const left = pool.extract({ ...task("a", 2, 0), signal: leaving.signal });
    const waiting = Array.from({ length: 79 }, () => pool.extract(task("a", 3, 0)));
    await assert.rejects(pool.extract(task("a", 4, 0)), { code: "unavailable" });
    leaving.abort();
    await assert.rejects(left, { code: "invalid_request" });
    const next = pool.extract(task("a", 5, 0));
    const gate = new BroadcastChannel("gate");
    let isOver = false;
    const all = Promise.all([held, ...waiting, next]).finally(() => {
      isOver = true;
    });
    for (; !isOver; await sleep(10)) gate.postMessage("open");
    gate.close();
    assert.equal((await all).at(-1)?.quality, 5);
  });

  it("answers unavailable for a thread that dies, and replaces it", async () => {
    open({ threads: 1, worker });
    for (const how of [3, 4]) {
      const error = await pool.extract(task("a", 1, how)).catch((error: unknown) => error);
      assert.ok(error instanceof DomainError, String(error));
      assert.equal(error.code, "unavailable");
      assert.equal((await pool.extract(task("a", 9, 0))).quality, 9);
    }
  });

  it("gives up a thread that takes too long", async () => {
    open({ threads: 1, worker, deadline_ms: 4000 });
    const [error, next] = await Promise.all([
      pool.extract(task("a", 1, 2)).catch((error: unknown) => error),
      sleep(10).then(() => pool.extract(task("b", 5, 0))),
    ]);
    assert.ok(error instanceof DomainError, String(error));
    assert.equal(error.code, "unavailable");
    assert.equal(next.quality, 5);
  });
});
