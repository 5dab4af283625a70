import assert from "node:assert/strict";
import { decodeImage, decodePhoto, PalmError } from "../../../functions/src/palm/index.ts";
import { mutations } from "../../support/mutations.ts";
import { readCorpus } from "../../support/pictures.ts";

/** `npm run bench:images -- --mutations 10000` tries more. */
const COUNT = 1000;

describe("A damaged picture", () => {
  const files = readCorpus().map(({ bytes }) => bytes);

  for (const [name, decode, maxSide] of [
    ["decodeImage", decodeImage, 1024],
    ["decodePhoto", (bytes: Uint8Array) => decodePhoto(bytes, { targetSide: 320 }), 320],
  ] as const) {
    it(`is decoded or refused with a PalmError by ${name}`, async () => {
      let [decoded, refused] = [0, 0];
      for (const bytes of mutations(files, { count: COUNT, seed: 1 })) {
        try {
          const { width, height, ...pixels } = await decode(bytes);
          assert.ok(width <= maxSide && height <= maxSide, `${width} x ${height}`);
          assert.equal("gray" in pixels ? pixels.gray.length : pixels.rgb.length / 3, width * height);
          decoded++;
        } catch (error) {
          assert.ok(error instanceof PalmError && error.code === "invalid_image", String(error));
          refused++;
        }
      }
      assert.ok(decoded > COUNT / 20 && refused > COUNT / 4, `${decoded} decoded, ${refused} refused`);
    });
  }
});
