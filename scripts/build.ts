import { rm } from "node:fs/promises";
import { build } from "esbuild";

/**
 * Bundles functions/src into functions/lib: index.js is the deployment table, each group a chunk that only its
 * function loads. Firebase's and Google's packages stay outside: they have native parts and their own loading.
 */
const outdir = new URL("../functions/lib/", import.meta.url).pathname;
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [new URL("../functions/src/index.ts", import.meta.url).pathname],
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: true,
  chunkNames: "[name]-[hash]",
  external: ["firebase-admin", "firebase-functions", "@google-cloud/*"],
  // CommonJS packages inside an ES bundle still ask for `require`.
  banner: {
    js: 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
  },
  logLevel: "warning",
});
