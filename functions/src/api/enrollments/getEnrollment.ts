import * as z from "zod";
import * as enrollments from "../../domain/enrollment/getEnrollment.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";
import { SessionShape, toSession } from "../sessions.ts";

export const getEnrollment = defineRoute({
  method: "GET",
  path: "/v1/device/{device_id}/enrollment",
  operationId: "getEnrollment",
  fn: "enrollments",
  summary: "Get a terminal's active enrolment",
  description:
    "The session that waits for samples or has some, or `null`; with `session_id` only if it is that one. What became " +
    "of one that has ended is told by pollEnrollment.",
  auth: ["firebase", "apiKey"],
  permission: "enrollments:write",
  scope: "device",
  query: z.strictObject({ session_id: uuid.optional() }),
  response: SessionShape.nullable(),
  errors: [],
  async handle(ctx, { device, query }) {
    const session = enrollments.getEnrollment(ctx, { device: device.value, session_id: query.session_id });
    return session && toSession(session);
  },
});
