import { health } from "./health.ts";
import { liveness } from "./liveness.ts";
import { openapi } from "./openapi.ts";

export const routes = [liveness, health, openapi];
