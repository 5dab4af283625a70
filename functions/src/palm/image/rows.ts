import type { Pixels } from "./decoders.ts";
import { damaged, type OnStart } from "./file.ts";

/**
 * Pushes the rows of a decoded picture as RGB. Alpha is left out.
 * @param sides of the file's header
 * @throws PalmError `invalid_image` when the decoder has read other sides than `sides`
 */
export function pushRows(
  { width, height, channels, data }: Pixels,
  sides: { width: number; height: number },
  onStart: OnStart,
): void {
  if (width !== sides.width || height !== sides.height || data.length !== width * height * channels) {
    throw damaged();
  }
  const onRow = onStart(width, height);
  for (let y = 0; y < height; y++) {
    const start = y * width * channels;
    onRow(toRgb(data.subarray(start, start + width * channels), channels));
  }
}

function toRgb(row: Pixels["data"], channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(row.buffer, row.byteOffset, row.length);
  const rgb = new Uint8Array((3 * row.length) / channels);
  // Of gray, all three samples are the same byte.
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb[to] = row[from] as number;
    rgb[to + 1] = row[from + green] as number;
    rgb[to + 2] = row[from + blue] as number;
  }
  return rgb;
}
