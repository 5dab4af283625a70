import type { Listing, Range } from "../list.ts";
import type { Write } from "../store.ts";

/** One look at a palm: what was asked, what came out. `score` has two digits. */
export interface Scan {
  id: string;
  project_id: string;
  device_id: string | null;
  /** The API key that asked; null when a terminal did, and on scans from before this was recorded. */
  api_key_id: string | null;
  source: "api" | "terminal";
  operation: "identify" | "verify" | "enroll";
  outcome: "identified" | "no_match" | "match" | "enrolled";
  /** Null but on an `identified` scan. */
  member_id: string | null;
  score: number | null;
  /** The device's liveness score, 0..1, as it was sent. */
  pad_score: number | null;
  created_at: Date;
}

export interface Scans {
  create(scan: Scan): Write;
  ofProject(project_id: string, range: Range): Listing<Scan>;
  /** How many identifications in a range ended so, those at terminals included. */
  countIdentify(project_id: string, outcome: "identified" | "no_match", range: Range): Promise<number>;
}
