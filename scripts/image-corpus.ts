import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { pngChunk } from "../test/support/palms.ts";

/**
 * Writes test/data/images: one drawn picture in many kinds of JPEG, PNG, BMP and WebP, and the pixels that reference
 * decoders read from them (djpeg, dwebp, ImageMagick). The tests read the files and need none of these programs.
 *
 *   node --no-warnings scripts/image-corpus.ts
 *
 * Debian: apt-get install libjpeg-turbo-progs imagemagick webp
 */
const OUT = join(import.meta.dirname, "../test/data/images");

/** A file and the name of its pixels, or why it is refused. */
type Entry = { file: string } & ({ pixels: string } | { refused: string });
const entries: Entry[] = [];
const references = new Map<string, Buffer>();
const folder = mkdtempSync(join(tmpdir(), "palmgate-images-"));
const at = (name: string): string => join(folder, name);
const run = (command: string, ...args: string[]): Buffer =>
  execFileSync(command, args, { maxBuffer: 2 ** 26 });

/** Keeps a file of `folder` with its pixels, a binary PPM; files with equal pixels share them. */
function keep(file: string, pixels: string, ppm: Buffer): void {
  copyFileSync(at(file), join(OUT, file));
  const known = references.get(pixels);
  if (known && !known.equals(ppm)) throw new Error(`${file} has other pixels than the files before it`);
  const shared = [...references.keys()].find((name) => references.get(name)?.equals(ppm));
  if (!shared) {
    references.set(pixels, ppm);
    writeFileSync(join(OUT, `${pixels}.ppm.br`), brotliCompressSync(ppm));
  }
  entries.push({ file, pixels: shared ?? pixels });
}

