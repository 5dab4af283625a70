import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import {
  compareTemplates,
  decodeImage,
  decodePhoto,
  extractTemplate,
} from "../../../functions/src/palm/index.ts";
import { caseFiles, meanDifference, readCase, readCorpus } from "../../support/pictures.ts";

/** Gray levels; decoders round differently. */
const TOLERANCE = 2;
/** Gray levels between lossy files of one picture. */
const LOSS = 3;

const luminance = (rgb: Uint8Array): Uint8Array =>
  Uint8Array.from(
    { length: rgb.length / 3 },
    (_, i) =>
      (77 * (rgb[3 * i] as number) +
        150 * (rgb[3 * i + 1] as number) +
        29 * (rgb[3 * i + 2] as number) +
        128) >>
      8,
  );

describe("A picture of any encoder", () => {
  for (const entry of readCorpus()) {
    const { file, bytes } = entry;
    const isPhoto = !file.endsWith(".bmp");
    const isRegion = !file.endsWith(".webp");
    if ("refused" in entry) {
      it(`is refused with its own message: ${file}`, async () => {
        const refusal = { code: "invalid_image", message: entry.refused };
        if (isRegion) await assert.rejects(decodeImage(bytes), refusal);
        if (isPhoto) await assert.rejects(decodePhoto(bytes, { targetSide: 1280 }), refusal);
      });
      continue;
    }
    it(`has the pixels of the reference decoder: ${file}`, async () => {
      const { width, height, rgb } = entry;
      if (isRegion) {
        const image = await decodeImage(bytes);
        assert.deepEqual([image.width, image.height], [width, height]);
        const difference = meanDifference(image.gray, luminance(rgb));
        assert.ok(difference <= TOLERANCE, `${difference} gray levels`);
      }
      if (isPhoto) {
        const photo = await decodePhoto(bytes, { targetSide: 1280 });
        assert.deepEqual([photo.width, photo.height], [width, height]);
        const difference = meanDifference(photo.rgb, rgb);
        assert.ok(difference <= TOLERANCE, `${difference} levels`);
      }
    });
  }
});

describe("The files of test/data/cases", () => {
  const templateOf = async (file: string) =>
    extractTemplate(await decodeImage(readCase(file)), { hand: "left" }).template;

  it("are all decoded", async () => {
    for (const file of caseFiles()) {
      const { width, height } = await decodeImage(readCase(file));
      assert.deepEqual([width, height], [144, 144], file);
    }
  });

  it("have the same template when stored upright and turned", async () => {
    const [upright, turned] = await Promise.all(["jpeg-exif-1.jpg", "jpeg-exif-6.jpg"].map(templateOf));
    assert.ok(upright && turned && compareTemplates(upright, turned) > 0.95);
  });

  it("have the gray values of the same picture in another file", async () => {
    for (const [file, other] of [
      ["jpeg-rgb.jpg", "jpeg-ycc.jpg"],
      ["jpeg-exif-6.jpg", "jpeg-exif-1.jpg"],
      ["jpeg-progressive-restart.jpg", "jpeg-exif-1.jpg"],
      ["bmp-masks-rgba.bmp", "jpeg-exif-1.jpg"],
    ] as const) {
      const [one, two] = await Promise.all([file, other].map((name) => decodeImage(readCase(name))));
      const difference = one && two ? meanDifference(one.gray, two.gray) : Number.NaN;
      assert.ok(difference <= LOSS, `${file}: ${difference} gray levels`);
    }
  });
});

describe("docs/palm.md", () => {
  it("lists the message of every picture that is refused", () => {
    const folder = new URL("../../../functions/src/palm/", import.meta.url);
    const page = readFileSync(new URL("../../../docs/palm.md", import.meta.url), "utf8");
    const sources = readdirSync(new URL("image/", folder)).filter((file) => file.endsWith(".ts"));
    const messages = ["image.ts", ...sources.map((file) => `image/${file}`)].flatMap((file) => {
      const source = readFileSync(new URL(file, folder), "utf8");
      return [...source.matchAll(/invalid\(\s*["`]([^"`$]+)/g)].map(([, message = ""]) => message.trim());
    });
    assert.ok(messages.length > 20);
    for (const message of messages) assert.ok(page.includes(message), `"${message}" is not listed`);
  });
});
