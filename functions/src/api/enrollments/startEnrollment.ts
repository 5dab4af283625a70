import * as z from "zod";
import * as enrollments from "../../domain/enrollment/startEnrollment.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";
import { hand } from "../palms.ts";
import { SessionShape, toSession } from "../sessions.ts";

const StartEnrollmentBody = z
  .strictObject({
    member_id: uuid.optional().meta({
      description:
        "Required, except in a global environment: its palms have no member, and it is refused there.",
    }),
    hand: hand.default("unknown"),
    samples_required: z.int().min(1).max(5).default(3),
    expires_in: z.int().min(30).max(600).default(120).meta({ description: "Seconds." }),
  })
  .meta({ id: "StartEnrollment" });

export const startEnrollment = defineRoute({
  method: "POST",
  path: "/v1/device/{device_id}/enrollment",
  operationId: "startEnrollment",
  fn: "enrollments",
  summary: "Start an enrolment at a terminal",
  description:
    "Asks the terminal to take samples of a palm of the member; it hears of it within a second, while it polls. A " +
    "device has one active session at most. It ends by its last sample, by its cancellation, by its time, or when " +
    "the member or the device is deleted or the device disabled.",
  auth: ["firebase", "apiKey"],
  permission: "enrollments:write",
  scope: "devicePalms",
  requires: ["enabled"],
  idempotent: true,
  audits: "session",
  body: StartEnrollmentBody,
  status: 201,
  response: SessionShape,
  errors: ["session_active"],
  answers: toSession,
  async handle(ctx: enrollments.StartCtx, { device, environment, body }) {
    const { expires_in, member_id, ...rest } = body;
    return enrollments.startEnrollment(ctx, {
      ...{ device, environment, member_id, ...rest },
      expires_in_ms: expires_in * 1000,
    });
  },
});
