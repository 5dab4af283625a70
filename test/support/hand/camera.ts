/** The camera of rendered hands. */
import type { Chance, Point } from "../palm/random.ts";
import { cosSin, type Vector } from "./math.ts";

export interface Camera {
  width: number;
  height: number;
  /** Px for one hand unit. */
  unit: number;
  /** 1 for a right hand, −1 for a left one: hand units have the thumb at +x. */
  mirror: 1 | -1;
  /** Hand units → px x, px y, height toward the camera, enlargement by nearness. */
  project(point: Vector): readonly [x: number, y: number, rise: number, near: number];
  /** Px → the point of the palm's plane z = 0. */
  unproject(x: number, y: number): Point;
}

/** Distance of the camera from the palm, in hand units. */
const DISTANCE = 7;
/** Middle of a right hand, which lies near the middle of the picture. */
const MIDDLE: Point = [0.06, 0.86];

export function newCamera({
  width,
  height,
  hand,
  tilt,
  turn,
  scale,
  pose,
}: {
  width: number;
  height: number;
  hand: "left" | "right";
  tilt: readonly [forward: number, sideways: number];
  turn: number;
  scale: number;
  pose: Chance;
}): Camera {
  const shorter = Math.min(width, height);
  const unit = (scale * shorter) / 2;
  const mirror = hand === "left" ? -1 : 1;
  const [middleX, middleY] = [mirror * MIDDLE[0], MIDDLE[1]];
  const centerX = width / 2 + pose.between(-0.03, 0.03) * shorter;
  const centerY = height / 2 + pose.between(-0.03, 0.03) * shorter;
  const [cosTurn, sinTurn] = cosSin(turn);
  const [cosX, sinX] = cosSin(tilt[0]);
  const [cosY, sinY] = cosSin(tilt[1]);
  // Rows of the rotation: sideways about y, then forward about x.
  const across: Vector = [cosY, 0, sinY];
  const up: Vector = [sinX * sinY, cosX, -sinX * cosY];
  const out: Vector = [-cosX * sinY, sinX, cosX * cosY];

  return {
    width,
    height,
    unit,
    mirror,
    project([x, y, z]) {
      const dot = (row: Vector) => row[0] * (mirror * x - middleX) + row[1] * (y - middleY) + row[2] * z;
      const rise = dot(out);
      const near = DISTANCE / (DISTANCE - rise);
      const u = dot(across) * near * unit;
      const v = -dot(up) * near * unit;
      return [centerX + cosTurn * u - sinTurn * v, centerY + sinTurn * u + cosTurn * v, rise, near];
    },
    unproject(px, py) {
      const a = (cosTurn * (px - centerX) + sinTurn * (py - centerY)) / unit;
      const b = -(-sinTurn * (px - centerX) + cosTurn * (py - centerY)) / unit;
      // The projection with z = 0 is linear in x and y: (across · p) DISTANCE = a (DISTANCE − out · p), same for b.
      const m00 = DISTANCE * across[0] + a * out[0];
      const m01 = DISTANCE * across[1] + a * out[1];
      const m10 = DISTANCE * up[0] + b * out[0];
      const m11 = DISTANCE * up[1] + b * out[1];
      const determinant = m00 * m11 - m01 * m10;
      const x = (DISTANCE * (a * m11 - b * m01)) / determinant;
      const y = (DISTANCE * (b * m00 - a * m10)) / determinant;
      return [mirror * (x + middleX), y + middleY];
    },
  };
}
