/** Lens and sensor of rendered photographs. */
import type { Chance } from "../palm/random.ts";
import { clamp } from "./math.ts";

/** Linear light, three channels a px → bytes, with some softness, noise, and gamma 2. */
export function develop(picture: Float32Array, width: number, height: number, pose: Chance): Uint8Array {
  const softness = pose.between(0.1, 0.5);
  const noise = 2.4495 * pose.between(0.6, 2.4);
  const gain = pose.between(0.9, 1.08);
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -3 * width : 0;
    const down = y < height - 1 ? 3 * width : 0;
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? -3 : 0;
      const right = x < width - 1 ? 3 : 0;
      const speck = (pose.unit() + pose.unit() - 1) * noise;
      for (let k = 0; k < 3; k++, i++) {
        const at = (offset: number) => picture[i + offset] as number;
        const around = (at(left) + at(right) + at(up) + at(down)) / 4;
        const light = at(0) + (around - at(0)) * softness;
        const level = 255 * Math.sqrt(Math.max(0, light * gain));
        // Bright light approaches white slowly instead of ending there.
        const bent = level > 205 ? 205 + (50 * (level - 205)) / (50 + level - 205) : level;
        rgb[i] = clamp(Math.round(bent + speck), 0, 255);
      }
    }
  }
  return rgb;
}
