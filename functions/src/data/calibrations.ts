import type { Firestore } from "@google-cloud/firestore";
import * as z from "zod";
import type { CalibrationProgress, Calibrations } from "../domain/environment/calibration.ts";
import { Documents } from "./firestore.ts";

const documents = new Documents<CalibrationProgress>(
  z.object({
    environment_id: z.string(),
    seed: z.number(),
    comparisons: z.number(),
    histogram: z.array(z.number()),
  }),
);

/** `environments/{environment}/gallery/calibration` */
export function createCalibrations(db: Firestore): Calibrations {
  const ref = (environment_id: string) =>
    db.collection("environments").doc(environment_id).collection("gallery").doc("calibration");
  return {
    get: (environment_id) => documents.get(ref(environment_id)),
    create: (progress) => documents.create(ref(progress.environment_id), progress),
    replace: (was, now) => documents.replace(was, now),
    remove: (was) => documents.remove(was),
  };
}
