import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { damaged } from "./file.ts";

/*
 * libjpeg-turbo and libwebp, which npm packages compile to WebAssembly with Emscripten. A decoder has two files: the
 * WebAssembly, and a script that connects it with JavaScript.
 */

// The compiler's library has WebAssembly only among the types of browsers.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
};

/** Row by row from the top left, `channels` bytes a pixel: 1 gray, 3 RGB, 4 RGB and alpha. */
export interface Pixels {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** What a script exports: it starts an instance. Emscripten documents the options under "Module object". */
type Factory<T> = (options: {
  instantiateWasm(imports: object, onReady: (instance: object) => void): object;
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<T>;

/** An instance of @cornerstonejs/codec-libjpeg-turbo-8bit. */
interface JpegInstance {
  JPEGDecoder: new () => JpegDecoder;
  /** The memory of the instance, as bytes and as words. Replaced when the memory grows. */
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
}

interface JpegDecoder {
  /** Returns the memory for a file of `size` bytes. */
  getEncodedBuffer(size: number): Uint8Array;
  /** Throws when libjpeg-turbo reports an error or a warning. */
  decode(): void;
  getFrameInfo(): { width: number; height: number; componentCount: number };
  /** Returns a copy of the pixels. */
  getDecodedBuffer(): Uint8ClampedArray;
  /** `ptr` is the address of the C++ object. */
  $$: { ptr: number };
}

/** An instance of icodec's WebP decoder. */
interface WebpInstance {
  /** Returns the result of `_icodec_ImageData`, null when libwebp reports an error. */
  decode(file: Uint8Array): Pixels | null;
}

interface Files {
  script: URL;
  wasm: URL;
}

/** The files of the decoders in their packages, and their names beside the bundle, where scripts/build.ts copies them. */
export const DECODERS = {
  jpeg: {
    inPackage: (): Files => ({
      script: new URL(import.meta.resolve("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs")),
      wasm: new URL(import.meta.resolve("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm")),
    }),
    bundled: { script: "jpeg-decoder.cjs", wasm: "jpeg-decoder.wasm" },
  },
  webp: {
    inPackage: (): Files => {
      const wasm = new URL(import.meta.resolve("icodec/webp-dec.wasm"));
      // The package exports the WebAssembly only. Its own loader has one instance for all pictures.
      return { script: new URL("webp-dec.js", wasm), wasm };
    },
    bundled: { script: "webp-decoder.mjs", wasm: "webp-decoder.wasm" },
  },
};

const startJpeg = newStarter<JpegInstance>(DECODERS.jpeg);
const startWebp = newStarter<WebpInstance>(DECODERS.webp);

/**
 * Decodes a JPEG with libjpeg-turbo.
 * @returns gray or RGB
 * @throws PalmError `invalid_image`
 */
export async function decodeWithLibjpeg(bytes: Uint8Array): Promise<Pixels> {
  const instance = await startJpeg();
  return refuseOnError(() => {
    const decoder = new instance.JPEGDecoder();
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount } = decoder.getFrameInfo();
    const data = pixelsOf(decoder, instance, width * height * componentCount);
    return { width, height, channels: componentCount, data };
  });
}

/**
 * Returns the pixels in the memory of the instance. `getDecodedBuffer` copies them one by one, which takes as long as
 * decoding them.
 *
 * The C++ object has two vectors, of the file and of the pixels. A vector is three addresses: start, end, end of capacity.
 * When the object looks different, as after an update of the package, the pixels are copied.
 */
function pixelsOf(
  decoder: JpegDecoder,
  { HEAPU8, HEAPU32 }: JpegInstance,
  size: number,
): Uint8Array | Uint8ClampedArray {
  const pixels = decoder.$$.ptr / Uint32Array.BYTES_PER_ELEMENT + 3;
  const [start = 0, end = 0] = HEAPU32.subarray(pixels, pixels + 2);
  const isVector = start > 0 && end - start === size && end <= HEAPU8.length;
  return isVector ? HEAPU8.subarray(start, end) : decoder.getDecodedBuffer();
}

/**
 * Decodes a WebP with libwebp.
 * @returns RGB and alpha
 * @throws PalmError `invalid_image`
 */
export async function decodeWithLibwebp(bytes: Uint8Array): Promise<Pixels> {
  // icodec calls this global function with the pixels.
  Object.assign(globalThis, {
    _icodec_ImageData: (data: Uint8ClampedArray, width: number, height: number): Pixels => ({
      ...{ width, height, data },
      channels: 4,
    }),
  });
  const { decode } = await startWebp();
  return refuseOnError(() => decode(bytes)) ?? refuse();
}

/**
 * Returns a function that starts a new instance of a decoder. The first call reads and compiles the files.
 *
 * Each picture has an instance of its own: a file that corrupts the decoder's memory cannot change how another one is
 * read, and the memory is released with the instance, also after the decoder has aborted.
 */
function newStarter<T>({ inPackage, bundled }: (typeof DECODERS)["jpeg"]): () => Promise<T> {
  let loading: Promise<{ factory: Factory<T>; module: object }> | undefined;

  const load = async () => {
    const beside = (name: string) => new URL(name, import.meta.url);
    const isBundled = existsSync(beside(bundled.wasm));
    const { script, wasm } = isBundled
      ? { script: beside(bundled.script), wasm: beside(bundled.wasm) }
      : inPackage();
    const [{ default: factory }, bytes] = await Promise.all([import(script.href), readFile(wasm)]);
    return { factory: factory as Factory<T>, module: await WebAssembly.compile(bytes) };
  };

  return async () => {
    loading ??= load();
    const { factory, module } = await loading.catch((error: unknown) => {
      // A failed read must not be remembered.
      loading = undefined;
      throw error;
    });
    return instantiate(factory, module);
  };
}

function instantiate<T>(factory: Factory<T>, module: object): Promise<T> {
  const ignore = () => {};
  return new Promise((resolve, reject) => {
    // Emscripten does not notice when the instantiation fails.
    const fail = (cause: unknown) => reject(new Error("cannot start an image decoder", { cause }));
    factory({
      instantiateWasm(imports, onReady) {
        WebAssembly.instantiate(module, imports).then(onReady).catch(fail);
        return {};
      },
      print: ignore,
      printErr: ignore,
    }).then(resolve, fail);
  });
}

/** Emscripten's scripts throw numbers, which are addresses of C++ exceptions, and errors when a decoder aborts. */
function refuseOnError<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    return refuse();
  }
}

function refuse(): never {
  throw damaged();
}
