import { enrollPalm } from "./enrollPalm.ts";
import { identify } from "./identify.ts";
import { scan } from "./scan.ts";
import { submitSample } from "./submitSample.ts";
import { verifyPalm } from "./verifyPalm.ts";

export const routes = [identify, enrollPalm, verifyPalm, submitSample, scan];
