import { PalmError } from "./errors.ts";
import { decodeBmp, inspectBmp } from "./image/bmp.ts";
import { damaged, type Header, hasText, invalid, type Limits, type OnStart } from "./image/file.ts";
import { decodeJpeg, inspectJpeg } from "./image/jpeg.ts";
import { applyOrientation } from "./image/orientation.ts";
import { decodePng, inspectPng } from "./image/png.ts";
import { fitInto, newScaler } from "./image/scale.ts";
import { decodeWebp, inspectWebp } from "./image/webp.ts";

/** A gray picture: `gray` has `width * height` luminances 0..255, row by row from the top left. */
export interface GrayImage {
  width: number;
  height: number;
  gray: Uint8Array;
}

/** A color picture: `rgb` has 3 bytes a pixel, red, green, blue, row by row from the top left. */
export interface RgbImage {
  width: number;
  height: number;
  rgb: Uint8Array;
}

const IMAGE_LIMITS: Limits = { minSide: 96, maxSide: 1024, maxBytes: 1024 * 1024 };
const PHOTO_LIMITS: Limits = { minSide: 96, maxSide: 4096, maxBytes: 8 * 1024 * 1024 };

const PNG = "\x89PNG\r\n\x1a\n";
const JPEG = "\xff\xd8\xff";
const BMP = "BM";

/**
 * Decodes the picture of a palm's region, a PNG, JPEG or BMP, as luminance (ITU-R BT.601 in integers). Returns the same
 * bytes on every machine.
 *
 * The EXIF orientation is applied. Alpha and color profiles are ignored, and so are bytes behind the end of the image. The
 * sides are read from the header before anything is decoded. docs/palm.md lists the kinds that are refused.
 *
 * @param bytes at most 1 MiB, sides of 96..1024 px
 * @throws PalmError `too_large`, `invalid_image`
 */
export async function decodeImage(bytes: Uint8Array): Promise<GrayImage> {
  let image: GrayImage | undefined;
  const onStart: OnStart = (width, height) => {
    const gray = new Uint8Array(width * height);
    image = { width, height, gray };
    let i = 0;
    return (rgb) => {
      for (let p = 0; p < rgb.length; p += 3, i++) {
        gray[i] = luminance(rgb[p] as number, rgb[p + 1] as number, rgb[p + 2] as number);
      }
    };
  };
  const { orientation } = await decode(bytes, IMAGE_LIMITS, {
    png: (bytes, limits) => decodePng(bytes, limits, onStart),
    jpeg: (bytes, limits) => decodeJpeg(bytes, limits, onStart),
    bmp: (bytes, limits) => decodeBmp(bytes, limits, onStart),
  });
  if (!image) throw damaged();
  const { width, height, data } = applyOrientation({ ...image, data: image.gray }, 1, orientation);
  return { width, height, gray: data };
}

/**
 * Decodes a photograph of a hand, a PNG, JPEG or WebP, as color. Returns the same bytes on every machine.
 *
 * A picture whose longest side is longer than `targetSide` is scaled down by area averaging; a smaller one is not
 * enlarged. The EXIF orientation is applied, the rest is as for `decodeImage`.
 *
 * @param bytes at most 8 MiB, sides of 96..4096 px
 * @param options.targetSide longest side of the result, in pixels
 * @throws PalmError `too_large`, `invalid_image`
 */
export async function decodePhoto(
  bytes: Uint8Array,
  { targetSide }: { targetSide: number },
): Promise<RgbImage> {
  let photo: RgbImage | undefined;
  const onStart: OnStart = (width, height) => {
    const target = fitInto({ width, height }, targetSide);
    const { rgb, push } = newScaler({ width, height }, target);
    photo = { ...target, rgb };
    return push;
  };
  const { orientation } = await decode(bytes, PHOTO_LIMITS, {
    png: (bytes, limits) => decodePng(bytes, limits, onStart),
    jpeg: (bytes, limits) => decodeJpeg(bytes, limits, onStart),
    webp: (bytes, limits) => decodeWebp(bytes, limits, onStart),
  });
  if (!photo) throw damaged();
  const { width, height, data } = applyOrientation({ ...photo, data: photo.rgb }, 3, orientation);
  return { width, height, rgb: data };
}

/**
 * Checks size, kind and sides of a palm's picture by its headers, without decoding it.
 * @throws PalmError `too_large`, `invalid_image`
 */
export function inspectImage(bytes: Uint8Array): void {
  inspect(bytes, IMAGE_LIMITS, { png: inspectPng, jpeg: inspectJpeg, bmp: inspectBmp });
}

/**
 * Checks size, kind and sides of a photograph by its headers, without decoding it.
 * @throws PalmError `too_large`, `invalid_image`
 */
export function inspectPhoto(bytes: Uint8Array): void {
  inspect(bytes, PHOTO_LIMITS, { png: inspectPng, jpeg: inspectJpeg, webp: inspectWebp });
}

type Kind = "png" | "jpeg" | "bmp" | "webp";
type Reader<T> = (bytes: Uint8Array, limits: Limits) => T;
type Readers<T> = Partial<Record<Kind, Reader<T>>>;

const NAMES: Record<Kind, string> = { png: "PNG", jpeg: "JPEG", bmp: "BMP", webp: "WebP" };

function inspect(bytes: Uint8Array, limits: Limits, readers: Readers<void>): void {
  const read = chooseReader(bytes, limits, readers);
  try {
    read(bytes, limits);
  } catch (error) {
    throw toRefusal(error);
  }
}

async function decode(
  bytes: Uint8Array,
  limits: Limits,
  readers: Readers<Header | Promise<Header>>,
): Promise<Header> {
  const read = chooseReader(bytes, limits, readers);
  try {
    return await read(bytes, limits);
  } catch (error) {
    throw toRefusal(error);
  }
}

/** The reader of the file's kind, which its first bytes tell. */
function chooseReader<T>(bytes: Uint8Array, { maxBytes }: Limits, readers: Readers<T>): Reader<T> {
  if (bytes.length > maxBytes) {
    throw new PalmError("too_large", `The image has more than ${maxBytes / 1024 / 1024} MiB`);
  }
  const kind = kindOf(bytes);
  const reader = kind && readers[kind];
  if (reader) return reader;
  const names = Object.keys(readers).map((kind) => NAMES[kind as Kind]);
  throw invalid(`The image is not a ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
}

function kindOf(bytes: Uint8Array): Kind | undefined {
  if (hasText(bytes, 0, PNG)) return "png";
  if (hasText(bytes, 0, JPEG)) return "jpeg";
  if (hasText(bytes, 0, BMP)) return "bmp";
  if (hasText(bytes, 0, "RIFF") && hasText(bytes, 8, "WEBP")) return "webp";
  return undefined;
}

/** A refusal when the file caused the error: a DataView or the inflater met its end. */
function toRefusal(error: unknown): unknown {
  const isOfFile =
    error instanceof RangeError ||
    (error instanceof Error && "code" in error && String(error.code).startsWith("Z_"));
  return isOfFile ? damaged() : error;
}

function luminance(red: number, green: number, blue: number): number {
  return (77 * red + 150 * green + 29 * blue + 128) >> 8;
}
