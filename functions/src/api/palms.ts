import * as z from "zod";
import { TEMPLATE_FORMATS } from "../domain/environment/environment.ts";
import type { Palm } from "../domain/palm/palm.ts";
import { time, toTime, uuid } from "./fields.ts";

export const hand = z.enum(["left", "right", "unknown"]);

export const PalmShape = z
  .strictObject({
    id: uuid,
    member_id: uuid.nullable(),
    hand,
    template_format: z.enum(TEMPLATE_FORMATS),
    samples: z.int().min(1).max(5),
    quality: z.int().min(0).max(100).nullable().meta({ description: "`null` where the format has none." }),
    created_at: time,
  })
  .meta({ id: "Palm" });

/** A palm as the wire shows it: never its template. */
export const toPalm = (palm: Palm): z.infer<typeof PalmShape> => ({
  id: palm.id,
  member_id: palm.member_id,
  hand: palm.hand,
  template_format: palm.template_format,
  samples: palm.samples,
  quality: palm.quality,
  created_at: toTime(palm.created_at),
});
