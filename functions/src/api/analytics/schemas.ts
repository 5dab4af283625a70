import * as z from "zod";
import type { Scan } from "../../domain/scan/scan.ts";
import { time, toTime, uuid } from "../fields.ts";

export const ScanShape = z
  .strictObject({
    id: uuid,
    project_id: uuid,
    device_id: uuid.nullable(),
    api_key_id: uuid.nullable().meta({ description: "The API key that asked; `null` when none did." }),
    source: z.enum(["api", "terminal"]),
    operation: z.enum(["identify", "verify", "enroll"]),
    outcome: z.enum(["identified", "no_match", "match", "enrolled"]).meta({
      description:
        "Of identify `identified` or `no_match`, of verify `match` or `no_match`, of an enrolment `enrolled`.",
    }),
    member_id: uuid.nullable().meta({ description: "`null` but on an `identified` scan." }),
    score: z.number().nullable(),
    created_at: time,
  })
  .meta({ id: "Scan" });

/** A scan as the wire shows it: without the device's liveness score. */
export const toScan = ({ pad_score: _, ...scan }: Scan): z.infer<typeof ScanShape> => ({
  ...scan,
  created_at: toTime(scan.created_at),
});