function keepRefused(file: string, refused: string): void {
  copyFileSync(at(file), join(OUT, file));
  entries.push({ file, refused });
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
try {
  drawPicture();
  writeJpegs();
  writePngs();
  writeBmps();
  writeWebps();
  writeFileSync(join(OUT, "index.json"), `${JSON.stringify(entries, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** 104 x 96 px: colors that change slowly, and lines. */
function drawPicture(): void {
  run(
    "convert",
    ...[
      "-size",
      "104x96",
      "gradient:#e0a080-#503028",
      "(",
      "-size",
      "104x96",
      "radial-gradient:white-#6070ff",
      ")",
    ],
    ...["-compose", "multiply", "-composite", "-stroke", "#402018", "-strokewidth", "3", "-fill", "none"],
    ...["-draw", "bezier 5,30 40,40 60,60 99,50", "-draw", "bezier 20,5 30,40 40,60 35,90", "-depth", "8"],
    at("picture.ppm"),
  );
}

function writeJpegs(): void {
  const encode = (file: string, pixels: string, ...args: string[]) => {
    run("cjpeg", "-quality", "80", ...args, "-outfile", at(file), at("picture.ppm"));
    keep(file, pixels, run("djpeg", "-ppm", at(file)));
  };
  for (const [name, sampling] of [
    ["444", "1x1"],
    ["422", "2x1"],
    ["420", "2x2"],
    ["411", "4x1"],
    ["440", "1x2"],
  ] as const) {
    encode(`baseline-${name}.jpg`, name, "-sample", sampling);
    encode(`progressive-${name}.jpg`, name, "-progressive", "-sample", sampling);
  }
  encode("gray.jpg", "gray", "-grayscale");
  encode("gray-progressive-restart.jpg", "gray", "-grayscale", "-progressive", "-restart", "5B");
  encode("rgb.jpg", "rgb", "-rgb");
  encode("rgb-progressive.jpg", "rgb", "-rgb", "-progressive");
  encode("optimized.jpg", "420", "-optimize");
  encode("restart-blocks.jpg", "420", "-restart", "3B");
  encode("restart-row.jpg", "420", "-restart", "1");
  encode("progressive-restart.jpg", "420", "-progressive", "-restart", "5B");
  writeFileSync(at("scans"), "0;\n1;\n2;\n");
  encode("one-component-scans.jpg", "420", "-scans", at("scans"), "-restart", "7B");
  encode("quality-10.jpg", "quality-10", "-quality", "10");
  run("cjpeg", "-arithmetic", "-outfile", at("arithmetic.jpg"), at("picture.ppm"));
  keepRefused("arithmetic.jpg", "A JPEG must not be coded arithmetically");
  run("convert", at("picture.ppm"), "-colorspace", "CMYK", at("cmyk.jpg"));
  keepRefused("cmyk.jpg", "A JPEG must not be CMYK or YCCK");

  // Stored turned, so that its orientation turns it upright.
  const upright = run("djpeg", "-ppm", at("baseline-444.jpg"));
  for (const [i, transform] of [
    [],
    ["-flip", "horizontal"],
    ["-rotate", "180"],
    ["-flip", "vertical"],
    ["-transpose"],
    ["-rotate", "270"],
    ["-transverse"],
    ["-rotate", "90"],
  ].entries()) {
    const turned = run("jpegtran", "-copy", "none", ...transform, at("baseline-444.jpg"));
    const body = Buffer.concat([Buffer.from("Exif\0\0"), exif(i + 1, i % 2 === 0)]);
    const head = Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
    writeFileSync(
      at(`exif-${i + 1}.jpg`),
      Buffer.concat([turned.subarray(0, 2), head, body, turned.subarray(2)]),
    );
    keep(`exif-${i + 1}.jpg`, "444", upright);
  }
}

function writePngs(): void {
  const encode = (file: string, ...args: string[]) => {
    run("convert", at("picture.ppm"), ...args, at(file));
    keep(file, file.replace(/(-interlaced)?\.png$/, "-png"), ppmOf(file));
  };
  for (const [name, ...args] of [
    ["gray-1", "-colorspace", "gray", "-depth", "1", ...type(0, 1)],
    ["gray-2", "-colorspace", "gray", "+dither", "-posterize", "4", ...type(0, 2)],
    ["gray-4", "-colorspace", "gray", "+dither", "-posterize", "16", ...type(0, 4)],
    ["gray-8", "-colorspace", "gray", ...type(0, 8)],
    ["gray-16", "-colorspace", "gray", ...type(0, 16)],
    ["rgb-8", ...type(2, 8)],
    ["rgb-16", "-blur", "0x1", ...type(2, 16)],
    ["palette-1", "+dither", "-colors", "2", ...type(3, 1)],
    ["palette-4", "+dither", "-colors", "16", ...type(3, 4)],
    ["palette-8", "+dither", "-colors", "200", ...type(3, 8)],
    ["palette-transparent", "+dither", "-colors", "60", "-transparent", "white", ...type(3, 8)],
    ["gray-alpha-8", "-colorspace", "gray", "-alpha", "set", "-channel", "A", "-fx", "i/w", ...type(4, 8)],
    ["rgb-alpha-8", "-alpha", "set", "-channel", "A", "-fx", "i/w", ...type(6, 8)],
  ] as [string, ...string[]][]) {
    encode(`${name}.png`, ...args);
    encode(`${name}-interlaced.png`, ...args, "-interlace", "PNG");
  }
  const upright = readFileSync(at("rgb-8.png"));
  run("convert", at("rgb-8.png"), "-rotate", "-90", ...type(2, 8), at("turned.png"));
  const turned = readFileSync(at("turned.png"));
  const header = upright.indexOf("IHDR") + 4 + 13 + 4;
  writeFileSync(
    at("exif-6.png"),
    Buffer.concat([turned.subarray(0, header), pngChunk("eXIf", exif(6, false)), turned.subarray(header)]),
  );
  keep("exif-6.png", "rgb-8-png", ppmOf("rgb-8.png"));
}

function type(color: number, depth: number): string[] {
  const define = (setting: string) => ["-define", `png:${setting}`];
  return [...define(`color-type=${color}`), ...define(`bit-depth=${depth}`), ...define("exclude-chunks=all")];
}

function writeBmps(): void {
  for (const [name, format, ...args] of [
    ["24", "BMP3"],
    ["565", "BMP", "-define", "bmp:subtype=RGB565"],
    ["1555", "BMP", "-alpha", "set", "-define", "bmp:subtype=ARGB1555"],
    ["8", "BMP3", "+dither", "-colors", "200", "-type", "palette", "-compress", "none"],
    ["4", "BMP3", "+dither", "-colors", "16", "-type", "palette", "-compress", "none"],
    ["1", "BMP3", "+dither", "-monochrome", "-compress", "none"],
    ["os2-24", "BMP2"],
    ["os2-8", "BMP2", "+dither", "-colors", "200", "-type", "palette"],
  ] as [string, string, ...string[]][]) {
    run("convert", at("picture.ppm"), ...args, `${format}:${at(`${name}.bmp`)}`);
    keep(`${name}.bmp`, `${name}-bmp`, ppmOf(`${name}.bmp`));
  }
  const palette = ["+dither", "-colors", "60", "-type", "palette"];
  run("convert", at("picture.ppm"), ...palette, "-compress", "RLE", `BMP3:${at("rle.bmp")}`);
  keepRefused("rle.bmp", "A BMP must not be compressed");
}

function writeWebps(): void {
  const encode = (file: string, pixels: string, input: string, ...args: string[]) => {
    run("cwebp", "-quiet", ...args, at(input), "-o", at(file));
    keep(file, pixels, run("dwebp", "-quiet", at(file), "-ppm", "-o", "-"));
  };
  encode("lossy.webp", "lossy-webp", "picture.ppm", "-q", "80");
  encode("lossless.webp", "lossless-webp", "picture.ppm", "-lossless");
  encode("lossy-alpha.webp", "lossy-alpha-webp", "rgb-alpha-8.png", "-q", "80", "-exact");
  encode("lossless-alpha.webp", "lossless-alpha-webp", "rgb-alpha-8.png", "-lossless", "-exact");
  const turned = run("convert", at("picture.ppm"), "-rotate", "-90", "ppm:-");
  writeFileSync(at("turned.ppm"), turned);
  run("cwebp", "-quiet", "-lossless", at("turned.ppm"), "-o", at("turned.webp"));
  writeFileSync(at("exif"), exif(6, true));
  run("webpmux", "-set", "exif", at("exif"), at("turned.webp"), "-o", at("exif-6.webp"));
  keep("exif-6.webp", "lossless-webp", run("dwebp", "-quiet", at("lossless.webp"), "-ppm", "-o", "-"));
  run("convert", at("picture.ppm"), "-flop", at("mirrored.ppm"));
  run("img2webp", "-lossy", "-q", "20", at("picture.ppm"), at("mirrored.ppm"), "-o", at("animated.webp"));
  keepRefused("animated.webp", "A WebP must not be animated");
}

/** What ImageMagick reads from a file, without alpha. */
function ppmOf(file: string): Buffer {
  return run("convert", at(file), "-alpha", "off", "-depth", "8", "ppm:-");
}

/** EXIF data with an orientation only. */
function exif(orientation: number, isLittle: boolean): Buffer {
  const tiff = Buffer.alloc(26);
  const write16 = (value: number, offset: number) =>
    isLittle ? tiff.writeUint16LE(value, offset) : tiff.writeUint16BE(value, offset);
  const write32 = (value: number, offset: number) =>
    isLittle ? tiff.writeUint32LE(value, offset) : tiff.writeUint32BE(value, offset);
  tiff.write(isLittle ? "II" : "MM");
  write16(42, 2);
  write32(8, 4);
  write16(1, 8);
  write16(0x0112, 10);
  write16(3, 12);
  write32(1, 14);
  write16(orientation, 18);
  return tiff;
}
