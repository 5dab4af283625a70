import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { HAND_MODELS, unpackModel } from "../functions/src/data/extraction/handModels.ts";
import { DECODERS } from "../functions/src/palm/image/decoders.ts";

/**
 * Bundles entry points, by the names of their output, and what they import, each dynamic import a chunk that is loaded
 * when it is asked for. Firebase's and Google's packages stay outside: they have native parts and their own loading.
 */
export async function bundle(entryPoints: Record<string, string>, outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    sourcemap: true,
    metafile: true,
    chunkNames: "[name]-[hash]",
    external: ["firebase-admin", "firebase-functions", "@google-cloud/*"],
    // CommonJS packages inside an ES bundle still ask for `require`.
    banner: {
      js: 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  return metafile;
}

/** What the page at /docs takes of its viewer, beside our own hosting/docs: served by us, and by nobody else. */
const VIEWER = ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"];

async function copyViewer(outdir: string): Promise<void> {
  const from = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist")));
  await mkdir(outdir, { recursive: true });
  await Promise.all(VIEWER.map((file) => cp(join(from, file), join(outdir, file))));
}

/**
 * Puts the hand models beside the bundle, with the notice that their license asks for.
 * @throws Error when the package has other bytes than expected
 */
export async function writeHandModels(outdir: string): Promise<void> {
  const notice = join(dirname(import.meta.dirname), "NOTICE");
  await Promise.all([
    ...Object.values(HAND_MODELS).map((model) => writeFile(join(outdir, model.name), unpackModel(model))),
    cp(notice, join(outdir, "NOTICE")),
  ]);
}

/** Copies the image decoders from their packages to where the bundled code reads them: beside its chunks. */
export async function copyDecoders(outdir: string): Promise<void> {
  for (const { inPackage, bundled } of Object.values(DECODERS)) {
    const { script, wasm } = inPackage();
    await cp(fileURLToPath(script), join(outdir, bundled.script));
    await cp(fileURLToPath(wasm), join(outdir, bundled.wasm));
  }
}

/** functions/src into functions/lib: index.js is the deployment table, a group's code is loaded by its function alone. */
if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const outdir = join(root, "functions/lib");
  await rm(outdir, { recursive: true, force: true });
  const source = (file: string): string => join(root, "functions/src", file);
  await bundle(
    {
      index: source("index.ts"),
      "extraction-worker": source("data/extraction/worker.ts"),
      "input-worker": source("inputs/worker.ts"),
    },
    outdir,
  );
  await writeHandModels(outdir);
  await copyDecoders(outdir);
  await copyViewer(join(root, "hosting/docs/viewer"));
}
