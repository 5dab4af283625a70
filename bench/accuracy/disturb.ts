import type { GrayImage } from "../../functions/src/palm/index.ts";

type Disturbance = (image: GrayImage) => GrayImage;

/** Turns (degrees), scales and shifts (shares of a side) a picture; its border repeats outside. */
function move(turn: number, scale = 1, right = 0, down = 0): Disturbance {
  const cos = Math.cos((turn * Math.PI) / 180) / scale;
  const sin = Math.sin((turn * Math.PI) / 180) / scale;
  return ({ width, height, gray }) => {
    const at = (x: number, y: number) =>
      gray[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)] as number;
    const moved = gray.map((_, i) => {
      const u = (i % width) - (width - 1) / 2 - right * width;
      const v = Math.floor(i / width) - (height - 1) / 2 - down * height;
      const x = cos * u - sin * v + (width - 1) / 2;
      const y = sin * u + cos * v + (height - 1) / 2;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [x - left, y - top];
      const upper = at(left, top) * (1 - fx) + at(left + 1, top) * fx;
      const lower = at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx;
      return Math.round(upper * (1 - fy) + lower * fy);
    });
    return { width, height, gray: moved };
  };
}

const levels =
  (change: (gray: number) => number): Disturbance =>
  ({ gray, ...size }) => ({
    ...size,
    gray: gray.map((level) => Math.min(255, Math.max(0, Math.round(change(level))))),
  });

/** A light that falls from the left: half as bright on the right. */
const sideLight: Disturbance = ({ width, height, gray }) => ({
  width,
  height,
  gray: gray.map((level, i) => Math.round(level * (1 - (0.5 * (i % width)) / width))),
});

/** A Gaussian blur, its standard deviation in px of 128. */
function blur(sigma: number): Disturbance {
  return ({ width, height, gray }) => {
    const deviation = (sigma * width) / 128;
    const radius = Math.ceil(3 * deviation);
    const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-((i - radius) ** 2) / (2 * deviation * deviation)),
    );
    const sum = kernel.reduce((total, weight) => total + weight, 0);
    const along = (from: Float64Array, step: number, length: number, position: (i: number) => number) =>
      from.map((_, i) =>
        kernel.reduce((total, weight, k) => {
          const here = position(i);
          const there = Math.min(Math.max(here + k - radius, 0), length - 1);
          return total + (weight / sum) * (from[i + (there - here) * step] as number);
        }, 0),
      );
    const rows = along(Float64Array.from(gray), 1, width, (i) => i % width);
    const both = along(rows, width, height, (i) => Math.floor(i / width));
    return { width, height, gray: Uint8Array.from(both, Math.round) };
  };
}

/** What happens to pictures of the same palm, by name. */
export const DISTURBANCES: Record<string, Disturbance> = {
  "as they are": (image) => image,
  "turned by 5°": move(5),
  "turned by -5°": move(-5),
  "turned by 10°": move(10),
  "turned by -10°": move(-10),
  "larger by a tenth": move(0, 1.1),
  "smaller by a tenth": move(0, 0.9),
  "shifted right by 10 %": move(0, 1, 0.1),
  "shifted down by 10 %": move(0, 1, 0, 0.1),
  "half as bright": levels((gray) => gray / 2),
  "gamma 0.6": levels((gray) => 255 * (gray / 255) ** 0.6),
  "light from the left": sideLight,
  "blurred, 2 px": blur(2),
  "blurred, 4 px": blur(4),
};
