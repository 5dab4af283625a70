import * as z from "zod";
import type { Ctx } from "../../domain/context.ts";
import * as enrollments from "../../domain/enrollment/pollEnrollment.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid, waitSeconds } from "../fields.ts";
import { SessionShape, toSession } from "../sessions.ts";

const PollEnrollmentBody = z
  .strictObject({
    session_id: uuid,
    version: z.int().min(1).optional().meta({ description: "The newest one that the caller has seen." }),
    wait: waitSeconds,
  })
  .meta({ id: "PollEnrollment" });

export const pollEnrollment = defineRoute({
  method: "POST",
  path: "/v1/device/{device_id}/enrollment/poll",
  operationId: "pollEnrollment",
  fn: "enrollments",
  summary: "Wait for news of an enrolment",
  description:
    "The session once its `version` is newer than the one that is named, at once where none is, or else as it is after " +
    "`wait`. One that has ended is told until another one starts or 24 hours have passed; then, and of a session " +
    "that was never on the device, the answer is `null`, at once.",
  auth: ["firebase", "apiKey"],
  permission: "enrollments:write",
  scope: "device",
  idempotent: false,
  audits: null,
  body: PollEnrollmentBody,
  response: SessionShape.nullable(),
  errors: [],
  async handle(ctx: Ctx<"commit" | "devices">, { device, body, signal }) {
    const { session_id, version, wait } = body;
    const session = await enrollments.pollEnrollment(ctx, {
      ...{ device: device.value, session_id, version, signal },
      wait_ms: wait * 1000,
    });
    return session && toSession(session);
  },
});
