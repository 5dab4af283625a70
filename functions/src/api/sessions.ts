import * as z from "zod";
import { REJECTIONS, type Session, STATUSES } from "../domain/enrollment/session.ts";
import { time, toTime, toTimeOrNull, uuid } from "./fields.ts";
import { hand } from "./palms.ts";

export const SessionShape = z
  .strictObject({
    session_id: uuid,
    device_id: uuid,
    project_id: uuid,
    member_id: uuid.nullable().meta({ description: "`null` in a global environment." }),
    hand,
    status: z.enum(STATUSES).meta({
      description:
        "`pending` until the first accepted sample, then `capturing`; all others are ends. `failed`: " +
        "`last_rejection` says why.",
    }),
    samples_required: z.int().min(1).max(5),
    samples_accepted: z.int().min(0).max(5),
    last_rejection: z.strictObject({ code: z.enum(REJECTIONS), at: time }).nullable(),
    version: z.int().min(1).meta({ description: "Every change adds 1." }),
    created_at: time,
    updated_at: time,
    expires_at: time,
    completed_at: time.nullable(),
  })
  .meta({ id: "EnrollmentSession" });

/** A session as the wire shows it: never its samples. It is to be as of now (`asOf`). */
export const toSession = (session: Session): z.infer<typeof SessionShape> => ({
  session_id: session.id,
  device_id: session.device_id,
  project_id: session.project_id,
  member_id: session.member_id,
  hand: session.hand,
  status: session.status,
  samples_required: session.samples_required,
  samples_accepted: session.samples_accepted,
  last_rejection: session.last_rejection && {
    code: session.last_rejection.code,
    at: toTime(session.last_rejection.at),
  },
  version: session.version,
  created_at: toTime(session.created_at),
  updated_at: toTime(session.updated_at),
  expires_at: toTime(session.expires_at),
  completed_at: toTimeOrNull(session.completed_at),
});
