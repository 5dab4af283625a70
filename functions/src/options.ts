import { setGlobalOptions } from "firebase-functions/options";

/** Where everything runs; hosting rewrites name it too. */
export const REGION = "europe-west1";

// This module must be imported first, or functions defined before it lose their region.
setGlobalOptions({ region: REGION });
