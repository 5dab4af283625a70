import type { Tail } from "../../palm/index.ts";
import type { Stored, Write } from "../store.ts";

/** How alike different people's palms are in an environment, measured on its own palms. */
export interface Calibration extends Tail {
  /** How many pairs of palms were compared, of how many palms. */
  comparisons: number;
  palms: number;
  calibrated_at: Date;
}

/** A calibration that is not finished. */
export interface CalibrationProgress {
  environment_id: string;
  /** What the pairs are chosen by. */
  seed: number;
  comparisons: number;
  /** How many comparisons had each score, in thousandths: `histogram[583]` counts 0.583 up to 0.584. */
  histogram: number[];
}

export interface Calibrations {
  get(environment_id: string): Promise<Stored<CalibrationProgress> | undefined>;
  create(progress: CalibrationProgress): Write;
  replace(was: Stored<CalibrationProgress>, now: CalibrationProgress): Write;
  remove(was: Stored<CalibrationProgress>): Write;
}
