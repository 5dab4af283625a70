import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const MODULE = fileURLToPath(new URL("../../../../functions/src/palm/hand/index.ts", import.meta.url));

describe("functions/src/palm/hand", () => {
  it("bundles for a browser: it imports nothing of Node.js and no package", async () => {
    const { metafile, warnings } = await build({
      entryPoints: [MODULE],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    assert.deepEqual(warnings, []);
    const inputs = Object.keys(metafile.inputs);
    assert.deepEqual(
      inputs.filter((input) => !/functions\/src\/palm\/(hand\/\w+(\.wasm)?|errors)\.ts$/.test(input)),
      [],
    );
    const [output] = Object.values(metafile.outputs);
    assert.ok(output && output.bytes < 100_000, `${output?.bytes} bytes`);
  });
});
