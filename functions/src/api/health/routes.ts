import { health } from "./health.ts";
import { liveness } from "./liveness.ts";

export const routes = [liveness, health];
