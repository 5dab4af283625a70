import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Metafile } from "esbuild";
import { groups } from "../../functions/src/api/routes.ts";
import { bundle, copyDecoders, writeHandModels } from "../../scripts/build.ts";
import { encodeJpeg } from "../support/encodeJpeg.ts";
import { CHECKED_HANDS, renderHand } from "../support/hands.ts";
import { readCase, readCorpus } from "../support/pictures.ts";

const SRC = fileURLToPath(new URL("../../functions/src", import.meta.url));

describe("The bundle", () => {
  let outputs: Metafile["outputs"];

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "palmgate-bundle-"));
    ({ outputs } = await bundle({ index: join(SRC, "index.ts") }, folder));
    await rm(folder, { recursive: true });
  });

  /** What is loaded with a source file at once: sources of ours, and packages that are not bundled. */
  function loadedWith(source: string): string[] {
    const loaded = new Set<string>();
    const visit = (path: string): void => {
      const { inputs, imports } = outputs[path] ?? { inputs: {}, imports: [] };
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const input of Object.keys(inputs)) loaded.add(input);
      for (const { path: next, kind, external } of imports) {
        if (kind !== "import-statement") continue;
        if (external) loaded.add(next);
        else visit(next);
      }
    };
    const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint?.endsWith(`src/${source}`));
    visit(entry ?? assert.fail(`${source} is in no chunk of its own`));
    return [...loaded];
  }

  const packages = (loaded: string[]) =>
    loaded.filter((each) => /^(@google-cloud|firebase-admin)/.test(each)).sort();
  const engine = (loaded: string[]) => loaded.filter((each) => each.includes("functions/src/palm/"));

  it("loads no client and no group with the deployment table", () => {
    const loaded = loadedWith("index.ts");
    assert.deepEqual(packages(loaded), []);
    assert.deepEqual(
      loaded.filter((each) => /src\/(api|data|domain|http|tasks|palm)\//.test(each)),
      [],
    );
  });

  it("loads Firestore and Auth alone with every function", () => {
    const loaded = loadedWith("deps.ts");
    assert.deepEqual(packages(loaded), [
      "@google-cloud/firestore",
      "firebase-admin/app",
      "firebase-admin/auth",
    ]);
    assert.deepEqual(engine(loaded), []);
  });

  it("decodes a JPEG on the extraction worker's thread", async () => {
    const folder = await mkdtemp(join(tmpdir(), "palmgate-bundle-"));
    try {
      await bundle({ "extraction-worker": join(SRC, "data/extraction/worker.ts") }, folder);
      await copyDecoders(folder);
      const worker = new Worker(join(folder, "extraction-worker.js"));
      worker.postMessage({ picture: { kind: "image", bytes: readCase("jpeg-ycc.jpg") }, hand: "left" });
      const [result] = (await once(worker, "message")) as [object];
      await worker.terminate();
      assert.ok("template" in result, JSON.stringify(result));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("finds the hand in a photograph on that thread, with the files beside the bundle", async () => {
    const folder = await mkdtemp(join(tmpdir(), "palmgate-bundle-"));
    try {
      await bundle({ "extraction-worker": join(SRC, "data/extraction/worker.ts") }, folder);
      await Promise.all([copyDecoders(folder), writeHandModels(folder)]);
      const worker = new Worker(join(folder, "extraction-worker.js"));
      const bytes = await encodeJpeg(renderHand(CHECKED_HANDS[1]));
      worker.postMessage({ picture: { kind: "photo", bytes }, hand: "unknown" });
      const [result] = (await once(worker, "message")) as [{ hand?: string }];
      await worker.terminate();
      assert.equal(result.hand, "right", JSON.stringify(result));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("decodes a WebP with the files beside the bundle", async () => {
    const folder = await mkdtemp(join(tmpdir(), "palmgate-bundle-"));
    try {
      await bundle({ palm: join(SRC, "palm/index.ts") }, folder);
      await copyDecoders(folder);
      const { decodePhoto } = (await import(
        pathToFileURL(join(folder, "palm.js")).href
      )) as typeof import("../../functions/src/palm/index.ts");
      const lossy = readCorpus().find(({ file }) => file === "lossy.webp") ?? assert.fail();
      const { width, height } = await decodePhoto(lossy.bytes, { targetSide: 1280 });
      assert.deepEqual([width, height], [104, 96]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const group of Object.keys(groups)) {
    const needs = group === "biometrics";
    it(`loads no hand finder with ${group}`, () => {
      assert.deepEqual(
        loadedWith(`api/${group}/routes.ts`).filter((each) => each.includes("/palm/hand/")),
        [],
      );
    });

    it(`loads ${group} ${needs ? "with" : "without"} the palm engine, and no client`, () => {
      const loaded = loadedWith(`api/${group}/routes.ts`);
      assert.deepEqual(packages(loaded), []);
      assert.equal(engine(loaded).length > 0, needs);
    });
  }
});
