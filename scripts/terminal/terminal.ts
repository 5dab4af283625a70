import type { Api, World } from "./api.ts";
import type { Camera } from "./camera.ts";
import type { Folder } from "./identity.ts";
import type { Tell } from "./screen.ts";

/** A terminal: what it is made of. */
export interface Terminal {
  /** Where its API is, without a slash at the end. */
  base: string;
  api: Api;
  folder: Folder;
  camera: Camera;
  world: World;
  tell: Tell;
  about: { app_version: string; model: string };
  /** Somebody switches it off. */
  signal: AbortSignal;
}
