import { rm } from "node:fs/promises";
import { build, type Metafile } from "esbuild";

/**
 * Bundles an entry point and what it imports, each dynamic import a chunk that is loaded when it is asked for.
 * Firebase's and Google's packages stay outside: they have native parts and their own loading.
 */
export async function bundle(entryPoint: string, outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [entryPoint],
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

/** functions/src into functions/lib: index.js is the deployment table, a group's code is loaded by its function alone. */
if (import.meta.main) {
  const outdir = new URL("../functions/lib/", import.meta.url).pathname;
  await rm(outdir, { recursive: true, force: true });
  await bundle(new URL("../functions/src/index.ts", import.meta.url).pathname, outdir);
}
