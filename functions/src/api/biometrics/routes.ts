import { enrollPalm } from "./enrollPalm.ts";
import { identify } from "./identify.ts";
import { verifyPalm } from "./verifyPalm.ts";

export const routes = [identify, enrollPalm, verifyPalm];
