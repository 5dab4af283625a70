/** PNGs of stored blocks: their bytes do not depend on a version of a compressor. */
import { crc32 } from "node:zlib";

const GRAY = 0;
const RGB = 2;

/** An 8-bit gray PNG. */
export function encodePng({
  width,
  height,
  gray,
}: {
  width: number;
  height: number;
  gray: Uint8Array;
}): Uint8Array {
  return encode(width, height, gray, GRAY);
}

/** An 8-bit color PNG. */
export function encodeRgbPng({
  width,
  height,
  rgb,
}: {
  width: number;
  height: number;
  rgb: Uint8Array;
}): Uint8Array {
  return encode(width, height, rgb, RGB);
}

function encode(width: number, height: number, pixels: Uint8Array, colorType: number): Uint8Array {
  const stride = pixels.length / height;
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUint32BE(width, 0);
  header.writeUint32BE(height, 4);
  header.set([8, colorType], 8);
  return Uint8Array.from(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      pngChunk("IHDR", header),
      pngChunk("IDAT", storedZlib(rows)),
      pngChunk("IEND", new Uint8Array()),
    ]),
  );
}

/** One chunk of a PNG: length, type, body, CRC. */
export function pngChunk(type: string, body: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUint32BE(body.length, 0);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  chunk.writeUint32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

function storedZlib(bytes: Uint8Array): Uint8Array {
  const parts = [Buffer.from([0x78, 0x01])];
  for (let at = 0; at < bytes.length; at += 65535) {
    const block = bytes.subarray(at, at + 65535);
    const head = Buffer.from([at + block.length === bytes.length ? 1 : 0, 0, 0, 0, 0]);
    head.writeUint16LE(block.length, 1);
    head.writeUint16LE(~block.length & 0xffff, 3);
    parts.push(head, Buffer.from(block));
  }
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  const adler = Buffer.alloc(4);
  adler.writeUint32BE(b * 65536 + a);
  return Buffer.concat([...parts, adler]);
}
