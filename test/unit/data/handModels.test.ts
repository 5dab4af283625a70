import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readHandModels } from "../../../functions/src/data/extraction/handModels.ts";
import { bundle, writeHandModels } from "../../../scripts/build.ts";

const SOURCE = fileURLToPath(
  new URL("../../../functions/src/data/extraction/handModels.ts", import.meta.url),
);

describe("readHandModels", () => {
  let folder: string;
  /** Loads the bundle again, because it caches the models. */
  const load = async (): Promise<ReturnType<typeof readHandModels>> => {
    const { href } = pathToFileURL(join(folder, "worker.js"));
    const loaded: { readHandModels: typeof readHandModels } = await import(`${href}?${Math.random()}`);
    return loaded.readHandModels();
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "palmgate-models-"));
    await bundle({ worker: SOURCE }, folder);
    await writeHandModels(folder);
  });
  after(() => rm(folder, { recursive: true }));

  it("reads the same models beside a bundle as from the package", async () => {
    assert.deepEqual(await load(), readHandModels());
  });

  it("is built with the notice of the models' license", async () => {
    assert.match(
      await readFile(join(folder, "NOTICE"), "utf8"),
      /MediaPipe[\s\S]+Apache License, Version 2\.0/,
    );
  });

  it("refuses a file with other bytes", async () => {
    await writeFile(join(folder, "hand_landmark_lite.tflite"), "TFL3");
    await assert.rejects(load, /hand_landmark_lite\.tflite has other bytes than expected/);
  });
});
