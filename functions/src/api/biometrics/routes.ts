import { enrollPalm } from "./enrollPalm.ts";
import { identify } from "./identify.ts";

export const routes = [identify, enrollPalm];
