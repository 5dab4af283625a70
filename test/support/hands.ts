/**
 * Rendered photographs of whole hands, for tests and benches. They belong to no person. One seed gives one palm: the
 * region that is cut from `renderHand({ palmSeed })` matches `syntheticPalm({ seed })`.
 *
 * Rendered hands show that a program works; their error rates say nothing about people.
 *
 * The same arguments give the same pixels on every machine: integers, + − × ÷ and √ only.
 */
import { BACKGROUND_NAMES, type BackgroundName, paintBackground, separate } from "./hand/backdrop.ts";
import { growBones } from "./hand/bones.ts";
import { newCamera } from "./hand/camera.ts";
import { develop } from "./hand/develop.ts";
import { LIGHT_NAMES, type LightName, newLight } from "./hand/light.ts";
import { scramble } from "./hand/math.ts";
import { newPalmSkin } from "./hand/palmSkin.ts";
import { palmRegion, type Region } from "./hand/region.ts";
import { shade } from "./hand/shade.ts";
import { newTone } from "./hand/skin.ts";
import { newSurface } from "./hand/surface.ts";
import { Chance, type Point } from "./palm/random.ts";

export { notAHand, OTHER_KINDS } from "./hand/others.ts";
export { cutRegion } from "./hand/region.ts";

export interface HandOptions {
  /** Decides bones, skin and lines. */
  palmSeed: number;
  /** Decides all that follows and is not given, and what differs from photograph to photograph. */
  poseSeed?: number | undefined;
  /** As in an ordinary photograph, not mirrored. The right hand of a seed is the mirror image of the left one. */
  hand?: "left" | "right" | undefined;
  width?: number | undefined;
  height?: number | undefined;
  /** 1 (lightest) to 10 (darkest) on the Monk skin tone scale. */
  skin?: number | undefined;
  background?: BackgroundName | undefined;
  light?: LightName | undefined;
  /** Degrees clockwise in the plane of the picture, 0 with the fingers up; the pose adds up to ±6°. */
  turn?: number | undefined;
  /** Degrees out of the plane of the picture. */
  tilt?: readonly [forward: number, sideways: number] | undefined;
  /** Length of the hand from the wrist to the tip of the middle finger, in shorter sides of the picture. */
  scale?: number | undefined;
  /** How far the fingers are apart: 0 closed, 1 at ease, 1.8 far. */
  spread?: number | undefined;
}

export interface HandPhoto {
  width: number;
  height: number;
  /** Three bytes a px, row by row. */
  rgb: Uint8Array;
  /** 21 points in px, in MediaPipe's order. */
  landmarks: Point[];
  /** The region of the palm by these landmarks. */
  region: Region;
}

/**
 * Renders one photograph of a hand, palm to the camera, fingers open, the forearm leaving the picture.
 *
 * @example
 * const photo = renderHand({ palmSeed: 7, hand: "right", width: 480, height: 640 });
 * const region = cutRegion(photo, photo.region); // a mate of syntheticPalm({ seed: 7, hand: "right" })
 */
export function renderHand({
  palmSeed,
  poseSeed = 0,
  hand = "left",
  width = 480,
  height = 640,
  ...given
}: HandOptions): HandPhoto {
  const body = new Chance(palmSeed, -3);
  const pose = new Chance(scramble(palmSeed) + poseSeed, -4);
  // Every value is drawn even when it is given, so that one option does not change the others.
  const drawn = {
    skin: 1 + body.below(10),
    background: BACKGROUND_NAMES[pose.below(BACKGROUND_NAMES.length)] as BackgroundName,
    light: LIGHT_NAMES[pose.below(LIGHT_NAMES.length)] as LightName,
    tilt: [pose.between(-9, 9), pose.between(-9, 9)] as const,
    scale: pose.between(0.66, 0.86),
    spread: pose.between(0.75, 1.45),
    turn: pose.between(-6, 6),
  };
  const light = newLight(given.light ?? drawn.light, pose);
  const bones = growBones(body, pose, given.spread ?? drawn.spread);
  const camera = newCamera({
    width,
    height,
    hand,
    tilt: given.tilt ?? drawn.tilt,
    turn: (given.turn ?? 0) + drawn.turn,
    scale: given.scale ?? drawn.scale,
    pose,
  });
  const surface = newSurface(bones, camera, body);
  const skin = newPalmSkin(palmSeed, pose);
  const tone = newTone(given.skin ?? drawn.skin, body, pose);
  const backdropChance = new Chance(scramble(palmSeed) + poseSeed, -5);
  const picture = paintBackground(given.background ?? drawn.background, width, height, backdropChance);
  separate(picture, tone);
  shade({ seed: palmSeed, bones, camera, surface, skin, tone, light, picture, pose });

  const landmarks = bones.landmarks.map((joint): Point => {
    const [x, y] = camera.project(joint);
    return [x, y];
  });
  return {
    width,
    height,
    rgb: develop(picture, width, height, pose),
    landmarks,
    region: palmRegion(landmarks),
  };
}

/**
 * Hands that the light models of `@mediapipe/hands` 0.4.1675469240 find: `renderHand` with these options and the poses 0
 * to 3 was checked in 480 × 640 px. Presence is at least 0.98 and handedness is right with at least 0.88. Landmarks are
 * within 4 % of the palm's length on average. The regions by these landmarks score at least 0.67 with each other.
 * After a change of the renderer, check them again.
 */
export const CHECKED_HANDS = [
  { palmSeed: 1, hand: "left", skin: 8 },
  { palmSeed: 2, hand: "right", skin: 5 },
  { palmSeed: 3, hand: "left", skin: 2 },
  { palmSeed: 5, hand: "left", skin: 6 },
  { palmSeed: 6, hand: "right", skin: 3 },
  { palmSeed: 7, hand: "left", skin: 10 },
  { palmSeed: 9, hand: "left", skin: 4 },
  { palmSeed: 10, hand: "right", skin: 1 },
  { palmSeed: 12, hand: "right", skin: 5 },
  { palmSeed: 13, hand: "left", skin: 2 },
  { palmSeed: 14, hand: "right", skin: 9 },
  { palmSeed: 15, hand: "left", skin: 6 },
] as const satisfies readonly HandOptions[];
