import * as z from "zod";
import * as enrollments from "../../domain/enrollment/cancelEnrollment.ts";
import { defineRoute } from "../../http/route.ts";
import { uuid } from "../fields.ts";

export const cancelEnrollment = defineRoute({
  method: "DELETE",
  path: "/v1/device/{device_id}/enrollment",
  operationId: "cancelEnrollment",
  fn: "enrollments",
  summary: "Cancel an enrolment",
  description:
    "Ends the session that is named, and erases the samples that it has; the terminal hears of it within a second. 404 " +
    "when it is not active; twice is 204.",
  auth: ["firebase", "apiKey"],
  permission: "enrollments:write",
  scope: "device",
  audits: "session",
  query: z.strictObject({ session_id: uuid }),
  status: 204,
  response: null,
  errors: [],
  async handle(ctx: enrollments.CancelCtx, { device, query }) {
    await enrollments.cancelEnrollment(ctx, { device, session_id: query.session_id });
  },
});
